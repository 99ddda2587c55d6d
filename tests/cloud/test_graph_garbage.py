"""Whatever comes over the wire, a reading ends in a directory or in one error; garbage grants nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devstack.graph.answers import Answer
from shared.cloud.graph.items import (
    read_flag,
    read_guid,
    read_instant,
    read_kind,
    read_opaque,
    read_text,
)
from shared.errors import DirectoryUnavailable
from shared.review.directory import Directory
from tests.support.graph_reading import read_directory
from tests.support.graph_server import Wire, graph_server
from tests.support.graph_tenants import TENANT_ID, TenantBuilder, guid, small_tenant

PATHS = [
    r"^/servicePrincipals\(",
    "appRoleAssignedTo",
    r"^/groups/[^/]+\?",
    "/members",
    "/transitiveMembers",
    r"^/users\?",
    r"^/users/",
    r"^/servicePrincipals\?",
    "deletedItems",
    "directoryObjects",
    "/owners",
    "signInActivity",
    "batch",
]
WORDS = [
    "value",
    "id",
    "@odata.type",
    "@odata.nextLink",
    "principalId",
    "principalType",
    "appRoleId",
    "resourceId",
    "createdDateTime",
    "accountEnabled",
    "appRoles",
    "responses",
    "status",
    "headers",
    "body",
    "visibility",
    "signInActivity",
    "lastSignInDateTime",
    "error",
    "code",
]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([guid("ann"), "0"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


def ids_of(directory: Directory) -> set[tuple[str, str, bool]]:
    """What is granted to whom."""
    return {(one.principal[1], one.role, one.is_effective) for one in directory.grants}


@pytest.fixture(scope="module")
def whole() -> Directory:
    """Without garbage."""
    with graph_server(small_tenant()) as server:
        return read_directory(server)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), value=JSON)
def test_any_json_anywhere_invents_no_grant(path: str, value: Any, whole: Directory) -> None:
    """Fewer grants, or the same; never one that is not there, and never a crash."""
    with graph_server(small_tenant()) as server:
        server.fail(path, Wire(200, json.dumps(value).encode()))
        try:
            directory = read_directory(server, total_s=60.0)
        except DirectoryUnavailable:
            return
    granted = ids_of(whole)
    for principal, role, is_effective in ids_of(directory):
        assert (principal, role, is_effective) in granted or (principal, role, True) in granted
    for key, one in directory.principals.items():
        if one.state == "deleted":
            assert whole.principals[key].state == "deleted" or path in (
                r"^/users\?",
                r"^/servicePrincipals\?",
            )


@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from(PATHS),
    data=st.binary(max_size=200),
    status=st.sampled_from([200, 201, 302, 400, 418]),
)
def test_any_bytes_anywhere_end_in_one_error_or_a_gap(path: str, data: bytes, status: int) -> None:
    """No exception but the documented one."""
    if path == "batch" or status != 200:
        wire = Wire(status, data)
    else:
        wire = Wire(status, json.dumps(data.decode("latin-1")).encode())  # a batch's body is JSON
    with graph_server(small_tenant()) as server:
        server.fail(path, wire if path in PATHS[:2] or path == "batch" else Answer(status, {"x": data.hex()}))
        try:
            read_directory(server, total_s=60.0)
        except DirectoryUnavailable as error:
            assert len(error.message) < 300


@given(value=JSON)
def test_members_are_read_or_refused(value: Any) -> None:
    """Each reader gives its type, or the one error."""
    for read in (read_flag, read_guid, read_instant, read_opaque, read_text):
        try:
            read({"x": value}, "x")
        except DirectoryUnavailable as error:
            assert "`x`" in error.message
    try:
        read_kind({"@odata.type": value})
    except DirectoryUnavailable:
        return
    assert isinstance(value, str)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-01T06:00:00Z", "2026-11-01T06:00:00+00:00"),
        ("2026-11-01T06:00:00.1234567Z", "2026-11-01T06:00:00.123456+00:00"),
        ("2026-11-01T08:00:00+02:00", "2026-11-01T08:00:00+02:00"),
    ],
)
def test_times_are_read_as_graph_writes_them(text: str, iso: str) -> None:
    """With up to seven digits of a second."""
    instant = read_instant({"x": text}, "x")
    assert instant is not None and instant.isoformat() == iso


def test_year_one_is_never() -> None:
    """Graph writes it for somebody who never signed in."""
    assert read_instant({"x": "0001-01-01T00:00:00Z"}, "x") is None


@pytest.mark.parametrize("text", ["2026-11-01T06:00:00", "yesterday", "", 7, True])
def test_a_time_without_its_zone_is_none(text: object) -> None:
    """An hour off is another day."""
    with pytest.raises(DirectoryUnavailable):
        read_instant({"x": text}, "x")


@pytest.mark.parametrize(
    "text", ["../users", "a'b", "x" * 36, guid("ann") + "/members", "", None, 7, [guid("ann")]]
)
def test_an_id_that_stands_in_a_path_is_a_guid(text: object) -> None:
    """Nothing from an answer can lead a request somewhere else."""
    with pytest.raises(DirectoryUnavailable):
        read_guid({"x": text}, "x")


def test_ids_in_capitals_are_the_same_ids() -> None:
    """Records have them in lower case."""
    build = TenantBuilder()
    build.assign(build.user("ann"), "Pii.Analyst")
    with graph_server(build.tenant) as server:
        page = server.answers.answer(
            f"/servicePrincipals/{build.tenant.resource}/appRoleAssignedTo", server.permissions
        )
        for field in ("principalId", "appRoleId", "resourceId"):
            page.body["value"][0][field] = page.body["value"][0][field].upper()
        server.fail("appRoleAssignedTo", Answer(200, page.body))
        directory = read_directory(server)
    assert set(directory.principals) == {(TENANT_ID, guid("ann"))}
    assert ids_of(directory) == {(guid("ann"), "Pii.Analyst", True)}
