"""The parts of the functions host by themselves: schedules, routes, bindings, timers, balance."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.host.balance import Load, LoadTable
from devstack.host.bindings import (
    BlobFunction,
    HttpFunction,
    TimerFunction,
    read_functions,
    read_route_prefix,
)
from devstack.host.blobs import compile_pattern
from devstack.host.errors import HostError
from devstack.host.http import MAX_BODY_BYTES, BodyTooLarge, read_body
from devstack.host.ncrontab import parse_schedule
from devstack.host.routes import Router, compile_template
from devstack.host.timers import Timer

MONDAY = datetime(2026, 11, 23, 10, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * * *", "2026-11-23T10:20:31"),
        ("0 */5 * * * *", "2026-11-23T10:25:00"),
        ("*/5 * * * *", "2026-11-23T10:25:00"),
        ("0 0 * * * *", "2026-11-23T11:00:00"),
        ("0 0 2 * * *", "2026-11-24T02:00:00"),
        ("0 30 9 * * 1-5", "2026-11-24T09:30:00"),
        ("0 30 9 * JAN MON", "2027-01-04T09:30:00"),
        ("15,45 20 10 * * *", "2026-11-23T10:20:45"),
        ("0 0 0 1 * *", "2026-12-01T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 13 * FRI", "2027-08-13T00:00:00"),
        ("0 10/20 * * * *", "2026-11-23T10:30:00"),
        ("0 0-10/5 11 * * *", "2026-11-23T11:00:00"),
    ],
)
def test_a_schedule_comes_round_when_ncrontab_says(schedule: str, expected: str) -> None:
    """In UTC; a day must match both its number and its name."""
    assert parse_schedule(schedule).next_after(MONDAY) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "60 * * * * *",
        "* * * 0 * *",
        "* * * * 13 *",
        "* * * * * 7",
        "a * * * * *",
        "5-1 * * * * *",
        "*/0 * * * * *",
        "1- * * * * *",
        "00:05:00",
        "* * * * * * *",
        "-1 * * * * *",
    ],
)
def test_a_wrong_schedule_is_refused(schedule: str) -> None:
    """Before anything runs."""
    with pytest.raises(HostError, match="schedule"):
        parse_schedule(schedule)


def test_a_schedule_that_never_comes_is_an_error() -> None:
    """30 February."""
    with pytest.raises(HostError, match="never"):
        parse_schedule("0 0 0 30 2 *").next_after(MONDAY)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(
        ["*/7 * * * * *", "0 */13 * * * *", "0 0 3 * * MON", "0 0 0 1 1 *", "30 5-9 1,13 */2 * *"]
    ),
)
def test_the_next_time_is_later_and_nothing_lies_between(moment: datetime, text: str) -> None:
    """Asking again from one second before the answer gives the same answer."""
    schedule = parse_schedule(text)
    following = schedule.next_after(moment.replace(tzinfo=UTC))
    assert following > moment.replace(tzinfo=UTC)
    assert schedule.next_after(following - timedelta(seconds=1)) == following


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("records", "records", {}),
        ("records", "Records", {}),
        ("records/{id}", "records/7", {"id": "7"}),
        ("records/{id}", "records/a%20b", {"id": "a%20b"}),
        ("records/{id}", "records/7/8", None),
        ("records/{id}", "records/", None),
        ("records/{id}/proof", "records/7/proof", {"id": "7"}),
        ("records/{id?}", "records", {"id": None}),
        ("files/{*rest}", "files/a/b/c", {"rest": "a/b/c"}),
        ("files/{*rest}", "files", {"rest": None}),
        ("{name}.{kind}", "a.b.txt", {"name": "a", "kind": "b.txt"}),
        ("n/{n:int}", "n/-5", {"n": "-5"}),
        ("n/{n:int}", "n/5x", None),
        ("a.b", "axb", None),
    ],
)
def test_a_template_matches_what_it_says(template: str, path: str, parameters: dict[str, Any] | None) -> None:
    """Parameters are still percent-encoded here; the router decodes them."""
    match = compile_template(template).fullmatch(path)
    assert (match.groupdict() if match else None) == parameters


@pytest.mark.parametrize("template", ["a/{b", "a/b}", "a/{b:regex(^x$)}", "a/{b:datetime}"])
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    """Better at start than a route that is silently wrong."""
    with pytest.raises(HostError, match="route"):
        compile_template(template)


def test_a_literal_goes_before_a_parameter_and_that_before_a_rest() -> None:
    """Whatever the order in which they were registered."""
    routes = ["{*all}", "a/{x}", "a/{x:int}", "a/b"]
    router = Router(HttpFunction(route, route, "req", route, frozenset()) for route in routes)

    def name(path: str) -> str:
        found = router.find("GET", path)
        assert found is not None
        return found[0].name

    assert [name(path) for path in ("/a/b", "/a/5", "/a/c", "/z/9", "/")] == [
        "a/b",
        "a/{x:int}",
        "a/{x}",
        "{*all}",
        "{*all}",
    ]


def metadata(*bindings: dict[str, Any]) -> list[Any]:
    """What the worker library says about one function."""
    return [
        SimpleNamespace(name="f", function_id="1", raw_bindings=[json.dumps(binding) for binding in bindings])
    ]


def test_bindings_become_functions_with_settings_filled_in() -> None:
    """`%NAME%` in schedules and paths; connections by name, also without their prefix."""
    timer = {"type": "timerTrigger", "name": "t", "schedule": "%WHEN%", "useMonitor": False}
    assert read_functions(metadata(timer), {"WHEN": "0 0 * * * *"}, "") == [
        TimerFunction("1", "f", "t", "0 0 * * * *", run_on_startup=False, use_monitor=False)
    ]
    blob = {"type": "blobTrigger", "name": "b", "path": "%BOX%/{name}", "connection": "Documents"}
    settings = {"BOX": "inbox", "AzureWebJobsDocuments": "UseDevelopmentStorage=true"}
    assert read_functions(metadata(blob), settings, "") == [
        BlobFunction("1", "f", "b", "inbox/{name}", "UseDevelopmentStorage=true")
    ]
    http = {"type": "httpTrigger", "name": "req", "authLevel": "ANONYMOUS", "methods": ["get"]}
    assert read_functions(metadata(http, {"type": "http", "name": "$return"}), {}, "api") == [
        HttpFunction("1", "f", "req", "api/f", frozenset({"GET"}))
    ]


@pytest.mark.parametrize(
    ("bindings", "sentence"),
    [
        ([{"type": "queueTrigger", "name": "q"}], "queueTrigger is not served"),
        ([{"type": "timerTrigger", "name": "t", "schedule": "%NO%"}], "NO: is not set"),
        ([{"type": "httpTrigger", "name": "r", "authLevel": "FUNCTION"}], "level function needs keys"),
        ([{"type": "httpTrigger", "name": "r"}], "level function needs keys"),
        (
            [{"type": "httpTrigger", "name": "r", "authLevel": "anonymous"}, {"type": "blob", "name": "out"}],
            "binding type blob is not served",
        ),
    ],
)
def test_what_this_host_does_not_serve_stops_the_start(bindings: list[dict[str, Any]], sentence: str) -> None:
    """Named, never ignored."""
    with pytest.raises(HostError, match=sentence):
        read_functions(metadata(*bindings), {}, "")


def test_the_route_prefix_is_api_where_host_json_names_none() -> None:
    """As in Azure; this project sets it to nothing."""
    assert read_route_prefix({"version": "2.0"}) == "api"
    assert read_route_prefix({"extensions": {"http": {"routePrefix": ""}}}) == ""


@pytest.mark.parametrize(
    ("pattern", "name", "captured"),
    [
        ("{name}", "a/b.txt", {"name": "a/b.txt"}),
        ("in/{name}.{extension}", "in/a.b.txt", {"name": "a.b", "extension": "txt"}),
        ("in/{name}", "out/a", None),
    ],
)
def test_blob_paths_match_as_azures_do(pattern: str, name: str, captured: dict[str, str] | None) -> None:
    """A name takes slashes too."""
    match = compile_pattern(pattern).fullmatch(name)
    assert (match.groupdict() if match else None) == captured


class Calls:
    """An invoker that notes what timers are told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    async def call_timer(self, function: TimerFunction, info: dict[str, Any]) -> Any:
        self.told.append(info)
        return SimpleNamespace(failure=None)


