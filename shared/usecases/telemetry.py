"""The alarm wire, as the use cases see it. Storage is the evidence; this may lose, and must never slow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.records.events import Heartbeat, ServiceEvent
from shared.records.model import Record
from shared.usecases.ports import Ledger, Receipt


class Telemetry(Protocol):
    """Every method returns at once, never raises, and may be called from any thread."""

    def emit(self, record: Record, receipt: Receipt) -> None:
        """Tell a committed record as the event `PresidioAudit`. Only after the commit, never instead."""
        ...

    def report(self, event: ServiceEvent) -> None:
        """Tell an event of the service."""
        ...

    def count_commit(self, records: int, latency_us: int) -> None:
        """Measure one commit: how many records it carried and how long storage took."""
        ...

    def count_failure(self, code: str, refused: int) -> None:
        """Count calls that are refused because their records are not stored, or, with 0, one attempt at
        storage that failed and is repeated. All within ten seconds become one `PresidioCommitFailed`.
        """
        ...

    def watch(self, gauge: str, read: Callable[[], float | None]) -> None:
        """Read a gauge whenever metrics are exported. `read` must be quick; None means no value."""
        ...

    @property
    def dropped(self) -> int:
        """Events that were not handed to the exporter because too many waited."""
        ...

    def close(self) -> None:
        """Hand over what waits and stop, within seconds whatever the endpoint does."""
        ...


class NoTelemetry:
    """Stands where no endpoint is configured."""

    dropped = 0

    def emit(self, record: Record, receipt: Receipt) -> None:
        """Nothing."""

    def report(self, event: ServiceEvent) -> None:
        """Nothing."""

    def count_commit(self, records: int, latency_us: int) -> None:
        """Nothing."""

    def count_failure(self, code: str, refused: int) -> None:
        """Nothing."""

    def watch(self, gauge: str, read: Callable[[], float | None]) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


QUEUE_DEPTH = "audit.queue_depth"
SEAL_AGE = "audit.seal_age"
GAUGES = {
    QUEUE_DEPTH: "records that wait for their commit",
    SEAL_AGE: "seconds since the last root checkpoint",
}
"""Gauges by name, which whoever owns the number announces with `watch`: their meaning."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a heartbeat says that does not change while the process lives."""

    writer: str
    policy_digest: str
    engine_digest: str
    service_version: str
    service_commit: str


def beat(telemetry: Telemetry, ledger: Ledger, pulse: Pulse, *, uptime_s: int, queue_depth: int) -> Heartbeat:
    """One heartbeat, for a timer that runs every minute."""
    heartbeat = Heartbeat(
        writer=pulse.writer,
        uptime_s=uptime_s,
        is_ledger_writable=ledger.is_writable(),
        queue_depth=queue_depth,
        events_dropped=telemetry.dropped,
        policy_digest=pulse.policy_digest,
        engine_digest=pulse.engine_digest,
        service_version=pulse.service_version,
        service_commit=pulse.service_commit,
    )
    telemetry.report(heartbeat)
    return heartbeat
