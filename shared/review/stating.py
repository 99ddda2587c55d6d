"""How a finding is put: its stable id, its score, and the words of its sentence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from shared.review.case import Holding
from shared.review.directory import PrincipalKey
from shared.review.findings import Action, Finding, FindingKind
from shared.review.uses import MOST_EVIDENCE, Evidence
from shared.review.weights import rate_score, weigh

NOTHING = Evidence()


def finding_id(kind: FindingKind, principal: PrincipalKey | None, role: str | None) -> str:
    """The id of a matter: the same in every review that finds it. SHA-256 over what it is about."""
    about = json.dumps([kind, principal, role], separators=(",", ":")).encode()
    return f"f-{hashlib.sha256(about).hexdigest()[:16]}"


def state(
    kind: FindingKind,
    explanation: str,
    action: Action,
    proposal: str,
    *,
    at_stake: Iterable[str],
    principal: PrincipalKey | None = None,
    role: str | None = None,
    evidence: Evidence = NOTHING,
    held: Sequence[Holding] = (),
    patch: Mapping[str, object] | None = None,
) -> Finding:
    """A finding. `at_stake` are the permissions that give it its weight; `held` is what could be revoked."""
    score = weigh(kind, at_stake)
    return Finding(
        id=finding_id(kind, principal, role),
        kind=kind,
        risk=rate_score(score),
        score=score,
        explanation=explanation,
        action=action,
        proposal=proposal,
        principal=principal,
        role=role,
        evidence=evidence.names[:MOST_EVIDENCE],
        evidence_count=evidence.count,
        assignments=tuple(sorted({each for holding in held for each in holding.assignments})),
        groups=tuple(sorted({each for holding in held for each in holding.groups})),
        patch=patch,
    )


def gather(all_evidence: Iterable[Evidence]) -> Evidence:
    """Several pieces of evidence as one."""
    pieces = list(all_evidence)
    records = sorted({record for piece in pieces for record in piece.records}, reverse=True)
    return Evidence(tuple(records[:MOST_EVIDENCE]), sum(piece.count for piece in pieces))


def number(count: int, noun: str) -> str:
    """`1 call`, `2,000 calls`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(words: Iterable[str], most: int = 8) -> str:
    """The words in order, the end of a long list counted."""
    known = sorted(words)
    shown = ", ".join(known[:most])
    return shown if len(known) <= most else f"{shown} and {len(known) - most} more"


def path(held: Sequence[Holding]) -> str:
    """How roles are held: `directly`, `through the group <id>`."""
    groups = sorted({each for holding in held for each in holding.groups})
    ways = ["directly"] if any(holding.assignments for holding in held) else []
    if groups:
        ways.append(f"through the group{'' if len(groups) == 1 else 's'} {listed(groups)}")
    return " and ".join(ways)


def revocation(held: Sequence[Holding]) -> str:
    """What a revocation is, by the ways in which the roles are held."""
    groups = sorted({each for holding in held for each in holding.groups})
    direct = len({each for holding in held for each in holding.assignments})
    steps = [f"delete {number(direct, 'assignment')}"] if direct else []
    if groups:
        steps.append(f"take it out of the group{'' if len(groups) == 1 else 's'} {listed(groups)}")
    return " and ".join(steps)
