"""The commit thread's work: take what waits, make one commit of it, store it, tell the callers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.errors import AuditUnavailable, RecordTooLarge, StoreError
from shared.ledger.bodies import PLACE_BYTES, RecordBody, encode_record
from shared.ledger.commitproofs import prove_committed
from shared.ledger.segments import MAX_COMMIT_BYTES
from shared.ledger.writer import Commit, WriterLog
from shared.records.canonical import MAX_LINE_BYTES, format_time
from shared.records.model import ApprovalRecord, ClosedRecord, GapRecord, Record, ServicePart, WithheldRecord
from shared.usecases.commits.observing import CommitObserver, StoredCommit
from shared.usecases.commits.queue import CommitQueue, Entry, Gap, State
from shared.usecases.commits.rewriting import count_calls, is_withheld, rewrite_unanswered
from shared.usecases.commits.segment_writing import Persist, SegmentWriter
from shared.usecases.ports import Clock, Receipt

OWN_BYTES = 256 * 1024
"""Room in a commit for the writer's own records and the checkpoint."""

WITHHELD_INDEXES = 3_000
"""Indexes in one `withheld` record: at most 17 bytes each."""

WITHHELD_RECORDS = 4
"""`withheld` records in one commit; more wait for the next."""


@dataclass(frozen=True, slots=True)
class Item:
    """A record with its bytes, and who waits for it (nobody, for the writer's own records)."""

    record: Record
    body: RecordBody
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Staged:
    """A commit and what it is made of. Once offered to storage, it is stored or nothing else ever is."""

    items: tuple[Item, ...]
    commit: Commit


