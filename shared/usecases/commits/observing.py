"""What the committer lets others see: for metrics, for telemetry, for tests."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from shared.records.model import Record


@dataclass(frozen=True, slots=True)
class StoredCommit:
    """One commit that is stored. Record `records[i]` has index `first + i`; `checkpoint` covers them all.

    `store_us` is the time from the first attempt to the answer that settled it, over `attempts` attempts;
    `longest_wait_us` is how long the oldest of its callers had waited. `waiting` records are still queued.
    """

    writer: str
    first: int
    records: tuple[Record, ...]
    checkpoint: str
    size_bytes: int
    store_us: int
    attempts: int
    longest_wait_us: int
    waiting: int


class CommitObserver(Protocol):
    """Called from the committer's thread and from event loops: never blocks, never raises."""

    def on_stored(self, commit: StoredCommit) -> None:
        """A commit is stored, and its callers have been told."""
        ...

    def on_failure(self, code: str) -> None:
        """An attempt at storage failed, with this error code; it is repeated."""
        ...

    def on_fence(self, segment: int) -> None:
        """The writer left this segment because storage will not take its commit there."""
        ...

    def on_unrecorded(self, reason: str) -> None:
        """A call is refused because its record is not stored: `deadline`, `storage_away`, `not_kept`."""
        ...


class CommitCounts:
    """An observer that counts. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.commits = 0
        self.records = 0
        self.size_bytes = 0
        self.store_us = 0
        self.slowest_us = 0
        self.most_records = 0
        self.failures: Counter[str] = Counter()
        self.unrecorded: Counter[str] = Counter()
        self.fences = 0

    def on_stored(self, commit: StoredCommit) -> None:
        """Add up."""
        with self._lock:
            self.commits += 1
            self.records += len(commit.records)
            self.size_bytes += commit.size_bytes
            self.store_us += commit.store_us
            self.slowest_us = max(self.slowest_us, commit.store_us)
            self.most_records = max(self.most_records, len(commit.records))

    def on_failure(self, code: str) -> None:
        """Count by error code."""
        with self._lock:
            self.failures[code] += 1

    def on_fence(self, segment: int) -> None:
        """Count."""
        with self._lock:
            self.fences += 1

    def on_unrecorded(self, reason: str) -> None:
        """Count by reason."""
        with self._lock:
            self.unrecorded[reason] += 1
