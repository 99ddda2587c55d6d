"""Telemetry may lose; it must never slow a call, and the loss must be seen."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from devstack.alerts.evaluation import evaluate
from devstack.alerts.rules import load_rule
from devstack.loganalytics.server import Workspace
from devstack.processes import wait_until
from shared.cloud.azure_monitor import open_telemetry
from shared.cloud.event_attributes import Attributes
from shared.cloud.telemetry import MAX_WAITING, TelemetrySink
from shared.errors import SettingsError
from shared.records.events import WriterSealed
from shared.usecases.ports import Receipt
from shared.usecases.telemetry import NoTelemetry, Telemetry
from tests.support.records import access_record

CALLS = 200
MODES = ("402", "439", "429", "500", "hang", "closed")
SLOWEST_EMIT_S = 0.05


def _arrived(workspace: Workspace, writer: str) -> int:
    query = f'AppEvents | where tostring(Properties.Writer) == "{writer}" and Name == "PresidioAudit" | count'
    return int(workspace.database.query(query).rows[0][0])


def _emit_all(sink: Telemetry, writer: str) -> float:
    """Emit like calls do; the slowest one in seconds."""
    record, slowest = access_record(), 0.0
    for index in range(CALLS):
        started = time.perf_counter()
        sink.emit(record, Receipt(writer, index, ""))
        slowest = max(slowest, time.perf_counter() - started)
    return slowest


@pytest.mark.parametrize("mode", MODES)
def test_a_failing_endpoint_slows_nothing_and_is_seen(
    workspace: Workspace, sink: Telemetry, mode: str
) -> None:
    """Calls go on; afterwards `telemetry-gap` names the writer and how many of its records are missing."""
    writer = f"01JDLOSS{mode.upper():0>18}"
    refused = workspace.refused_events
    workspace.set_mode(mode)
    try:
        slowest = _emit_all(sink, writer)
        assert wait_until(lambda: workspace.refused_events > refused, 15), "the exporter did not try"
    finally:
        workspace.set_mode("ok")
    assert slowest < SLOWEST_EMIT_S
    sink.report(WriterSealed(writer, 0, CALLS))
    sealed = f'AppEvents | where Name == "PresidioWriterSealed" and tostring(Properties.Writer) == "{writer}"'
    assert wait_until(lambda: len(workspace.database.query(sealed).rows) == 1, 20)
    missing = CALLS - _arrived(workspace, writer)
    found = evaluate(
        load_rule("telemetry-gap"), workspace.database, datetime.now(UTC) + timedelta(minutes=11)
    )
    told = {dict(v.dimensions)["Writer"]: v.rows[0]["Missing"] for v in found}
    assert missing > 0
    assert told[writer] == missing


def test_a_service_that_lost_its_wire_is_quiet(workspace: Workspace) -> None:
    """Half an hour after the last event `quiet` fires, whatever the reason."""
    later = datetime.now(UTC) + timedelta(minutes=31)
    assert len(evaluate(load_rule("quiet"), workspace.database, later)) == 1


class _Stuck:
    """A backend whose exporter never returns."""

    def __init__(self) -> None:
        time.sleep(3_600)

    def event(self, name: str, attributes: Attributes, trace: tuple[str, str] | None) -> None: ...
    def span(self, record: object, started_ns: int) -> None: ...
    def measure(self, name: str, value: float, dimensions: dict[str, str]) -> None: ...
    def add_gauge(self, name: str, read: object) -> None: ...
    def close(self) -> None: ...


def test_what_waits_is_bounded_and_the_rest_is_counted() -> None:
    """A thread that is stuck costs bounded memory; each event above the bound is counted as dropped."""
    sink = TelemetrySink(_Stuck, "w")
    record = access_record()
    started = time.perf_counter()
    for index in range(MAX_WAITING + 50):
        sink.emit(record, Receipt("w", index, ""))
    assert time.perf_counter() - started < 5
    assert sink.dropped == 50


def test_an_exporter_that_does_not_start_is_said_once_and_harms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Telemetry is off; calls go on."""

    def fail() -> _Stuck:
        raise ImportError("CANARY-77aa")

    sink = TelemetrySink(fail, "w")
    sink.emit(access_record(), Receipt("w", 0, ""))
    sink.close()
    assert [record.message for record in caplog.records] == [
        "telemetry is off: the exporter did not start (ImportError)"
    ]


@pytest.mark.parametrize("text", ["yes", "InstrumentationKey=abc", "IngestionEndpoint=https://example.com/"])
def test_a_wrong_connection_string_stops_the_service(text: str) -> None:
    """With the setting's name and its form, and without its value."""
    with pytest.raises(SettingsError) as raised:
        open_telemetry(text, "w")
    assert raised.value.setting == "APPLICATIONINSIGHTS_CONNECTION_STRING"
    assert "InstrumentationKey=<GUID>" in raised.value.message


def test_without_a_connection_string_nothing_is_sent_which_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Once, in the log; calls go on, and no thread is started."""
    caplog.set_level("INFO", "presidio_access.telemetry")
    telemetry = open_telemetry(None, "w")
    telemetry.emit(access_record(), Receipt("w", 0, ""))
    telemetry.close()
    assert isinstance(telemetry, NoTelemetry)
    assert ["no telemetry is sent" in record.message for record in caplog.records] == [True]
