"""Azure Monitor by OpenTelemetry. Imports heavy packages inside functions: call it off the request path."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.cloud.event_attributes import Attributes
from shared.cloud.telemetry import Backend, TelemetrySink
from shared.errors import SettingsError
from shared.records.model import AccessRecord
from shared.usecases.telemetry import NoTelemetry, Telemetry
from shared.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Histogram, Observation

logger = logging.getLogger("presidio_access.telemetry")

LOGGER_NAME = "presidio_access"
"""Python loggers below this name become AppTraces rows; nothing else does."""

ROLE = "presidio-access-audit"
_CONNECTION_STRING = re.compile(
    r"^(?:[A-Za-z]+=[^;]*;)*InstrumentationKey=[0-9a-f-]{36}(?:;|$)", re.IGNORECASE
)
READ_TIMEOUT_S = 10
_ENVIRONMENT = {
    # Microsoft's usage statistics and remote switches of the exporter: nothing leaves but telemetry.
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    # An event is on the wire about a second after its commit, and 16,384 may wait for a slow endpoint.
    "OTEL_BLRP_SCHEDULE_DELAY": "1000",
    "OTEL_BLRP_MAX_QUEUE_SIZE": "16384",
    # Detectors ask cloud metadata endpoints; what they would find is set below.
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel",
}
METRICS = {
    "audit.commit_latency": ("ms", "milliseconds from the start of a commit to storage's word for it"),
    "audit.commit_records": ("{record}", "records in one commit"),
    "audit.commit_failures": ("{failure}", "attempts at storage that failed, and calls refused for it"),
    "engine.latency": ("ms", "milliseconds in Presidio, by operation"),
}
"""Histograms by name: unit and meaning."""

_INSTRUMENTED = (
    "azure_sdk",
    "django",
    "fastapi",
    "flask",
    "psycopg2",
    "requests",
    "urllib",
    "urllib3",
    "httpx",
)
"""Instrumentations stay off: they would trace each append, and their spans could carry URLs of callers."""


def open_telemetry(connection_string: str | None, writer: str, *, folder: Path | None = None) -> Telemetry:
    """The sink for a connection string of Application Insights, or a stand-in that does nothing.

    Raises SettingsError where the string is none. Returns at once; the exporter starts on the sink's
    thread. `folder` is where the exporter keeps what the endpoint refused for now (default: the system's
    temporary folder). Microsoft Entra authentication is configured by
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING, which the exporter reads itself.
    """
    if not connection_string:
        logger.info(
            "APPLICATIONINSIGHTS_CONNECTION_STRING is not set: no telemetry is sent, no alert will fire"
        )
        return NoTelemetry()
    if not _CONNECTION_STRING.match(connection_string):
        raise SettingsError(
            "APPLICATIONINSIGHTS_CONNECTION_STRING",
            "expected InstrumentationKey=<GUID>;IngestionEndpoint=<URL>, as the portal shows it",
        )
    return TelemetrySink(lambda: AzureMonitor(connection_string, writer, folder), writer)


class AzureMonitor(Backend):
    """The real exporter. One a process: OpenTelemetry's providers are global."""

    def __init__(self, connection_string: str, writer: str, folder: Path | None = None) -> None:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from azure.monitor.opentelemetry import configure_azure_monitor
        from opentelemetry import _logs, metrics, trace
        from opentelemetry.sdk.resources import Resource

        from shared.cloud.event_exporter import open_event_provider

        resource = Resource({"service.name": ROLE, "service.instance.id": writer, "service.version": VERSION})
        sending: dict[str, Any] = {"connection_string": connection_string, "read_timeout": READ_TIMEOUT_S}
        sending |= {"retry_total": 0, **({"storage_directory": str(folder)} if folder else {})}
        configure_azure_monitor(
            resource=resource,
            logger_name=LOGGER_NAME,
            enable_live_metrics=False,
            enable_performance_counters=False,
            enable_trace_based_sampling_for_logs=False,
            instrumentation_options={name: {"enabled": False} for name in _INSTRUMENTED},
            **sending,
        )
        events = open_event_provider(resource, sending)
        for library in ("azure.monitor.opentelemetry", "azure.core.pipeline.policies.http_logging_policy"):
            # One line for each batch, at INFO, would fill the log; what goes wrong is a warning.
            logging.getLogger(library).setLevel(logging.WARNING)
        self._logger = events.get_logger(ROLE)
        self._tracer = trace.get_tracer(ROLE)
        self._meter = metrics.get_meter(ROLE)
        self._histograms: dict[str, Histogram] = {}
        providers = (
            events,
            _logs.get_logger_provider(),
            trace.get_tracer_provider(),
            metrics.get_meter_provider(),
        )
        self._close: tuple[Callable[[], object], ...] = tuple(
            getattr(provider, "shutdown")  # noqa: B009 - only the SDK's providers have it, and they are set now
            for provider in providers
        )

    def event(self, name: str, attributes: Attributes, trace: tuple[str, str] | None) -> None:
        """One custom event. Its facts travel as the body, which `event_exporter` puts where they belong."""
        from opentelemetry._logs import LogRecord, SeverityNumber

        self._logger.emit(
            LogRecord(
                context=_context(*trace) if trace else None,
                severity_number=SeverityNumber.INFO,
                body={"properties": attributes.properties, "measurements": attributes.measurements},
                attributes={"microsoft.custom_event.name": name},
            )
        )

    def span(self, record: AccessRecord, started_ns: int) -> None:
        """The call, and Presidio's share of it, as internal spans: the host tells the request itself.

        Made afterwards from the record, so that a call pays nothing for it. At most five a second are kept
        (the exporter's default sampler); events are never sampled.
        """
        where, outcome = record.where, record.outcome
        parent = _context(where.trace_id, where.span_id) if where.trace_id and where.span_id else None
        facts: dict[str, str | int] = {"request_id": record.request_id, "status": outcome.status}
        span = self._tracer.start_span(record.what.operation, parent, start_time=started_ns, attributes=facts)
        if outcome.engine_us and span.is_recording():
            from opentelemetry.trace import set_span_in_context

            inner = self._tracer.start_span("presidio", set_span_in_context(span), start_time=started_ns)
            inner.end(started_ns + outcome.engine_us * 1_000)
        span.end(started_ns + outcome.total_us * 1_000)

    def measure(self, name: str, value: float, dimensions: dict[str, str]) -> None:
        """One value of a histogram."""
        histogram = self._histograms.get(name)
        if histogram is None:
            unit, meaning = METRICS[name]
            histogram = self._histograms[name] = self._meter.create_histogram(name, unit, meaning)
        histogram.record(value, dimensions)

    def add_gauge(self, name: str, read: Callable[[], float | None]) -> None:
        """A gauge that is read when metrics are exported."""
        from opentelemetry.metrics import Observation as Value

        def observe(_: CallbackOptions) -> Iterable[Observation]:
            value = read()
            return [] if value is None else [Value(value)]

        self._meter.create_observable_gauge(name, [observe])

    def close(self) -> None:
        """Flush and stop."""
        for shutdown in self._close:
            shutdown()


def _context(trace_id: str, span_id: str) -> Context:
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    flags = TraceFlags(TraceFlags.SAMPLED)
    return set_span_in_context(
        NonRecordingSpan(SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags))
    )