class CommitLoop:
    """Makes commits, one after the other. Runs on one thread; `failing_since_ns` may be read by others."""

    def __init__(
        self,
        log: WriterLog,
        segments: SegmentWriter,
        queue: CommitQueue,
        service: ServicePart,
        clock: Clock,
        observer: CommitObserver,
        backoff_s: Callable[[int], float],
    ) -> None:
        self._backoff_s = backoff_s
        self._log = log
        self._segments = segments
        self._queue = queue
        self._service = service
        self._clock = clock
        self._observer = observer
        self._withheld: list[int] = []
        self.stop = threading.Event()
        """Set to end the loop without its last record, at the next failure."""
        self.failing_since_ns: int | None = None
        """When storage began to fail (monotonic); None while it takes commits."""
        self.under_way_since_ns: int | None = None
        """When the commit under way was first offered to storage (monotonic); None between commits."""

    def run(self) -> None:
        """Until the queue is closed and everything is stored. Raises StoreError when stopped before that."""
        while True:
            taken = self._queue.take(MAX_COMMIT_BYTES - OWN_BYTES, block=not self._withheld)
            if taken is None and not self._withheld:
                break
            entries, gap = taken or ([], None)
            try:
                items = [*self._own_items(gap), *self._items_of(entries)]
                if items:
                    self.store(self.stage(items), self._persist)
            except BaseException:
                # Closed before anybody hears of it: who is refused finds the ledger refusing everyone.
                self._queue.close()
                fail_entries(self._queue, entries)
                raise
        closed = ClosedRecord(time=format_time(self._clock()), service=self._service)
        self.store(self.stage([Item(closed, encode_record(closed))]), self._persist)

    def stage(self, items: Sequence[Item]) -> Staged:
        """The commit of these records. Changes nothing."""
        return Staged(tuple(items), self._log.stage([item.body for item in items]))

    def store(self, staged: Staged, persist: Persist) -> None:
        """Return once the commit is stored and its callers know. Raises StoreError when `persist` ends it."""
        started_ns = self.under_way_since_ns = time.monotonic_ns()
        attempts = 1

        def counted(attempt: int, error: StoreError) -> bool:
            nonlocal attempts
            attempts = attempt + 2
            return persist(attempt, error)

        self._segments.write(staged.commit.data, counted)
        stored_ns = time.monotonic_ns()
        self._log.accept(staged.commit)
        self.failing_since_ns = self.under_way_since_ns = None
        entries = [item.entry for item in staged.items if item.entry is not None]
        self._queue.settle(entries)
        self._deliver(staged)
        self._observer.on_stored(
            StoredCommit(
                writer=self._service.writer,
                first=staged.commit.first,
                records=tuple(item.record for item in staged.items),
                checkpoint=staged.commit.checkpoint,
                size_bytes=len(staged.commit.data),
                store_us=(stored_ns - started_ns) // 1_000,
                attempts=attempts,
                longest_wait_us=max([(stored_ns - entry.since_ns) // 1_000 for entry in entries], default=0),
                waiting=len(self._queue),
            )
        )

    def _persist(self, attempt: int, error: StoreError) -> bool:
        self._observer.on_failure(error.code)
        if attempt and self.failing_since_ns is None:
            # The first failure may be a connection that the other side had closed: repeated at once.
            self.failing_since_ns = time.monotonic_ns()
        return not self.stop.wait(self._backoff_s(attempt))

    def _own_items(self, gap: Gap | None) -> list[Item]:
        now = format_time(self._clock())
        records: list[Record] = []
        for _ in range(WITHHELD_RECORDS):
            indexes, self._withheld = self._withheld[:WITHHELD_INDEXES], self._withheld[WITHHELD_INDEXES:]
            if indexes:
                records.append(WithheldRecord(time=now, records=tuple(indexes), service=self._service))
        if gap is not None:
            since = format_time(gap.since)
            records.append(GapRecord(time=now, since=since, count=gap.count, service=self._service))
        return [Item(record, encode_record(record)) for record in records]

    def _items_of(self, entries: Iterable[Entry]) -> list[Item]:
        items = []
        for entry in entries:
            if entry.state is not State.GIVEN_UP:
                items.append(Item(entry.record, entry.body, entry))
                continue
            record = rewrite_unanswered(entry.record, entry.waited_us)
            try:
                items.append(Item(record, encode_record(record, MAX_LINE_BYTES - PLACE_BYTES), entry))
            except RecordTooLarge:
                self._queue.add_gap(count_calls(record))
        return items

    def _deliver(self, staged: Staged) -> None:
        """Give receipts to those who wait, with one wake-up for each event loop; note what came too late."""
        ready: dict[asyncio.AbstractEventLoop, list[tuple[Entry, Receipt]]] = {}
        for index, item in enumerate(staged.items, staged.commit.first):
            entry = item.entry
            if entry is None:
                continue
            if entry.state is State.STORED:
                checkpoint, proof = staged.commit.checkpoint, _prove(staged.commit, index, item.record)
                receipt = Receipt(self._service.writer, index, checkpoint, proof)
                ready.setdefault(entry.loop, []).append((entry, receipt))
            elif entry.state is State.LOST and is_withheld(item.record):
                self._withheld.append(index)
        for loop, receipts in ready.items():
            # A loop that is closed has nobody left who waits: the records are stored all the same.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_hand_out, receipts)


def _prove(commit: Commit, index: int, record: Record) -> bytes | None:
    """The proof of a record that is looked up while calls wait for it: a step of an approval."""
    return prove_committed(commit, index).to_bytes() if isinstance(record, ApprovalRecord) else None


def backoff_s(attempt: int) -> float:
    """Seconds to wait after the failed attempt of this number: 0, then 20 ms doubling up to half a second."""
    return min(0.5, 0.02 * 2 ** min(attempt - 1, 10)) if attempt else 0.0


def fail_entries(queue: CommitQueue, entries: Iterable[Entry]) -> None:
    """Tell those who wait that nothing will be stored any more."""
    for entry in entries:
        if queue.give_up(entry):
            with contextlib.suppress(RuntimeError):  # a closed loop: nobody waits
                entry.loop.call_soon_threadsafe(_refuse, entry)


def _hand_out(receipts: Iterable[tuple[Entry, Receipt]]) -> None:
    for entry, receipt in receipts:
        if entry.timer is not None:
            entry.timer.cancel()
        if not entry.future.done():
            entry.future.set_result(receipt)


def _refuse(entry: Entry) -> None:
    if entry.timer is not None:
        entry.timer.cancel()
    if not entry.future.done():
        entry.future.set_exception(AuditUnavailable("the ledger was closed before the record was stored"))
