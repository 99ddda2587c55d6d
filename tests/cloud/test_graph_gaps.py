"""What could not be read is said, exactly once, with what would help; nothing is claimed that hangs on it.

Each case takes one part away from a tenant that has one of everything; the rest stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest

from devstack.graph.answers import Answer
from shared.errors import DirectoryUnavailable
from shared.review.directory import Directory, Principal
from tests.support.graph_reading import read_directory
from tests.support.graph_server import ALL_PERMISSIONS, GraphServer, Wire, graph_server
from tests.support.graph_tenants import TENANT_ID, TenantBuilder, guid, small_tenant

DENIED = Answer(403, {"error": {"code": "Authorization_RequestDenied", "message": "secret text"}})
NO_LICENCE = Answer(403, {"error": {"code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant"}})
BROKEN = Wire(500, b'{"error": {"code": "generalException"}}')
NOT_JSON = Wire(200, b"<html>Bad gateway</html>", content_type="text/html")
TRUNCATED = Wire(200, b'{"value": [', content_type="application/json")
WRONG_TYPE = Answer(200, {"value": "a text"})
MISSING = Answer(404, {"error": {"code": "Request_ResourceNotFound"}})

type Change = Callable[[Directory], Directory]


def without_grants(directory: Directory) -> Directory:
    """Neither grants nor who would hold them."""
    return replace(directory, grants=(), principals={}, groups={})


def without_group(directory: Directory) -> Directory:
    """What came by the group; who held a role in no other way is not there either."""
    grants = tuple(one for one in directory.grants if one.group is None)
    holders = {one.principal for one in grants}
    principals = {key: one for key, one in directory.principals.items() if key in holders}
    return replace(directory, grants=grants, principals=principals, groups={})


def each(kinds: Iterable[str], **changes: object) -> Change:
    """The same with changes to all principals of these kinds."""

    def change(directory: Directory) -> Directory:
        def changed(one: Principal) -> Principal:
            return replace(one, **changes) if one.kind in kinds else one  # type: ignore[arg-type]

        return replace(directory, principals={k: changed(one) for k, one in directory.principals.items()})

    return change


def deleted_as_unknown(directory: Directory) -> Directory:
    """Deleted people are people of unknown state."""
    return replace(
        directory,
        principals={
            key: replace(one, state="unknown") if one.state == "deleted" else one
            for key, one in directory.principals.items()
        },
    )


unknown_people = each(["person"], state="unknown", created=None, last_sign_in=None, sign_ins_known=False)
unknown_apps = each(["app"], state="unknown", owners=None)


no_owners = each(["app"], owners=None)
no_sign_ins = each(["person"], last_sign_in=None, sign_ins_known=False)


@dataclass(frozen=True, slots=True)
class Case:
    """What fails; what is then said ("*" stands for ids) and with which words; what is left."""

    name: str
    path: str
    fault: Wire | Answer
    code: str
    subject: str
    words: str
    left: Change


OUTER = guid("outer")
ASSIGNED, GROUP, PEOPLE = "appRoleAssignedTo", r"^/groups/[^/]+\?", r"^/users\?.*accountEnabled"
APPS, BIN, OWNERS, SIGN_INS = r"^/servicePrincipals\?", "deletedItems", "/owners", "signInActivity"

CASES = [
    Case("assigned-denied", ASSIGNED, DENIED, "assignments", "", "Application.Read.All", without_grants),
    Case("assigned-broken", ASSIGNED, BROKEN, "assignments", "", "500", without_grants),
    Case("assigned-malformed", ASSIGNED, WRONG_TYPE, "assignments", "", "`value`", without_grants),
    Case("group-denied", GROUP, DENIED, "group_members", OUTER, "GroupMember.Read.All", without_group),
    Case("group-vanished", GROUP, MISSING, "group_members", OUTER, "does not know", without_group),
    Case("people-denied", PEOPLE, DENIED, "principal", "*", "User.Read.All", unknown_people),
    Case("people-broken", PEOPLE, BROKEN, "principal", "*", "500", unknown_people),
    Case("apps-denied", APPS, DENIED, "principal", "*", "Application.Read.All", unknown_apps),
    Case("bin-denied", BIN, DENIED, "deleted_principals", "*", "User.Read.All", deleted_as_unknown),
    Case("bin-broken", BIN, BROKEN, "deleted_principals", "*", "500", deleted_as_unknown),
    Case("second-look-denied", "^/users/", DENIED, "principal", "*", "User.Read.All", deleted_as_unknown),
    Case("owners-denied", OWNERS, DENIED, "owners", "*", "Application.Read.All", no_owners),
    Case("owners-malformed", OWNERS, WRONG_TYPE, "owners", "*", "`value`", no_owners),
    Case("sign-ins-denied", SIGN_INS, DENIED, "sign_ins", "", "AuditLog.Read.All", no_sign_ins),
    Case("no-licence", SIGN_INS, NO_LICENCE, "sign_ins", "", "Entra ID P1", no_sign_ins),
    Case("sign-ins-broken", SIGN_INS, BROKEN, "sign_ins", "*", "500", no_sign_ins),
]


@pytest.fixture(scope="module")
def whole() -> Directory:
    """The reading without a fault."""
    with graph_server(small_tenant()) as server:
        return read_directory(server)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_missing_part_is_said_and_nothing_is_made_of_it(case: Case, whole: Directory) -> None:
    """One code, the subject, the permission; and everything else as without the fault."""
    with graph_server(small_tenant()) as server:
        server.fail(case.path, case.fault)
        directory = read_directory(server)
    assert {one.code for one in directory.unknown} == {case.code}
    assert all(case.words in one.message for one in directory.unknown)
    if case.subject != "*":
        assert [one.subject for one in directory.unknown] == [case.subject]
    assert replace(directory, unknown=()) == case.left(whole)
    assert "secret text" not in repr(directory.unknown)


@pytest.mark.parametrize(
    ("permission", "codes"),
    [
        ("User.Read.All", {"principal"}),
        ("GroupMember.Read.All", {"group_members"}),
        ("AuditLog.Read.All", {"sign_ins"}),
    ],
)
def test_each_permission_that_is_not_given_leaves_its_gap(permission: str, codes: set[str]) -> None:
    """The message names it, so that an operator can decide."""
    with graph_server(small_tenant()) as server:
        server.permissions = ALL_PERMISSIONS - {permission}
        directory = read_directory(server)
    assert {one.code for one in directory.unknown} == codes
    assert all(permission in one.message for one in directory.unknown)


def test_without_the_first_permission_there_is_no_directory() -> None:
    """Application.Read.All is what everything else stands on."""
    with graph_server(small_tenant()) as server:
        server.permissions = ALL_PERMISSIONS - {"Application.Read.All"}
        with pytest.raises(DirectoryUnavailable, match=r"Application\.Read\.All"):
            read_directory(server)


def test_a_tenant_without_the_licence_is_told_so() -> None:
    """Sign-ins need Entra ID P1."""
    tenant = small_tenant()
    tenant.has_licence = False
    with graph_server(tenant) as server:
        directory = read_directory(server)
        assert server.count("signInActivity") == 1
    assert [one.code for one in directory.unknown] == ["sign_ins"]


def test_a_list_that_breaks_off_keeps_what_it_had() -> None:
    """What was read of the assignments is true; that it is not all is said."""
    with graph_server(small_tenant(), page=3) as server:
        server.fail(r"appRoleAssignedTo.*skiptoken=6", BROKEN)
        directory = read_directory(server)
    assert len({one.assignment for one in directory.grants}) == 6
    assert directory.is_unknown("assignments")


def test_limited_information_is_not_enabled() -> None:
    """Null in accountEnabled means that the reader may not see it."""
    build = TenantBuilder()
    build.assign(build.user("ann", is_enabled=None), "Pii.Analyst")
    with graph_server(build.tenant) as server:
        directory = read_directory(server)
    assert directory.principals[TENANT_ID, guid("ann")].state == "unknown"
    assert [(one.code, one.subject) for one in directory.unknown] == [("principal", guid("ann"))]


def test_a_list_that_lags_behind_deletes_nobody() -> None:
    """Who is absent from a list and answers by id is there."""
    build = TenantBuilder()
    build.assign(build.user("ann"), "Pii.Analyst")
    with graph_server(build.tenant) as server:
        server.fail(r"^/users\?.*accountEnabled", Answer(200, {"value": []}))
        directory = read_directory(server)
    assert directory.principals[TENANT_ID, guid("ann")].state == "enabled"
    assert directory.unknown == ()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(200, {"id": guid("gone for good")}), "principal"),
        (BROKEN, "deleted_principals"),
    ],
)
def test_an_object_of_a_kind_that_is_not_shown_is_not_deleted(answer: Wire | Answer, code: str) -> None:
    """Neither a person nor in the bin, and an object of the directory all the same; or nobody could say."""
    with graph_server(small_tenant()) as server:
        server.fail("directoryObjects/" + guid("gone for good"), answer)
        directory = read_directory(server)
    assert directory.principals[TENANT_ID, guid("gone for good")].state == "unknown"
    assert directory.principals[TENANT_ID, guid("in the bin")].state == "deleted"
    assert [(one.code, one.subject) for one in directory.unknown] == [(code, guid("gone for good"))]


def test_the_question_for_any_object_may_be_refused() -> None:
    """It needs Directory.Read.All, which is more than everything else needs, and is not wanted for it."""
    for permissions in (ALL_PERMISSIONS, ALL_PERMISSIONS | {"Directory.Read.All"}):
        with graph_server(small_tenant()) as server:
            server.permissions = permissions
            directory = read_directory(server)
        assert directory.principals[TENANT_ID, guid("gone for good")].state == "deleted"
        assert directory.unknown == ()


def vanishing(server: GraphServer, name: str, after: str) -> None:
    """A person is deleted for good as soon as a path was asked."""

    def fault(path: str, _: int) -> None:
        if after in path:
            server.answers.tenant.users.pop(guid(name), None)

    server.faults.append(fault)


@pytest.mark.parametrize(
    ("after", "state"),
    [("appRoleAssignedTo", "deleted"), ("accountEnabled", "enabled"), ("owners", "enabled")],
)
def test_a_person_who_vanishes_meanwhile_is_no_crash(after: str, state: str) -> None:
    """Deleted if it is seen, enabled if it was; of the sign-in of who is gone nothing is known."""
    with graph_server(small_tenant()) as server:
        vanishing(server, "ann", after)
        directory = read_directory(server)
    ann = directory.principals[TENANT_ID, guid("ann")]
    assert ann.state == state and not ann.sign_ins_known
    assert directory.unknown == ()


def test_a_kind_of_principal_that_is_not_known_is_said() -> None:
    """Graph may come to assign roles to things that this program does not know."""
    build = TenantBuilder()
    assignment = build.assign(guid("a robot"), "Pii.Analyst", "AgentIdentity")
    with graph_server(build.tenant) as server:
        directory = read_directory(server)
    assert directory.grants == ()
    assert [(one.code, one.subject) for one in directory.unknown] == [("assignments", assignment)]


def test_many_gaps_of_one_reason_are_counted() -> None:
    """A page of a report is not filled with ids."""
    build = TenantBuilder()
    for number in range(60):
        build.assign(build.user(f"person {number}"), "Pii.Analyst")
    with graph_server(build.tenant) as server:
        server.fail(r"^/users\?.*accountEnabled", DENIED)
        directory = read_directory(server)
    assert [one.subject for one in directory.unknown] == [""]
    assert directory.unknown[0].message.startswith("60 of them: ")


@pytest.mark.parametrize(
    "fault", [NOT_JSON, TRUNCATED, WRONG_TYPE, BROKEN, Wire(0)], ids=lambda fault: str(fault)[:30]
)
def test_an_unusable_first_answer_is_no_directory(fault: Wire | Answer) -> None:
    """A page of a proxy, half a document, another document, no document."""
    with graph_server(small_tenant()) as server:
        server.fail(r"^/servicePrincipals\(", fault)
        with pytest.raises(DirectoryUnavailable):
            read_directory(server)
