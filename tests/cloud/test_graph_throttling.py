"""Microsoft Graph throttles: a reading waits as it is asked to, all of it, and not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cloud.graph.lists import ask_all, each_item
from shared.cloud.graph.waiting import backoff_s, parse_retry_after
from shared.errors import DirectoryUnavailable
from tests.support.graph_reading import Waiting, open_requests, read_directory
from tests.support.graph_server import GraphServer, Wire, graph_server
from tests.support.graph_tenants import NOW, guid, small_tenant

ROOT = f"/servicePrincipals(appId='{guid('the reviewed application')}')?$select=id,appRoles"
LIST = f"/servicePrincipals/{guid('its service principal')}/appRoleAssignedTo?$top=999"


@pytest.fixture
def server() -> Iterator[GraphServer]:
    """The tenant that has one of everything."""
    with graph_server(small_tenant()) as server:
        yield server


def throttled(retry_after: str | None, status: int = 429) -> Wire:
    """A throttled answer."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Wire(status, b'{"error": {"code": "TooManyRequests"}}', headers)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_kept(status: int, server: GraphServer) -> None:
    """Nothing is asked before that time."""
    waiting = Waiting()
    server.fail(r"appRoleAssignedTo", throttled("17", status), times=1)
    asking = open_requests(server, waiting)
    assert len(list(each_item(asking, LIST))) == 10
    assert waiting.waits == [17.0]


def test_retry_after_as_a_date_is_kept(server: GraphServer) -> None:
    """RFC 9110 allows both forms."""
    waiting = Waiting()
    date = f"{NOW + timedelta(seconds=40):%a, %d %b %Y %H:%M:%S GMT}"
    server.fail(r"appRoleAssignedTo", throttled(date), times=1)
    list(each_item(open_requests(server, waiting), LIST))
    assert waiting.waits == [40.0]


@pytest.mark.parametrize(
    "value", [None, "", "soon", "-5", "1e3", "٣", "9" * 100, "Thu, 99 Nov 2026 00:00:00 GMT"]
)
def test_without_a_usable_retry_after_waits_double(value: str | None, server: GraphServer) -> None:
    """Nonsense counts as absent."""
    if value == "٣":  # a header cannot carry it over this wire: the parser is asked directly
        assert parse_retry_after(value, NOW) is None
        return
    waiting = Waiting()
    server.fail(r"appRoleAssignedTo", throttled(value), times=4)
    list(each_item(open_requests(server, waiting), LIST))
    assert waiting.waits == [0.25, 0.5, 1.0, 2.0]


def test_zero_seconds_again_and_again_do_not_spin(server: GraphServer) -> None:
    """From the second time on, waits grow whatever the answer says; the end of the time is the end."""
    waiting = Waiting()
    server.fail(r"appRoleAssignedTo", throttled("0"))
    with pytest.raises(DirectoryUnavailable, match="throttled"):
        list(each_item(open_requests(server, waiting, total_s=600.0), LIST))
    assert server.count("appRoleAssignedTo") < 60


def test_a_wait_longer_than_the_time_that_is_left_is_not_begun(server: GraphServer) -> None:
    """The reading goes on to say what it has."""
    waiting = Waiting()
    server.fail(r"appRoleAssignedTo", throttled("86400"))
    directory = read_directory(server, waiting)
    assert waiting.waits == []
    assert [one.code for one in directory.unknown] == ["assignments"]
    assert "86400 s" in directory.unknown[0].message


def test_all_threads_wait_for_one_throttled_request(server: GraphServer) -> None:
    """What is asked meanwhile counts against the same limit."""
    waiting = Waiting()
    asking = open_requests(server, waiting)
    asking.wait_for({"retry-after": "30"}, 1)
    asking.get(ROOT)
    assert waiting.waits == [30.0] and waiting.passed_s == 30.0


def test_jitter_spreads_the_waits(server: GraphServer) -> None:
    """Two services that were throttled together do not come back together."""
    waits = []
    for jitter in (0.0, 0.9):
        waiting = Waiting()
        asking = open_requests(server, waiting, jitter=jitter)
        asking.wait_for({"retry-after": "10"}, 1)
        asking.get(ROOT)
        waits += waiting.waits
    assert waits == [10.0, 10.9]


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_backoff_is_bounded(attempt: int, jitter: float) -> None:
    """Never nothing, never more than half a minute."""
    assert 0.25 <= backoff_s(attempt, jitter) <= 30.0


@given(st.text(max_size=200))
def test_any_retry_after_is_read_or_passed_over(value: str) -> None:
    """No header makes an error, and no wait is negative."""
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or seconds >= 0


def test_one_throttled_request_of_a_batch_is_asked_again_alone(server: GraphServer) -> None:
    """The others keep their answers."""
    waiting = Waiting()
    server.fail(r"^/users/" + guid("bob"), throttled("9"), times=2)
    paths = [f"/users/{guid(name)}?$select=id" for name in ("ann", "bob", "cid")]
    outcomes = ask_all(open_requests(server, waiting), paths)
    assert outcomes == [{"id": guid(name)} for name in ("ann", "bob", "cid")]
    assert waiting.waits == [9.0, 9.0]
    assert server.count(guid("ann")) == 1 and server.count(guid("bob")) == 3
