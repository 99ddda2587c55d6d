"""All that is committed is told by telemetry, in the order of the log: genesis and closing words too."""

from __future__ import annotations

from dataclasses import dataclass

from shared.usecases.commits.observing import StoredCommit
from shared.usecases.ports import Receipt
from shared.usecases.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class CommitTelling:
    """A `CommitObserver` over telemetry, which never raises and never blocks."""

    telemetry: Telemetry

    def on_stored(self, commit: StoredCommit) -> None:
        """Each record as an event, and the commit's measures."""
        for place, record in enumerate(commit.records):
            self.telemetry.emit(record, Receipt(commit.writer, commit.first + place, commit.checkpoint))
        self.telemetry.count_commit(len(commit.records), commit.store_us)

    def on_failure(self, code: str) -> None:
        """An attempt that storage did not take."""
        self.telemetry.count_failure(code, 0)

    def on_fence(self, segment: int) -> None:
        """A segment that the writer had to leave."""
        self.telemetry.count_failure("segment_fenced", 0)

    def on_unrecorded(self, reason: str) -> None:
        """A call that was refused because its record is not stored."""
        self.telemetry.count_failure(reason, 1)
