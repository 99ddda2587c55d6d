"""What the directory did not tell, no finding claims: Microsoft Graph with faults, and the rules over it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devstack.graph.answers import Answer
from devstack.graph.tenant import Tenant
from shared.review.directory import Directory
from shared.review.findings import Review, Window
from shared.review.policy_view import PolicyView, RoleView
from shared.review.reviewing import review_access
from shared.review.uses import Usage
from tests.support.graph_reading import read_directory
from tests.support.graph_server import graph_server
from tests.support.graph_tenants import NOW, ROLES, TENANT_ID, TenantBuilder, guid

DENIED = Answer(403, {"error": {"code": "Authorization_RequestDenied"}})
SINCE = NOW - timedelta(days=400)

USAGE = Usage(SINCE, NOW, SINCE, 0, 0, NOW - timedelta(days=31), 369, {}, frozenset(), {})
"""400 days of records in which nobody did anything."""

POLICY = PolicyView(
    "sha256:00", tuple(RoleView(role, frozenset({"pii.analyze"})) for role in (*ROLES, "Spare"))
)
WINDOW = Window(SINCE, NOW, 0, "", 0, "", 0, "intact", {})

type Said = set[tuple[str, str | None, str | None]]


def tenant() -> Tenant:
    """Somebody for each finding that comes from the directory, and one by a group in a group."""
    build = TenantBuilder()
    build.assign(build.user("active"), "Pii.Analyst")
    build.assign(build.user("asleep", days_since_sign_in=300), "Pii.Analyst")
    build.assign(build.user("disabled", is_enabled=False), "Pii.Redactor")
    build.assign(guid("deleted"), "Pii.Redactor", "User")
    build.tenant.deleted.add(guid("deleted"))
    build.assign(build.app("ownerless"), "Pii.Redactor")
    build.assign(build.app("owned", owners=(guid("active"),)), "Pii.Redactor")
    nested = build.group("nested", build.user("nested person"))
    members = build.group("members", build.user("member"), nested)
    build.assign(members, "Audit.Reviewer")
    return build.tenant


def review(directory: Directory) -> Review:
    """What the rules make of it."""
    return review_access(
        directory, POLICY, USAGE, WINDOW, log="audit.example/presidio", review_id="2026-11", made_at=NOW
    )


def said_with(*denied: str) -> tuple[Said, Review]:
    """Kind, principal and role of each finding, where these paths are refused."""
    with graph_server(tenant()) as server:
        for path in denied:
            server.fail(path, DENIED)
        made = review(read_directory(server))
    names = ("active", "asleep", "disabled", "deleted", "ownerless", "owned", "member", "nested person")
    known = {(TENANT_ID, guid(name)): name for name in names}
    return {
        (one.kind, known[one.principal] if one.principal else None, one.role) for one in made.findings
    }, made


@pytest.fixture(scope="module")
def whole() -> Said:
    """The findings of the whole directory."""
    return said_with()[0]


def test_a_whole_directory_gives_each_of_its_findings(whole: Said) -> None:
    """So that the cases below have something to lose."""
    assert {
        ("orphaned_principal", "disabled", None),
        ("orphaned_principal", "deleted", None),
        ("orphaned_app", "ownerless", None),
        ("dormant_principal", "asleep", None),
        ("role_unheld", None, "Pii.Reidentifier"),
        ("role_unheld", None, "Spare"),
        ("unused_role", "member", "Audit.Reviewer"),
    } <= whole


def test_nothing_is_said_of_who_gets_no_role_from_a_group(whole: Said) -> None:
    """A role that never was in a token cannot be unused."""
    assert not [one for one in whole if one[1] == "nested person"]


@pytest.mark.parametrize(
    ("path", "lost", "code"),
    [
        ("appRoleAssignedTo", None, "assignments"),
        (r"^/groups/", {("unused_role", "member"), ("role_unheld", None)}, "group_members"),
        (r"^/users", {("orphaned_principal", "disabled"), ("orphaned_principal", "deleted")}, "principal"),
        ("deletedItems", {("orphaned_principal", "deleted")}, "deleted_principals"),
        ("/owners", {("orphaned_app", "ownerless")}, "owners"),
        ("signInActivity", {("dormant_principal", "asleep")}, "sign_ins"),
    ],
    ids=["assignments", "groups", "people", "bin", "owners", "sign-ins"],
)
def test_a_gap_takes_findings_and_makes_none(
    path: str, lost: set[tuple[str, str | None]] | None, code: str, whole: Said
) -> None:
    """What hung on the missing part is not said; the gap is. Who is not known to sleep has unused roles."""
    found, made = said_with(path)
    assert code in {one.code for one in made.unknown}
    assert not [one for one in found - whole if one[0] != "unused_role"]
    if lost is None:
        assert found == set()
    else:
        assert lost.isdisjoint({one[:2] for one in found})


def test_less_is_known_than_before_in_every_combination(whole: Said) -> None:
    """Several gaps at once claim no more than the whole either."""
    paths = [r"^/groups/", "deletedItems", "/owners", "signInActivity", r"^/users"]
    for first in range(len(paths)):
        found, _ = said_with(*paths[first:])
        assert not [one for one in found - whole if one[0] != "unused_role"]
