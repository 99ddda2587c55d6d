"""How much a matter weighs: what it is, plus the heaviest permission at stake. Re-identification leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.review.findings import FindingKind, Risk
from shared.review.policy_view import ANALYZE, REIDENTIFY, SENSITIVE

KIND_WEIGHTS: Mapping[FindingKind, int] = {
    "break_glass_used": 60,
    "orphaned_principal": 45,
    "misused_identity": 45,
    "separation_of_duties": 40,
    "unusual_first_sensitive": 30,
    "unusual_off_hours": 30,
    "unusual_burst": 30,
    "orphaned_app": 25,
    "unusual_refusals": 25,
    "role_without_policy": 20,
    "dormant_principal": 20,
    "unused_role": 15,
    "over_permissive": 10,
    "role_unheld": 5,
}

PERMISSION_WEIGHTS: Mapping[str, int] = {
    REIDENTIFY: 50,
    SENSITIVE: 25,
    "audit.review": 20,
    "approval.decide": 20,
    "service.operate": 20,
    "audit.read": 15,
    ANALYZE: 10,
    "pii.anonymize": 5,
    "pii.redact": 5,
}
OTHER_WEIGHT = 10
"""Of a permission that is not in the table."""

RISK_FROM: tuple[tuple[int, Risk], ...] = ((80, "critical"), (55, "high"), (30, "medium"), (0, "low"))
MOST = 100


def weigh(kind: FindingKind, at_stake: Iterable[str]) -> int:
    """The score, 0 to 100, of a matter with these permissions at stake."""
    heaviest = max((PERMISSION_WEIGHTS.get(name, OTHER_WEIGHT) for name in at_stake), default=0)
    return min(MOST, KIND_WEIGHTS[kind] + heaviest)


def rate_score(score: int) -> Risk:
    """The risk that a score stands for."""
    return next(risk for least, risk in RISK_FROM if score >= least)
