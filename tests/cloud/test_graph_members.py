"""Members of groups, read by halves or hidden: each that is named is one, and the rest is a gap."""

from __future__ import annotations

from shared.review.directory import Directory
from tests.support.graph_reading import read_directory
from tests.support.graph_server import Wire, graph_server
from tests.support.graph_tenants import TenantBuilder, guid

BROKEN = Wire(500, b'{"error": {"code": "generalException"}}')


def read_group(path: str) -> tuple[Directory, set[tuple[str, bool]]]:
    """A group of four direct people and one nested, in pages of two, one of which fails."""
    build = TenantBuilder()
    people = [build.user(name) for name in ("a", "b", "c", "d")]
    outer_group = build.group("outer", *people, build.group("inner", build.user("e")))
    build.assign(outer_group, "Pii.Analyst")
    with graph_server(build.tenant, page=2) as server:
        server.fail(path, BROKEN)
        directory = read_directory(server)
    names = {guid(name): name for name in "abcde"}
    return directory, {(names[one.principal[1]], one.is_effective) for one in directory.grants}


def test_direct_members_that_are_not_all_known_make_no_nested_ones() -> None:
    """Who is missing from the first list may be a direct member: nothing is said of them."""
    directory, found = read_group(r"/members.*skiptoken=2")
    assert found == {("a", True), ("b", True)}
    assert directory.groups == {guid("outer"): 2} and directory.is_unknown("group_members")


def test_nested_members_that_are_not_all_known_leave_the_direct_ones() -> None:
    """Each that is named is a member indeed."""
    directory, found = read_group(r"/transitiveMembers.*skiptoken=2")
    assert found == {("a", True), ("b", True), ("c", True), ("d", True)}
    assert directory.is_unknown("group_members")


def test_a_group_that_hides_its_members_is_not_an_empty_one() -> None:
    """Graph gives an empty list, without an error, to a reader without Member.Read.Hidden."""
    build = TenantBuilder()
    build.assign(build.group("hidden", visibility="HiddenMembership"), "Pii.Analyst")
    build.assign(build.group("empty"), "Pii.Analyst")
    with graph_server(build.tenant) as server:
        directory = read_directory(server)
    assert [(one.code, one.subject) for one in directory.unknown] == [("group_members", guid("hidden"))]
    assert "Member.Read.Hidden" in directory.unknown[0].message
