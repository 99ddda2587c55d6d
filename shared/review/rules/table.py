"""The rules of a review, by what they find. docs/access-review-rules.md explains each; a test compares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from shared.review.case import Case
from shared.review.findings import Finding, FindingKind
from shared.review.rules.duties import find_joined_duties
from shared.review.rules.emergency import find_break_glass
from shared.review.rules.identity import find_misused_identities
from shared.review.rules.orphans import find_orphaned_apps, find_orphaned_principals
from shared.review.rules.roles import find_roles_without_policy, find_unheld_roles
from shared.review.rules.unused import find_dormant_principals, find_unused_roles
from shared.review.rules.unusual import find_bursts, find_first_sensitive, find_off_hours, find_refusals
from shared.review.rules.width import find_wide_grants

type Rule = Callable[[Case], Iterator[Finding]]

RULES: Mapping[FindingKind, Rule] = {
    "break_glass_used": find_break_glass,
    "orphaned_principal": find_orphaned_principals,
    "orphaned_app": find_orphaned_apps,
    "role_without_policy": find_roles_without_policy,
    "role_unheld": find_unheld_roles,
    "unused_role": find_unused_roles,
    "over_permissive": find_wide_grants,
    "dormant_principal": find_dormant_principals,
    "separation_of_duties": find_joined_duties,
    "misused_identity": find_misused_identities,
    "unusual_refusals": find_refusals,
    "unusual_first_sensitive": find_first_sensitive,
    "unusual_off_hours": find_off_hours,
    "unusual_burst": find_bursts,
}
