"""Records through the real exporter into the local workspace: nothing changes its value on the way."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import pytest

from devstack.loganalytics.server import Workspace
from devstack.processes import wait_until
from shared.cloud.telemetry import AUDIT_EVENT
from shared.records.columns import ALL_COLUMNS, Column, Place, flatten_record
from shared.records.events import EVENT_COLUMNS, ServiceEvent, flatten_event
from shared.records.model import KeyedDigests, Record
from shared.usecases.ports import Receipt
from shared.usecases.telemetry import QUEUE_DEPTH, Telemetry
from tests.support.events import EVERY_EVENT
from tests.support.records import EVERY_TYPE, WHAT, WHERE, WRITER, access_record

READ = {
    "string": "tostring(Properties.{0})",
    "datetime": "todatetime(tostring(Properties.{0}))",
    "bool": "tobool(tostring(Properties.{0}))",
    "long": "tolong(Measurements.{0})",
    "dynamic": "todynamic(tostring(Properties.{0}))",
}
"""How rules and the workbook read a column of a type."""


@pytest.fixture(scope="module")
def sent(workspace: Workspace, sink: Telemetry) -> list[Record]:
    """One record of each type and one event of each kind, arrived."""
    sink.watch(QUEUE_DEPTH, lambda: 3.0)
    sink.count_commit(4, 5_500)
    sink.count_failure("store_unavailable", 0)
    sink.count_failure("store_unavailable", 1)
    for index, record in enumerate(EVERY_TYPE):
        sink.emit(record, Receipt(WRITER, index, ""))
    for event in EVERY_EVENT:
        sink.report(event)
    expected = len(EVERY_TYPE) + len(EVERY_EVENT) + 1
    assert wait_until(lambda: workspace.database.count("AppEvents") >= expected, 30), "events did not arrive"
    return list(EVERY_TYPE)


def _read(workspace: Workspace, name: str, where: str, columns: tuple[Column, ...]) -> dict[str, Any]:
    parts = ", ".join(f"{c.name} = {READ[c.type].format(c.name)}" for c in columns)
    told = f'tostring(Properties.Writer) in ("{WRITER}", "")'  # other tests send under other names
    query = f'AppEvents | where Name == "{name}" and {told} | where {where} | project {parts}'
    rows = workspace.database.query(query).as_dicts()
    assert len(rows) == 1, f"{name} with {where}: {len(rows)} rows"
    return rows[0]


def _as_kusto(column: Column, value: object) -> object:
    """What Kusto makes of an absent value: strings are never null."""
    return "" if value is None and column.type == "string" else value


@pytest.mark.parametrize("index", range(len(EVERY_TYPE)), ids=[record.type for record in EVERY_TYPE])
def test_a_rule_reads_what_the_record_says(workspace: Workspace, sent: list[Record], index: int) -> None:
    """Every column of every record type, with its type: text, times, numbers, booleans, lists, objects."""
    expected = flatten_record(sent[index], Place(WRITER, index))
    row = _read(workspace, AUDIT_EVENT, f"tolong(Measurements.RecordIndex) == {index}", ALL_COLUMNS)
    wrong = {
        column.name: (row[column.name], expected[column.name])
        for column in ALL_COLUMNS
        if row[column.name] != _as_kusto(column, expected[column.name])
    }
    assert not wrong


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: str(event.NAME))
def test_service_events_arrive_as_they_are(
    workspace: Workspace, sent: list[Record], event: ServiceEvent
) -> None:
    """The same for the service's own events."""
    where = 'tostring(Properties.Code) != "store_unavailable"'
    assert _read(workspace, event.NAME, where, EVENT_COLUMNS[event.NAME]) == flatten_event(event)


def test_failures_are_counted_together(workspace: Workspace, sent: list[Record]) -> None:
    """`count_failure` becomes an event, so that the rule that reads it needs no metric."""
    where = 'tostring(Properties.Code) == "store_unavailable"'
    row = _read(workspace, "PresidioCommitFailed", where, EVENT_COLUMNS["PresidioCommitFailed"])
    assert (row["Attempts"], row["Refused"], row["Writer"]) == (1, 1, WRITER)


