"""Commits into segments: each exactly once, whatever storage answers.

The rules (docs/ledger-format.md, "How a writer writes"): a commit's bytes are final once offered; after an
answer that is not clear the same bytes go to the same position again, which position-conditional appends make
harmless; what storage holds in our range decides; where other bytes stand there, or where storage refuses
for good, this commit can never land in this segment, and the next one takes it.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.errors import (
    AppendRefused,
    ObjectExists,
    ObjectMissing,
    PositionMismatch,
    StoreError,
    StoreUnavailable,
)
from shared.ledger.segments import SegmentLimits, segment_path
from shared.usecases.ports import Clock, LedgerStore

type Persist = Callable[[int, StoreError], bool]
"""Told of each failed attempt (its number from 0, and what went wrong): waits, and says whether to go on."""


class _Range(enum.Enum):
    """What storage holds where a commit belongs."""

    OURS = "the commit's own bytes"
    EMPTY = "nothing yet"
    FOREIGN = "other bytes"
    GONE = "no object"


class SegmentWriter:
    """Appends to a writer's newest segment and opens the next when it is time. Used by one thread."""

    def __init__(
        self,
        store: LedgerStore,
        writer: str,
        clock: Clock,
        limits: SegmentLimits,
        on_fence: Callable[[int], None],
    ) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._limits = limits
        self._on_fence = on_fence
        self._number = -1
        self._path: str | None = None
        self._length = 0
        self._commits = 0
        self._opened_at: datetime | None = None

    def write(self, data: bytes, persist: Persist) -> None:
        """Return once the bytes are stored. Raises the last StoreError when `persist` says to stop.

        After that only the same bytes may be written: they may be stored already, or still on their way.
        """
        self._rotate_if_due(len(data))
        attempt = 0
        while True:
            try:
                self._attempt(data)
                return
            except StoreError as error:
                if not persist(attempt, error):
                    raise
            except Exception as error:  # an adapter's defect leaves as much unknown as a time-out does
                unknown = StoreUnavailable(f"storage failed with {type(error).__name__}")
                if not persist(attempt, unknown):
                    raise unknown from error
            attempt += 1

    def _attempt(self, data: bytes) -> None:
        path = self._path or self._open_next()
        try:
            self._store.append(path, data, self._length)
        except (PositionMismatch, AppendRefused, ObjectMissing) as error:
            self._settle(path, data, error)
        self._length += len(data)
        self._commits += 1

    def _open_next(self) -> str:
        path = segment_path(self._writer, self._number + 1)
        # Where it exists, an earlier answer was lost; or it is not ours, which the append at 0 will find out.
        with contextlib.suppress(ObjectExists):
            self._store.create_appendable(path)
        self._number += 1
        self._path, self._length, self._commits, self._opened_at = path, 0, 0, self._clock()
        return path

    def _settle(self, path: str, data: bytes, error: StoreError) -> None:
        """Return where the bytes are stored after all; else raise, with the segment left where need be."""
        held = self._look(path, data)
        if held is _Range.OURS:
            return
        if held is not _Range.EMPTY or isinstance(error, AppendRefused):
            self._on_fence(self._number)
            self._path = None
        raise StoreUnavailable(f"segment {self._number} holds {held.value} at {self._length}") from error

    def _look(self, path: str, data: bytes) -> _Range:
        try:
            size = self._store.size(path)
            if size == self._length:
                return _Range.EMPTY
            if size < self._length + len(data):
                return _Range.FOREIGN
            held = self._store.read(path, self._length, len(data))
        except ObjectMissing:
            return _Range.GONE
        return _Range.OURS if held == data else _Range.FOREIGN

    def _rotate_if_due(self, size: int) -> None:
        """Only before the first attempt at a commit: later, it may be on its way into this segment."""
        if self._path is None or self._opened_at is None or not self._commits:
            return
        age = self._clock() - self._opened_at
        if (
            self._commits >= self._limits.commits
            or self._length + size > self._limits.size_bytes
            or age >= timedelta(seconds=self._limits.age_s)
        ):
            self._path = None
