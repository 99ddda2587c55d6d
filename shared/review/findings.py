"""What a review says: findings with evidence, rows of principals, and the review as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.review.directory import PrincipalKey, Unknown

FindingKind = Literal[
    "orphaned_principal",  # deleted or disabled, and still holds a role
    "orphaned_app",  # an app without an owner
    "role_without_policy",  # an assigned app role that the policy does not know
    "role_unheld",  # a role of the policy that nobody holds
    "unused_role",  # held longer than the window and never exercised
    "over_permissive",  # only part of what the role allows is used
    "dormant_principal",  # nothing was used at all, and no sign-in
    "separation_of_duties",  # roles that one hand must not hold together
    "misused_identity",  # a person through a pipeline's app, or the reverse
    "unusual_refusals",
    "unusual_first_sensitive",
    "unusual_off_hours",
    "unusual_burst",
    "break_glass_used",  # every emergency, for the record
]
Risk = Literal["low", "medium", "high", "critical"]
RISKS: tuple[Risk, ...] = ("low", "medium", "high", "critical")
Action = Literal[
    "revoke", "narrow", "assign_owner", "add_to_policy", "remove_role", "separate", "investigate"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to decide. `id` is stable: the same matter has the same id in the next month's review.

    `principal` is None where the matter is a role. `evidence` names records (`<writer>/<index>`, at most 20,
    newest first); `evidence_count` is their true number. `assignments` are what a revocation would delete.
    `explanation` is one English sentence with numbers; `proposal` says what to do; `patch` is, for
    `narrow`, the narrower rules of the role as policy fields: those that change, with None for a field to be
    left out. `groups` are ids of groups through which the principal holds the role: there a revocation takes
    the member out of the group, because deleting the assignment would take the role from all members.
    """

    id: str
    kind: FindingKind
    risk: Risk
    score: int
    explanation: str
    action: Action
    proposal: str
    principal: PrincipalKey | None = None
    role: str | None = None
    evidence: tuple[str, ...] = ()
    evidence_count: int = 0
    assignments: tuple[str, ...] = ()
    patch: Mapping[str, object] | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InsufficientHistory:
    """A grant that was not judged: the ledger, or the grant, does not reach back far enough.

    `reason` tells which: the ledger is too young, the grant is, or the directory did not say since when the
    grant is there (then `days_seen` is 0).
    """

    principal: PrincipalKey
    role: str
    days_seen: int
    days_needed: int
    reason: Literal["ledger", "grant", "since_unknown"] = "grant"


@dataclass(frozen=True, slots=True)
class PrincipalRow:
    """A principal at a glance. `calls` by role; `last_use` None where nothing was used in the window."""

    key: PrincipalKey
    kind: str
    state: str
    name: str | None
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    calls: Mapping[str, int]
    refused: int
    reidentifications: int
    sensitive_released: int
    last_use: datetime | None
    last_sign_in: datetime | None
    findings: tuple[str, ...]
    risk: Risk | None


@dataclass(frozen=True, slots=True)
class Window:
    """What was looked at: the records that the root log covers between two of its checkpoints.

    Sizes and roots (hex) are of the root log; `since`/`until` bound the records' times. `verdict` is that of
    the verifier over them; `verification` counts its findings by class.
    """

    since: datetime
    until: datetime
    from_size: int
    from_root: str
    to_size: int
    to_root: str
    records: int
    verdict: Literal["intact", "findings", "unchecked"]
    verification: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Review:
    """A whole review. `id` is `<year>-<month>` where the timer made it, else a ULID.

    `month_calls`: operation -> month (`2026-11`) -> calls.
    """

    id: str
    made_at: datetime
    tenant: str
    log: str
    window: Window
    policy: str
    findings: tuple[Finding, ...]
    insufficient: tuple[InsufficientHistory, ...]
    rows: tuple[PrincipalRow, ...]
    unknown: tuple[Unknown, ...]
    decide_by: datetime
    month_calls: Mapping[str, Mapping[str, int]]
    previous: Mapping[str, int] | None = None
    """Findings by kind of the review before, None where there is none."""
