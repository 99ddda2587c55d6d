"""The directory of a review: who holds what, in which state, as Microsoft Graph says it, and no more."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devstack.graph.tenant import AppRoleAssignment, Tenant
from shared.cloud.graph.items import NO_ROLE
from shared.errors import DirectoryUnavailable
from shared.review.directory import AppRole, Directory, Grant, Principal
from tests.support.graph_reading import read_directory
from tests.support.graph_server import graph_server
from tests.support.graph_tenants import (
    NOW,
    REVIEWED,
    ROLES,
    TENANT_ID,
    TenantBuilder,
    guid,
    small_tenant,
)


def reading(tenant: Tenant, page: int = 999, **options: object) -> Directory:
    """One reading of a tenant over HTTP."""
    with graph_server(tenant, page) as server:
        return read_directory(server, **options)  # type: ignore[arg-type]


def principal(directory: Directory, name: str) -> Principal:
    """Of a name in the made-up tenant."""
    return directory.principals[TENANT_ID, guid(name)]


def grants_of(directory: Directory, name: str) -> set[tuple[str, bool]]:
    """Roles and whether they are in a token."""
    return {(one.role, one.is_effective) for one in directory.grants if one.principal[1] == guid(name)}


@pytest.fixture(scope="module")
def small() -> Directory:
    """The tenant that has one of everything, read once."""
    return reading(small_tenant())


def test_a_reading_says_when_and_where(small: Directory) -> None:
    """Time and tenant are those that were given, and every role of the registration is there."""
    assert (small.read_at, small.tenant, small.unknown) == (NOW, TENANT_ID, ())
    assert small.roles == tuple(AppRole(role) for role in sorted(ROLES))


@pytest.mark.parametrize(
    ("name", "kind", "state"),
    [
        ("ann", "person", "enabled"),
        ("bob", "person", "disabled"),
        ("in the bin", "person", "deleted"),
        ("gone for good", "person", "deleted"),
        ("owned", "app", "enabled"),
    ],
)
def test_people_and_apps_have_the_state_that_the_directory_says(
    name: str, kind: str, state: str, small: Directory
) -> None:
    """Enabled, disabled, in the recycle bin, or not known any more."""
    found = principal(small, name)
    assert (found.kind, found.state) == (kind, state)


def test_owners_are_counted_once_over_app_and_registration(small: Directory) -> None:
    """One who owns both counts once; a foreign registration's owners are not ours; identities have none."""
    owners = {
        name: principal(small, name).owners for name in ("owned", "orphan", "foreign", "identity", "ann")
    }
    assert owners == {"owned": 2, "orphan": 0, "foreign": 1, "identity": None, "ann": None}


def test_never_and_not_told_are_two_things(small: Directory) -> None:
    """A person who never signed in is known to be so; of apps and deleted people nothing is known."""
    assert principal(small, "ann").sign_ins_known and principal(small, "ann").last_sign_in is not None
    assert principal(small, "cid").sign_ins_known and principal(small, "cid").last_sign_in is None
    assert not principal(small, "owned").sign_ins_known
    assert not principal(small, "in the bin").sign_ins_known


def test_an_assigned_group_gives_its_role_to_direct_people_alone(small: Directory) -> None:
    """Members of a group in the group, and apps, are listed; no token of theirs has the role."""
    assert grants_of(small, "ann") == {("Pii.Analyst", True), ("Audit.Reviewer", True)}
    assert grants_of(small, "dan") == {("Audit.Reviewer", False)}
    assert grants_of(small, "owned") == {("Pii.Redactor", True), ("Audit.Reviewer", False)}
    assert small.groups == {guid("outer"): 4}
    assert {one.group for one in small.grants if one.role == "Audit.Reviewer"} == {guid("outer")}


def test_a_person_in_both_the_group_and_a_group_in_it_is_direct() -> None:
    """The nearer way counts."""
    build = TenantBuilder()
    ann = build.user("ann")
    build.assign(build.group("outer", build.group("inner", ann), ann), "Pii.Analyst")
    assert grants_of(reading(build.tenant), "ann") == {("Pii.Analyst", True)}


def test_groups_that_contain_each_other_end() -> None:
    """Membership may go in circles."""
    build = TenantBuilder()
    ann = build.user("ann")
    first = build.group("first", ann, guid("second"))
    build.group("second", first)
    build.assign(first, "Pii.Analyst")
    assert grants_of(reading(build.tenant), "ann") == {("Pii.Analyst", True)}


