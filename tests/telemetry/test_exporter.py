"""The cheap way of an event's properties gives what the exporter itself would have sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from shared.cloud.event_attributes import split_attributes
from shared.cloud.event_exporter import Envelope, EventExporter
from shared.records.columns import Place, flatten_record
from shared.records.model import Record
from tests.support.records import EVERY_TYPE

SENDING: dict[str, Any] = {
    "connection_string": "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:9/",
}
NAME = {"microsoft.custom_event.name": "PresidioAudit"}


def _readable(record: LogRecord) -> ReadableLogRecord:
    """What a processor hands to an exporter."""
    seen: list[ReadWriteLogRecord] = []

    class Keep(SimpleLogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            seen.append(log_record)

    provider = LoggerProvider(resource=Resource({"service.name": "x"}), shutdown_on_exit=False)
    provider.add_log_record_processor(Keep(None))  # type: ignore[arg-type]
    provider.get_logger("scope").emit(record)
    (kept,) = seen
    assert kept.resource is not None
    return ReadableLogRecord(kept.log_record, kept.resource, kept.instrumentation_scope)


@pytest.mark.parametrize("record", EVERY_TYPE, ids=lambda record: str(record.type))
def test_both_ways_make_the_same_envelope(tmp_path: Path, record: Record) -> None:
    """For every type of record: name, tags, properties, measurements."""
    told = split_attributes(flatten_record(record, Place("w", 3)))
    body: Any = {"properties": told.properties, "measurements": told.measurements}
    ours = EventExporter(**SENDING, storage_directory=str(tmp_path / "a"))
    theirs = AzureMonitorLogExporter(**SENDING, storage_directory=str(tmp_path / "b"))
    plain = {**told.properties, **NAME, "microsoft.custom_measurements": json.dumps(told.measurements)}
    trace = set_span_in_context(NonRecordingSpan(SpanContext(int("7e57" * 8, 16), 0xABC, is_remote=True)))
    for timestamp, context in (
        (1, None),
        (1_800_000_000_123_456_789, trace),
        (1_800_000_000_000_000_000, None),
    ):
        event: Any = {"timestamp": timestamp, "context": context}
        made = ours._log_to_envelope(_readable(LogRecord(body=body, attributes=NAME, **event)))
        expected = theirs._log_to_envelope(_readable(LogRecord(attributes=plain, **event))).as_dict()
        assert isinstance(made, Envelope)
        assert made.as_dict() == expected
        assert json.loads(json.dumps(made)) == expected
    ours.shutdown()
    theirs.shutdown()