def start_timer(folder: Path, now: datetime, schedule: str, **options: bool) -> list[dict[str, Any]]:
    """Run a timer until it waits for its next time; what the function was told."""
    calls = Calls()
    flags = {"run_on_startup": False, "use_monitor": True, **options}
    timer = Timer(TimerFunction("1", "nightly", "t", schedule, **flags), calls, folder, lambda: now)  # type: ignore[arg-type]

    async def run() -> None:
        task = asyncio.create_task(timer.run())
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(run())
    return calls.told


def test_a_missed_time_is_made_up_for_and_said_to_be_past_due(tmp_path: Path) -> None:
    """The last status says when it should have fired; it did not, for nothing was running."""
    hourly = "0 0 * * * *"
    assert start_timer(tmp_path, MONDAY, hourly) == []
    assert len(start_timer(tmp_path, MONDAY, hourly, run_on_startup=True)) == 1
    assert start_timer(tmp_path, MONDAY + timedelta(minutes=30), hourly) == []
    [told] = start_timer(tmp_path, MONDAY + timedelta(hours=2), hourly)
    assert told["IsPastDue"] is True
    assert told["ScheduleStatus"]["Next"] == "2026-11-23T11:00:00+00:00"


def test_a_schedule_below_a_minute_is_not_monitored(tmp_path: Path) -> None:
    """As in Azure; nor is one that says so."""
    for schedule, options in (("*/30 * * * * *", {}), ("0 0 * * * *", {"use_monitor": False})):
        start_timer(tmp_path, MONDAY, schedule, run_on_startup=True, **options)
        assert start_timer(tmp_path, MONDAY + timedelta(hours=2), schedule, **options) == []


def test_a_timer_status_that_a_crash_cut_short_is_as_none(tmp_path: Path) -> None:
    """The timer starts as it did the first time."""
    (tmp_path / "nightly.json").write_text('{"Last": "20')
    assert start_timer(tmp_path, MONDAY, "0 0 * * * *") == []


def test_the_lighter_worker_is_the_one_with_fewer_requests_then_connections(tmp_path: Path) -> None:
    """One that is not there counts for nobody."""
    table = LoadTable(tmp_path / "load", 3)
    table.clear(2)
    first, second = Load(table, 0), Load(table, 1)
    assert not first.is_heavier()
    first.connections(1)
    assert first.is_heavier()
    assert not second.is_heavier()
    second.begin()
    assert not first.is_heavier()
    assert not second.is_uneven()
    second.begin()
    assert second.is_uneven()
    second.finish()
    assert not second.is_uneven()
    del first, second
    table.close()


def test_a_body_that_grows_beyond_the_limit_is_refused_on_its_way() -> None:
    """A chunked body announces no length."""
    sent = 0

    async def receive() -> dict[str, Any]:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": bytes(10_000_000), "more_body": True}

    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body({}, receive))
    assert sent == MAX_BODY_BYTES // 10_000_000 + 1