def test_grants_say_since_when_and_by_which_assignment(small: Directory) -> None:
    """What a revocation needs."""
    grant = next(one for one in small.grants if one.principal[1] == guid("bob"))
    assert grant.since is not None and grant.since.year == 2025
    assert grant.assignment.startswith("assignment-of-") and grant.group is None


def test_default_access_and_roles_without_a_value_are_no_roles() -> None:
    """The zero role id, and an app role whose value is empty, put nothing into a token."""
    build = TenantBuilder()
    ann = build.user("ann")
    build.tenant.roles[guid("empty")] = ("", True)
    build.tenant.roles[guid("null")] = (None, True)
    for number, role in enumerate((NO_ROLE, guid("empty"), guid("null"))):
        build.tenant.assignments.append(AppRoleAssignment(f"a{number}", ann, "User", role))
    directory = reading(build.tenant)
    assert (directory.grants, directory.principals, directory.unknown) == ((), {}, ())
    assert directory.roles == tuple(AppRole(role) for role in sorted(ROLES))


def test_an_assigned_role_that_is_not_the_application_s_is_said() -> None:
    """Nothing is claimed of it."""
    build = TenantBuilder()
    build.tenant.assignments.append(AppRoleAssignment("a", build.user("ann"), "User", guid("lost")))
    directory = reading(build.tenant)
    assert directory.grants == ()
    assert [(one.code, one.subject) for one in directory.unknown] == [("app_roles", guid("lost"))]


def test_a_disabled_role_is_told_as_such() -> None:
    """`is_enabled` is the registration's."""
    build = TenantBuilder(("Old.Role",))
    build.tenant.roles[guid("Old.Role")] = ("Old.Role", False)
    assert reading(build.tenant).roles == (AppRole("Old.Role", is_enabled=False),)


def test_a_role_map_decides_what_a_value_means() -> None:
    """With a map, only mapped values are roles, under the map's names."""
    build = TenantBuilder()
    ann = build.user("ann")
    build.assign(ann, "Pii.Analyst")
    build.assign(ann, "Pii.Redactor")
    app = replace(REVIEWED, role_maps=({"Pii.Analyst": "Reader"},))
    directory = reading(build.tenant, app=app)
    assert grants_of(directory, "ann") == {("Reader", True)}
    assert directory.roles == (AppRole("Reader"),)


def test_groups_of_the_service_s_own_map_are_read_too() -> None:
    """A token's groups are transitive, but apps' tokens have none; there is no assignment to delete."""
    build = TenantBuilder()
    ann, dan, bot = build.user("ann"), build.user("dan"), build.app("bot")
    group = build.group("mapped", ann, build.group("inner", dan), bot)
    app = replace(REVIEWED, group_roles={group: ("Pii.Analyst",)})
    directory = reading(build.tenant, app=app)
    assert grants_of(directory, "ann") == grants_of(directory, "dan") == {("Pii.Analyst", True)}
    assert grants_of(directory, "bot") == {("Pii.Analyst", False)}
    assert {one.assignment for one in directory.grants} == {""}


def test_other_issuers_are_a_gap() -> None:
    """Whom Okta gives a role, Graph cannot know: then "nobody holds it" is not known either."""
    directory = reading(TenantBuilder().tenant, app=replace(REVIEWED, other_issuers=("okta",)))
    assert [(one.code, one.subject) for one in directory.unknown] == [("assignments", "okta")]
    assert directory.is_unknown("assignments")


