"""The telemetry sink: a bounded queue and one thread between the service and Azure Monitor.

Whoever calls it pays one append to a list. Conversion, export, retries and the heavy import happen on the
thread; where it cannot keep up, events are dropped and counted, and `telemetry-gap` finds them missing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from shared.cloud.event_attributes import Attributes, split_attributes
from shared.records.canonical import parse_time
from shared.records.columns import Place, flatten_record
from shared.records.events import CommitFailed, ServiceEvent, flatten_event
from shared.records.model import AccessRecord, Record
from shared.usecases.ports import Receipt

logger = logging.getLogger("presidio_access.telemetry")

AUDIT_EVENT = "PresidioAudit"
MAX_WAITING = 20_000
"""Events that may wait: about a minute of the fastest traffic of one process, some 50 MB."""

POLL_S = 0.25
"""The thread looks this often; a wake-up for each call would cost the calls more than it gains."""

FAILURE_EVENT_S = 10.0
CLOSE_PATIENCE_S = 5.0


class Backend(Protocol):
    """What the thread hands things to. Called from that one thread only (gauges excepted)."""

    def event(self, name: str, attributes: Attributes, trace: tuple[str, str] | None) -> None:
        """One custom event, correlated with a trace (trace id, span id)."""
        ...

    def span(self, record: AccessRecord, started_ns: int) -> None:
        """The call and its engine work as spans of the caller's trace."""
        ...

    def measure(self, name: str, value: float, dimensions: dict[str, str]) -> None:
        """One value of a histogram."""
        ...

    def add_gauge(self, name: str, read: Callable[[], float | None]) -> None:
        """Announce a gauge."""
        ...

    def close(self) -> None:
        """Flush, within the exporter's time-outs."""
        ...


Item = tuple[Record, Receipt] | ServiceEvent | tuple[str, float]


class TelemetrySink:
    """Implements `shared.usecases.telemetry.Telemetry` over a backend that is made on the thread."""

    def __init__(self, open_backend: Callable[[], Backend], writer: str, *, poll_s: float = POLL_S) -> None:
        self._open_backend = open_backend
        self._writer = writer
        self._poll_s = poll_s
        self._waiting: deque[Item] = deque()
        self._gauges: deque[tuple[str, Callable[[], float | None]]] = deque()
        self._announced: set[str] = set()
        self._failures: tuple[str, int, int] | None = None
        self._failures_lock = threading.Lock()
        self._failures_since = 0.0
        self._dropped = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Events that were dropped because too many waited."""
        return self._dropped

    def emit(self, record: Record, receipt: Receipt) -> None:
        """Queue a committed record."""
        self._put((record, receipt))

    def report(self, event: ServiceEvent) -> None:
        """Queue an event."""
        self._put(event)

    def count_commit(self, records: int, latency_us: int) -> None:
        """Queue the measures of a commit."""
        self._put(("audit.commit_latency", latency_us / 1_000))
        self._put(("audit.commit_records", float(records)))

    def count_failure(self, code: str, refused: int) -> None:
        """Count refused calls or, with 0, one failed attempt; the thread makes one event of ten seconds."""
        with self._failures_lock:
            _, attempts, calls = self._failures or (code, 0, 0)
            self._failures = (code, attempts + (not refused), calls + refused)
        self._put(("audit.commit_failures", 1.0))

    def watch(self, gauge: str, read: Callable[[], float | None]) -> None:
        """Queue a gauge's announcement; a second one of the same name changes nothing."""
        if gauge not in self._announced:
            self._announced.add(gauge)
            self._gauges.append((gauge, read))

    def close(self) -> None:
        """Hand over what waits and flush; gives up after a few seconds."""
        self._stop.set()
        self._thread.join(CLOSE_PATIENCE_S)

    def _put(self, item: Item) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._dropped += 1
            return
        self._waiting.append(item)

    def _run(self) -> None:
        try:
            backend = self._open_backend()
        except Exception as error:  # noqa: BLE001 - telemetry may fail in any way; the service goes on
            logger.error("telemetry is off: the exporter did not start (%s)", type(error).__name__)
            return
        while not self._stop.wait(self._poll_s):
            self._drain(backend)
        self._failures_since = 0.0
        self._drain(backend)
        try:
            backend.close()
        except Exception as error:  # noqa: BLE001 - the same
            logger.warning("telemetry did not flush at the end (%s)", type(error).__name__)

    def _drain(self, backend: Backend) -> None:
        self._queue_failures()
        while self._gauges:
            self._try(backend.add_gauge, *self._gauges.popleft())
        for _ in range(len(self._waiting)):
            self._try(self._hand_over, backend, self._waiting.popleft())

    def _queue_failures(self) -> None:
        now = time.monotonic()
        if not self._failures or now - self._failures_since < FAILURE_EVENT_S:
            return
        with self._failures_lock:
            counted, self._failures = self._failures, None
        self._failures_since = now
        self._put(CommitFailed(self._writer, *counted))

    def _try(self, step: Callable[..., None], *arguments: object) -> None:
        try:
            step(*arguments)
        except Exception as error:  # noqa: BLE001 - one bad item must not end the thread
            self._dropped += 1
            logger.warning("one telemetry item was dropped (%s)", type(error).__name__)

    def _hand_over(self, backend: Backend, item: Item) -> None:
        if not isinstance(item, tuple):
            backend.event(item.NAME, split_attributes(flatten_event(item)), None)
        elif isinstance(item[0], str):
            backend.measure(item[0], float(item[1]), {})
        else:
            record, receipt = item
            self._hand_over_record(backend, record, receipt)

    def _hand_over_record(self, backend: Backend, record: Record, receipt: Receipt) -> None:
        row = flatten_record(record, Place(receipt.writer, receipt.index))
        trace_id, span_id = row["TraceId"], row["SpanId"]
        trace = (trace_id, span_id) if isinstance(trace_id, str) and isinstance(span_id, str) else None
        backend.event(AUDIT_EVENT, split_attributes(row), trace)
        if isinstance(record, AccessRecord):
            backend.span(record, int(parse_time(record.time).timestamp() * 1_000_000) * 1_000)
            if record.outcome.engine_us:
                milliseconds = record.outcome.engine_us / 1_000
                backend.measure("engine.latency", milliseconds, {"Operation": record.what.operation})