def test_events_carry_the_trace_of_the_caller(workspace: Workspace, sent: list[Record]) -> None:
    """OperationId is the trace id of the incoming traceparent, so one query shows the whole call."""
    query = f'AppEvents | where Name == "{AUDIT_EVENT}" and tolong(Measurements.RecordIndex) == 0'
    row = workspace.database.query(f"{query} | project OperationId, ParentId, AppRoleInstance").as_dicts()[0]
    assert row == {
        "OperationId": "0af7651916cd43dd8448eb211c80319c",
        "ParentId": "b7ad6b7169203331",
        "AppRoleInstance": WRITER,
    }


def test_calls_become_spans_of_that_trace(workspace: Workspace, sink: Telemetry) -> None:
    """The call and Presidio's share of it, with the record's durations (rounded to milliseconds).

    About five calls a second are kept, so calls are told until one of them is there.
    """
    kql = (
        'AppDependencies | where OperationId startswith "7e57" '
        "| project Name, OperationId, ParentId, Id, DurationMs"
    )
    index = itertools.count(950)

    def is_there() -> bool:
        where = WHERE.model_copy(update={"trace_id": f"7e57{next(index):028x}"})
        sink.emit(access_record(where=where), Receipt(WRITER, 950, ""))
        return len(workspace.database.query(kql).rows) >= 2

    assert wait_until(is_there, 30, 0.25)
    rows = workspace.database.query(kql).as_dicts()
    call = next(row for row in rows if row["Name"] == "pii.analyze")
    engine = next(row for row in rows if row["Name"] == "presidio" and row["ParentId"] == call["Id"])
    assert engine["OperationId"] == call["OperationId"]
    assert call["ParentId"] == "b7ad6b7169203331"
    assert (call["DurationMs"], engine["DurationMs"]) == (12, 10)


def test_measures_become_metrics(workspace: Workspace, sent: list[Record]) -> None:
    """Commit latency, records a commit, failures, queue depth, and engine latency by operation."""

    def names() -> set[str]:
        return {row[0] for row in workspace.database.query("AppMetrics | distinct Name").rows}

    wanted = {
        "audit.commit_latency",
        "audit.commit_records",
        "audit.commit_failures",
        "audit.queue_depth",
        "engine.latency",
    }
    assert wait_until(lambda: wanted <= names(), 15), names()
    query = 'AppMetrics | where Name == "{}" | project Sum, Operation = tostring(Properties.Operation)'
    latency = workspace.database.query(query.format("audit.commit_latency")).as_dicts()
    engine = workspace.database.query(query.format("engine.latency")).as_dicts()
    assert latency[0]["Sum"] == pytest.approx(5.5)
    assert engine[0]["Operation"] == "pii.analyze"
    assert engine[0]["Sum"] / 9.876 == pytest.approx(round(engine[0]["Sum"] / 9.876))


def test_a_thousand_digests_are_cut_between_items_and_said_to_be(
    workspace: Workspace, sink: Telemetry
) -> None:
    """Application Insights keeps 8 KiB: what is left must still parse, and the cut must be visible."""
    digests = KeyedDigests(key_id="0a1b2c3d", values=tuple(f"{n:032x}" for n in range(1_000)))
    record = access_record(what=WHAT.model_copy(update={"input_digests": digests}))
    sink.emit(record, Receipt(WRITER, 900, ""))
    query = (
        "AppEvents | where tolong(Measurements.RecordIndex) == 900 "
        "| project Digests = todynamic(tostring(Properties.InputDigests)), "
        "Cut = tostring(Properties.Truncated)"
    )
    assert wait_until(lambda: len(workspace.database.query(query).rows) == 1, 15)
    row = workspace.database.query(query).as_dicts()[0]
    assert row["Digests"] == list(digests.values)[: len(row["Digests"])]
    assert 8_192 - 35 < len(str(row["Digests"]).replace(" ", "")) <= 8_192
    assert row["Cut"] == '["InputDigests"]'


def test_our_own_log_lines_become_traces_and_others_do_not(workspace: Workspace, sink: Telemetry) -> None:
    """Loggers below `presidio_access` are exported; a library's logger, which may quote texts, is not."""
    logging.getLogger("presidio_access.path").warning("unexpected KeyError in pii.analyze")
    logging.getLogger("presidio-analyzer").warning("CANARY-4f2a")
    logging.getLogger("azure.core").error("CANARY-4f2a")

    def messages() -> list[str]:
        return [row[0] for row in workspace.database.query("AppTraces | project Message").rows]

    assert wait_until(lambda: "unexpected KeyError in pii.analyze" in messages(), 15)
    assert not any("CANARY" in message for message in messages())