def test_names_are_read_only_on_request() -> None:
    """Without the word, names are not even asked for."""
    with graph_server(small_tenant()) as server:
        without = read_directory(server)
        assert not any("displayName" in path for path in server.asked)
        named = read_directory(server, names=True)
    assert {one.name for one in without.principals.values()} == {None}
    assert principal(named, "ann").name == "ann" and principal(named, "owned").name == "owned"


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_many_small_pages_say_the_same(page: int, small: Directory) -> None:
    """The result does not depend on the size of pages."""
    assert reading(small_tenant(), page) == small


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_tenant_reads_the_same_in_pages_of_any_size(data: st.DataObject) -> None:
    """Grants are exactly the assignments, with each group replaced by its members."""
    build = TenantBuilder()
    people = [build.user(f"p{number}") for number in range(data.draw(st.integers(0, 8)))]
    apps = [build.app(f"a{number}") for number in range(data.draw(st.integers(0, 3)))]
    members = st.lists(st.sampled_from([*people, *apps] or [guid("x")]), unique=True, max_size=6)
    inner = build.group("inner", *data.draw(members))
    outer = build.group("outer", *data.draw(members), inner)
    expected = set()
    for id_ in data.draw(st.lists(st.sampled_from([*people, *apps, inner, outer]), unique=True)):
        role = data.draw(st.sampled_from(ROLES))
        build.assign(id_, role)
        groups = build.tenant.groups
        held = build.tenant.transitive_members(id_) if id_ in groups else [id_]
        for one in held:
            if one in people or one in apps:
                near = id_ not in groups or (one in people and one in groups[id_].members)
                expected.add((one, role, id_ if id_ in groups else None, near))
    results = [reading(build.tenant, page) for page in (999, data.draw(st.integers(1, 4)))]
    assert results[0] == results[1]
    found = {(one.principal[1], one.role, one.group, one.is_effective) for one in results[0].grants}
    assert found == expected and results[0].unknown == ()
    assert {key[1] for key in results[0].principals} == {one[0] for one in expected}


def test_the_order_of_a_reading_is_fixed() -> None:
    """Two readings of one directory are equal, threads or not."""
    first, second = (reading(small_tenant(), threads=threads) for threads in (1, 4))
    assert first == second
    assert list(first.principals) == list(second.principals)


def test_a_group_of_5000_members_is_read_in_seconds() -> None:
    """4,900 direct members and 100 nested ones, each with state and last sign-in."""
    build = TenantBuilder()
    people = [build.user(f"person {number}", is_enabled=number % 50 != 0) for number in range(5_000)]
    nested = build.group("nested", *people[4_900:])
    build.assign(build.group("large", *people[:4_900], nested), "Pii.Analyst")
    with graph_server(build.tenant) as server:
        started = time.monotonic()
        directory = read_directory(server)
        took_s = time.monotonic() - started
        requests = len(server.asked) - server.count(r"^/users\?")
    assert directory.groups == {guid("large"): 5_000} and directory.unknown == ()
    assert sum(one.is_effective for one in directory.grants) == 4_900
    assert sum(not one.is_effective for one in directory.grants) == 100
    states = [one.state for one in directory.principals.values()]
    assert (len(states), states.count("disabled")) == (5_000, 100)
    assert all(one.sign_ins_known for one in directory.principals.values())
    assert requests <= 55 and took_s < 20
    print(f"5,000 members: {took_s:.2f} s in {requests} requests")


def test_20_groups_are_read() -> None:
    """People may be in several; each way is a grant of its own."""
    build = TenantBuilder()
    people = [build.user(f"person {number}") for number in range(40)]
    for number in range(20):
        group = build.group(f"group {number}", *people[number : number + 20])
        build.assign(group, ROLES[number % 4])
    directory = reading(build.tenant)
    assert len(directory.grants) == 20 * 20
    assert len(directory.principals) == 39 and len(directory.groups) == 20


def test_an_application_that_is_not_there_is_no_directory() -> None:
    """Nothing can be said, and the setting is named."""
    app = replace(REVIEWED, app_id=guid("unknown application"))
    with pytest.raises(DirectoryUnavailable, match="REVIEW_APP_ID"):
        reading(TenantBuilder().tenant, app=app)


def test_items_that_come_twice_count_once(small: Directory) -> None:
    """Graph may repeat an item on the next page while the list changes."""
    tenant = small_tenant()
    tenant.assignments = [one for one in tenant.assignments for _ in range(2)]
    assert reading(tenant, page=3) == small


def test_no_data_without_a_holder() -> None:
    """Only who holds a role is read: other people of the tenant are nobody's business here."""
    build = TenantBuilder()
    build.user("bystander")
    build.assign(build.user("ann"), "Pii.Analyst")
    with graph_server(build.tenant) as server:
        directory = read_directory(server)
        assert not any(guid("bystander") in path for path in server.asked)
    assert set(directory.principals) == {(TENANT_ID, guid("ann"))}
    expected = Grant((TENANT_ID, guid("ann")), "Pii.Analyst", directory.grants[0].assignment)
    assert replace(directory.grants[0], since=None) == expected
