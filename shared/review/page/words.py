"""Words and escaping of the page: what a kind is called, how numbers, days and names are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape

from shared.review.directory import PrincipalKey
from shared.review.findings import FindingKind, PrincipalRow, Risk

KINDS: Mapping[FindingKind, str] = {
    "orphaned_principal": "Access of a deleted or disabled account",
    "orphaned_app": "App without an owner",
    "role_without_policy": "Role that the policy does not know",
    "role_unheld": "Role that nobody holds",
    "unused_role": "Role that is not used",
    "over_permissive": "Role wider than its use",
    "dormant_principal": "Account without any activity",
    "separation_of_duties": "Roles that one hand must not hold together",
    "misused_identity": "Identity used by the wrong kind of caller",
    "unusual_refusals": "Unusually many refusals",
    "unusual_first_sensitive": "First use of sensitive data",
    "unusual_off_hours": "Sensitive work outside office hours",
    "unusual_burst": "Sudden burst of activity",
    "break_glass_used": "Emergency access was used",
}
ACTIONS: Mapping[str, str] = {
    "revoke": "Revoke",
    "narrow": "Narrow the role",
    "assign_owner": "Assign an owner",
    "add_to_policy": "Add to the policy",
    "remove_role": "Remove the role",
    "separate": "Separate the duties",
    "investigate": "Investigate",
}
RISK_WORDS: Mapping[Risk, str] = {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low"}
STATES: Mapping[str, str] = {
    "undecided": "Undecided",
    "approved": "Approved",
    "revoked": "To be revoked",
    "deferred": "Deferred",
    "applied": "Revoked",
}
UNKNOWN_WORDS: Mapping[str, str] = {
    "assignments": "Role assignments",
    "group_members": "Members of a group",
    "principal": "An account",
    "owners": "Owners of an app",
    "sign_ins": "Last sign-ins",
    "deleted_principals": "Deleted accounts",
    "app_roles": "Roles that the app offers",
    "records": "Records of a later version",
    "addresses": "Addresses of callers",
}


def show(text: object) -> str:
    """Text as HTML, inert: escaped, and characters that steer a display (controls, bidi) made visible."""
    seen = "".join(each if each.isprintable() else "\ufffd" for each in str(text))
    return escape(seen, quote=True)


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 finding`, `1,024 findings`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(moment: datetime | None) -> str:
    """`24 November 2026`, a dash for none."""
    return f"{moment.day} {moment:%B %Y}" if moment is not None else "–"


def minute(moment: datetime | None) -> str:
    """`2026-11-24 07:00 UTC`, a dash for none."""
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment is not None else "–"


def month(text: str) -> str:
    """`Nov 2026` for `2026-11`; other texts as they are."""
    try:
        return f"{datetime.strptime(text, '%Y-%m'):%b %Y}"
    except ValueError:
        return text


def principal_text(key: PrincipalKey | None, row: PrincipalRow | None) -> str:
    """A principal as HTML: kind, name where there is one, and its id."""
    if key is None:
        return '<span class="who">nobody in particular</span>'
    kind = {"person": "Person", "app": "App"}.get(row.kind if row else "", "Account")
    name = f"<bdi>{show(row.name)}</bdi> " if row is not None and row.name else ""
    return f'<span class="who">{kind} {name}<code>{show(key[1])}</code></span>'
