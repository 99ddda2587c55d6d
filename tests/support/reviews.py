"""A review that has something of everything, for tests of what is made of it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args

from shared.review.directory import PrincipalKey, Unknown
from shared.review.findings import (
    RISKS,
    Action,
    Finding,
    FindingKind,
    InsufficientHistory,
    PrincipalRow,
    Review,
    Window,
)
from shared.review.standing import Decision, Standing, stand_findings

TENANT = "6f1d2a34-5b6c-4d7e-8f90-a1b2c3d4e5f6"
MADE = datetime(2026, 12, 1, 5, 0, 7, tzinfo=UTC)
KINDS: tuple[FindingKind, ...] = get_args(FindingKind)
ROLES = (
    "Pii.Analyst",
    "Pii.Redactor",
    "Pii.Reidentifier",
    "Pii.Pipeline",
    "Audit.Reviewer",
    "Pii.BreakGlass",
)
WORDS: Mapping[str, tuple[Action, str, str]] = {
    "orphaned_principal": (
        "revoke",
        "The account is disabled since 3 September 2026 and still holds the role {role}.",
        "Delete the assignment of {role}.",
    ),
    "over_permissive": (
        "narrow",
        "Of 6 operators that {role} allows, 1 was used in 90 days (replace, 4,211 times).",
        "Give a role with the operator replace alone.",
    ),
    "break_glass_used": (
        "investigate",
        "Emergency access with ticket INC-4711 on 14 November 2026, 3 calls in 22 minutes.",
        "Compare the calls with the ticket.",
    ),
    "separation_of_duties": (
        "separate",
        "Restores values (212 times in 90 days) and reviews the access of those who do.",
        "Let another person hold Audit.Reviewer.",
    ),
}
DEFAULT: tuple[Action, str, str] = (
    "revoke",
    "Held {role} for 212 days and used it 0 times in the 90 days of this window.",
    "Revoke {role}; it can be given again when it is needed.",
)


def principal(number: int) -> PrincipalKey:
    """The key of a made-up principal."""
    return TENANT, f"{number:08x}-1111-4222-8333-{number * 7919:012x}"


def sample_finding(number: int, kind: FindingKind | None = None, **changes: Any) -> Finding:
    """A finding of the n-th kind about the n-th principal."""
    chosen = kind or KINDS[number % len(KINDS)]
    action, explanation, proposal = WORDS.get(chosen, DEFAULT)
    role = ROLES[number % len(ROLES)]
    fields: dict[str, Any] = {
        "id": f"f-{number:016x}",
        "kind": chosen,
        "risk": RISKS[(number * 7) % 4],
        "score": 10 + number,
        "explanation": explanation.format(role=role),
        "action": action,
        "proposal": proposal.format(role=role),
        "principal": None if chosen in ("role_unheld", "role_without_policy") else principal(number % 9),
        "role": role,
        "evidence": tuple(f"01KB0000000000000000000{number:03d}/{place}" for place in range(number % 4)),
        "evidence_count": (number % 4) * 100,
        "assignments": (f"assignment-{number}",) if action == "revoke" else (),
        "patch": {"operators": ["replace"], "entities": ["PERSON"]} if action == "narrow" else None,
    }
    return Finding(**{**fields, **changes})


def sample_review(size: int = 28, people: int = 12, /, **changes: Any) -> Review:
    """A review of so many findings and principals. `changes` replace fields."""
    found = tuple(sample_finding(number) for number in range(size))
    fields: dict[str, Any] = {
        "id": "2026-12",
        "made_at": MADE,
        "tenant": TENANT,
        "log": "audit.example.com/presidio",
        "window": sample_window(),
        "policy": "ab" * 32,
        "findings": found,
        "insufficient": (InsufficientHistory(principal(8), "Pii.Redactor", 12, 90),),
        "rows": tuple(_row(number, found) for number in range(people)),
        "unknown": (
            Unknown("sign_ins", "", "the last sign-ins; AuditLog.Read.All and a P1 licence would tell them"),
            Unknown(
                "group_members", "0a1b2c3d-0000-4000-8000-000000000001", "its members; GroupMember.Read.All"
            ),
        ),
        "decide_by": MADE + timedelta(days=14),
        "month_calls": _calls(),
        "previous": {"unused_role": 5, "orphaned_app": 2, "dormant_principal": 1, "over_permissive": 2},
    }
    return Review(**{**fields, **changes})


def sample_window(**changes: Any) -> Window:
    """Ninety days, intact."""
    fields: dict[str, Any] = {
        "since": MADE - timedelta(days=90),
        "until": MADE,
        "from_size": 11_204,
        "from_root": "1c" * 32,
        "to_size": 48_771,
        "to_root": "9e" * 32,
        "records": 1_204_551,
        "verdict": "intact",
        "verification": {},
    }
    return Window(**{**fields, **changes})


def sample_standings(review: Review) -> dict[str, Standing]:
    """Some decisions of each choice."""
    choices = ("approve", "revoke", "defer", "revoke")
    decisions = [
        Decision(
            finding=finding.id,
            choice=cast(Any, choices[number % 4]),
            by=principal(77),
            justification="Checked with the owner of the team",
            at=MADE + timedelta(days=1),
            record=f"01KC000000000000000000000A/{number}",
            defer_until=MADE + timedelta(days=40) if number % 4 == 2 else None,
        )
        for number, finding in enumerate(review.findings[:8])
    ]
    return stand_findings([each.id for each in review.findings], decisions, MADE + timedelta(days=2))


def _row(number: int, findings: tuple[Finding, ...]) -> PrincipalRow:
    key = principal(number)
    mine = [each for each in findings if each.principal == key]
    return PrincipalRow(
        key=key,
        kind="app" if number % 4 == 3 else "person",
        state="disabled" if number % 5 == 4 else "enabled",
        name=None,
        roles=(ROLES[number % len(ROLES)], ROLES[(number + 2) % len(ROLES)])[: 1 + number % 2],
        groups=("0a1b2c3d-0000-4000-8000-000000000001",) if number % 3 == 1 else (),
        calls={ROLES[number % len(ROLES)]: 137 * number, ROLES[(number + 2) % len(ROLES)]: 11}
        if number % 2
        else {},
        refused=number * 3 % 7,
        reidentifications=212 if number == 2 else 0,
        sensitive_released=31 * (number % 3),
        last_use=MADE - timedelta(days=number) if number % 2 else None,
        last_sign_in=None,
        findings=tuple(each.id for each in mine),
        risk=max((each.risk for each in mine), key=RISKS.index, default=None),
    )


def _calls() -> dict[str, dict[str, int]]:
    chance = random.Random(7)
    sizes = {
        "pii.analyze": 210_000, "pii.redact": 160_000, "pii.anonymize": 80_000, "pii.deanonymize": 3_000,
        "audit.read": 900, "catalog.read": 700, "identity.read": 300,
    }  # fmt: skip
    months = [f"2025-{number:02}" for number in (11, 12)] + [f"2026-{number:02}" for number in range(1, 12)]
    return {name: {at: int(size * chance.uniform(0.5, 1.2)) for at in months} for name, size in sizes.items()}
