"""The queue between those who wait for a commit and the one thread that makes commits.

What became of an entry is decided here, under one lock, so that "answered 503" and "stored as 200" can never
both be true without the ledger saying so:

    WAITING --take--> TAKEN --settle--> STORED        the caller gets a receipt
    WAITING --give_up--> GIVEN_UP                     the record is rewritten to a 503 before it is stored
    TAKEN --give_up--> LOST --settle-->               stored as it was: a `withheld` record will name it
    (queue full)                                      not kept: a `gap` record will count it
"""

from __future__ import annotations

import asyncio
import enum
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import AuditUnavailable
from shared.ledger.bodies import PLACE_BYTES, REWRITE_BYTES, RecordBody
from shared.records.model import Record
from shared.usecases.ports import Clock, Receipt

ENTRY_BYTES = PLACE_BYTES + REWRITE_BYTES + 1
"""The most that a body grows by on its way into a commit."""


class State(enum.Enum):
    """Where an entry is: see the module's drawing."""

    WAITING = enum.auto()
    GIVEN_UP = enum.auto()
    TAKEN = enum.auto()
    LOST = enum.auto()
    STORED = enum.auto()


@dataclass(slots=True, eq=False)
class Entry:
    """One record on its way, and the future that its caller awaits on `loop`."""

    record: Record
    body: RecordBody
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Receipt]
    since_ns: int = field(default_factory=time.monotonic_ns)
    waited_us: int = 0
    state: State = State.WAITING
    timer: asyncio.TimerHandle | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """How many answered calls left no record since when."""

    since: datetime
    count: int


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """At most so many records and bytes of records wait; a caller beyond that is refused at once."""

    records: int = 4_096
    size_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Linger:
    """How long a commit waits for company, as PostgreSQL's commit_delay and commit_siblings.

    It waits at most `delay_ms`, and only while at least `siblings` other calls are in flight that may still
    bring a record. A lone call never waits.
    """

    delay_ms: int = 0
    siblings: int = 5


class CommitQueue:
    """Thread-safe. `calls_in_flight` counts the calls that have come and not been answered."""

    def __init__(
        self, limits: QueueLimits, linger: Linger, clock: Clock, calls_in_flight: Callable[[], int]
    ) -> None:
        self._limits = limits
        self._linger = linger
        self._clock = clock
        self._calls_in_flight = calls_in_flight
        self._entries: deque[Entry] = deque()
        self._size_bytes = 0
        self._gap: Gap | None = None
        self._closed = True
        self._changed = threading.Condition(threading.Lock())
        self._wake_at = 1

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """Bytes of the records that wait."""
        return self._size_bytes

    @property
    def is_open(self) -> bool:
        """True while entries are taken."""
        return not self._closed

    def open(self) -> None:
        """Take entries from now on."""
        with self._changed:
            self._closed = False

    def close(self) -> None:
        """Take no more entries; those that wait are still given out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def put(self, entry: Entry, calls: int) -> None:
        """Add an entry that stands for so many answered calls. Raises AuditUnavailable (closed or full)."""
        with self._changed:
            if self._closed:
                raise AuditUnavailable("the ledger is not open, so the call cannot be recorded")
            size = self._size_bytes + entry.body.size
            if len(self._entries) >= self._limits.records or size > self._limits.size_bytes:
                self._add_gap(calls)
                raise AuditUnavailable("too many records wait for storage, so the call cannot be recorded")
            self._entries.append(entry)
            self._size_bytes = size
            if len(self._entries) >= self._wake_at:
                self._changed.notify()

    def give_up(self, entry: Entry) -> bool:
        """The caller waits no longer. False where the record is stored already: then it has its receipt."""
        with self._changed:
            if entry.state is State.STORED:
                return False
            if entry.state in (State.WAITING, State.TAKEN):
                entry.waited_us = (time.monotonic_ns() - entry.since_ns) // 1_000
                entry.state = State.GIVEN_UP if entry.state is State.WAITING else State.LOST
            return True

    def take(self, most_bytes: int, *, block: bool) -> tuple[list[Entry], Gap | None] | None:
        """The next entries, oldest first, that fit into so many bytes, and the gap to be reported.

        Waits for the first entry where `block` is set. None once the queue is closed and empty.
        """
        with self._changed:
            while block and not self._entries and self._gap is None and not self._closed:
                self._wake_at = 1
                self._changed.wait()
            self._wait_for_company(most_bytes)
            taken = self._pop(most_bytes)
            gap, self._gap = self._gap, None
            if not taken and gap is None and self._closed:
                return None
            return taken, gap

    def settle(self, taken: Iterable[Entry]) -> None:
        """These are stored now. Entries that were lost stay LOST, rewritten ones GIVEN_UP."""
        with self._changed:
            for entry in taken:
                if entry.state is State.TAKEN:
                    entry.state = State.STORED

    def add_gap(self, calls: int) -> None:
        """So many calls are answered 503 whose records cannot be kept."""
        with self._changed:
            self._add_gap(calls)
            self._changed.notify()

    def drop_all(self) -> list[Entry]:
        """Give up on everything that waits, because nothing will be stored any more."""
        with self._changed:
            self._closed = True
            dropped = list(self._entries)
            self._entries.clear()
            self._size_bytes = 0
            return dropped

    def _add_gap(self, calls: int) -> None:
        if calls:
            since, count = (self._gap.since, self._gap.count) if self._gap else (self._clock(), 0)
            self._gap = Gap(since, count + calls)

    def _wait_for_company(self, most_bytes: int) -> None:
        if not self._linger.delay_ms or not self._entries:
            return
        until = time.monotonic() + self._linger.delay_ms / 1_000
        while not self._closed and self._size_bytes < most_bytes:
            missing = self._calls_in_flight() - len(self._entries)
            left_s = until - time.monotonic()
            if missing < self._linger.siblings or left_s <= 0:
                return
            self._wake_at = len(self._entries) + missing - self._linger.siblings + 1
            self._changed.wait(left_s)

    def _pop(self, most_bytes: int) -> list[Entry]:
        taken: list[Entry] = []
        room = most_bytes
        while self._entries and (room := room - self._entries[0].body.size - ENTRY_BYTES) >= 0:
            entry = self._entries.popleft()
            self._size_bytes -= entry.body.size
            if entry.state is State.WAITING:
                entry.state = State.TAKEN
            taken.append(entry)
        return taken
