"""What the timers do: seal, archive, verify, sweep, and tell that the service lives.

Each job may run twice at once and die anywhere; the next run finishes it. Jobs block, so they are called on
a thread. What they find wrong is told by telemetry and, for verdicts, recorded in the ledger.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from shared.ledger.findings import Finding, Weight
from shared.records.events import Sealed, Verified, WriterSealed
from shared.records.model import Record, ServicePart
from shared.usecases.ports import Clock, Ledger
from shared.usecases.telemetry import Pulse, Telemetry, beat
from shared.usecases.upkeep.archiving import Archived, Archiver
from shared.usecases.upkeep.baselines import DaysOfRecords, Shelf, emit_baselines
from shared.usecases.upkeep.retention import Sweeper, Swept
from shared.usecases.upkeep.sealing import Sealer, Sealing
from shared.usecases.upkeep.verifying import Verification, verdict_record

logger = logging.getLogger("presidio_access.housekeeping")

type Commit = Callable[[Record], Awaitable[object]]


@dataclass(slots=True)
class SealAge:
    """When the root log was last sealed, on the monotonic clock."""

    at: float | None = None

    def read(self) -> float | None:
        """Seconds since then; None before the first time."""
        return None if self.at is None else time.monotonic() - self.at


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """The jobs of one deployment, joined once. `sweepers` hold the only right to delete."""

    sealer: Sealer
    archiver: Archiver
    verification: Verification
    sweepers: tuple[Sweeper, ...]
    days: DaysOfRecords
    shelf: Shelf
    sensitive: frozenset[str]
    telemetry: Telemetry
    ledger: Ledger
    queue_depth: Callable[[], int]
    pulse: Pulse
    service: ServicePart
    clock: Clock
    age: SealAge = field(default_factory=SealAge)
    started: float = field(default_factory=time.monotonic)

    def seal(self) -> Sealing:
        """Bring the root log up to what storage holds. Raises StoreError, KeysUnavailable, LedgerError."""
        started = time.monotonic()
        sealing = self.sealer.run()
        _warn("sealing", sealing.findings)
        self.age.at = time.monotonic()
        for seal in sealing.seals:
            self.telemetry.report(
                WriterSealed(seal.writer, sealing.grown_from.get(seal.writer, 0), seal.size)
            )
        took_ms = int((time.monotonic() - started) * 1_000)
        self.telemetry.report(Sealed(sealing.size, len(sealing.seals), took_ms))
        return sealing

    def archive(self) -> Archived:
        """Copy what is finished. Raises StoreError."""
        archived = self.archiver.run()
        _warn("archiving", archived.findings)
        return archived

    def verify(self) -> Record:
        """Verify what is new since the last time; the verdict, to be committed. Raises StoreError."""
        started = time.monotonic()
        report = self.verification.run()
        _warn("verification", report.findings)
        weights = Counter(finding.weight for finding in report.findings)
        self.telemetry.report(
            Verified(
                findings=weights[Weight.TAMPERING],
                unchecked=weights[Weight.UNCHECKED],
                classes=tuple(sorted({finding.kind.value for finding in report.findings})),
                records=report.records,
                duration_ms=int((time.monotonic() - started) * 1_000),
            )
        )
        return verdict_record(report, self.service)

    def sweep(self) -> tuple[Swept, ...]:
        """Delete what has expired, archive last. Raises StoreError, AuditUnavailable."""
        swept = tuple(sweeper.run() for sweeper in self.sweepers)
        for each in swept:
            _warn("retention", each.findings)
        return swept

    def beat(self) -> None:
        """Tell that the service lives, and what it runs."""
        uptime_s = int(time.monotonic() - self.started)
        beat(self.telemetry, self.ledger, self.pulse, uptime_s=uptime_s, queue_depth=self.queue_depth())

    def tell_baselines(self) -> int:
        """Tell what is normal, for the rules that compare with it. Raises StoreUnavailable."""
        return emit_baselines(self.days, self.shelf, self.telemetry, self.sensitive, self.clock())


def _warn(job: str, findings: Sequence[Finding]) -> None:
    for finding in findings:
        level = logging.INFO if finding.weight is Weight.REMARK else logging.ERROR
        logger.log(level, "%s: %s in %s", job, finding.kind.value, finding.object)
