"""The committer: records of many calls into one writer's log, and a receipt for each.

One thread makes commits, one at a time: what waits goes into one append (group commit). A caller awaits the
commit of its own record, up to a deadline; when that passes the caller is answered 503, and the ledger will
say so (`commit_queue`). No commit is given up while the process lives: the one under way is repeated until
storage takes it, so the service recovers by itself.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.errors import (
    AuditUnavailable,
    ObjectMissing,
    RecordTooLarge,
    SettingsError,
    StoreDenied,
    StoreError,
)
from shared.ledger.bodies import encode_record
from shared.ledger.segments import SegmentLimits
from shared.ledger.writer import WriterLog
from shared.records.model import Record
from shared.usecases.commits.loop import CommitLoop, Item, Staged, backoff_s, fail_entries
from shared.usecases.commits.observing import CommitCounts, CommitObserver
from shared.usecases.commits.queue import CommitQueue, Entry, Linger, QueueLimits, State
from shared.usecases.commits.rewriting import count_calls
from shared.usecases.commits.segment_writing import Persist, SegmentWriter
from shared.usecases.commits.writers import Writer
from shared.usecases.ports import Clock, LedgerStore, NoteSigner, Receipt

logger = logging.getLogger("presidio_access.ledger")

CONTAINER_SETTING = "AUDIT_CONTAINER"


@dataclass(frozen=True, slots=True)
class CommitOptions:
    """How long is waited for what, and how much is kept meanwhile."""

    deadline_ms: int = 5_000
    open_timeout_ms: int = 5_000
    close_timeout_ms: int = 5_000
    backoff_s: Callable[[int], float] = backoff_s
    linger: Linger = field(default_factory=Linger)
    queue: QueueLimits = field(default_factory=QueueLimits)
    segments: SegmentLimits = field(default_factory=SegmentLimits)


class Committer:
    """The `Ledger` of a process. `commit` may be awaited on any event loop, on several at once."""

    def __init__(
        self,
        store: LedgerStore,
        writer: Writer,
        signers: Sequence[NoteSigner],
        clock: Clock,
        options: CommitOptions | None = None,
        observer: CommitObserver | None = None,
        calls_in_flight: Callable[[], int] = lambda: 0,
        opening: Callable[[], Sequence[Record]] = tuple,
    ) -> None:
        """`signers` are the service's keys, which attest the genesis. Touches neither store nor signers.

        `opening` gives the records that are committed together with the genesis. It is called by `open`, may
        use the store, and is called again where that fails.

        `calls_in_flight` counts calls that have come and not been answered, those that wait for a commit
        included; it is called under a lock, so it must only read. Without it no commit waits for company.
        """
        self._options = options or CommitOptions()
        self._observer = observer or CommitCounts()
        self._writer = writer
        self._signers = tuple(signers)
        self._clock = clock
        self._opening = opening
        self._log = WriterLog(writer.log, writer.service.writer, writer.key)
        self._queue = CommitQueue(self._options.queue, self._options.linger, clock, calls_in_flight)
        segments = SegmentWriter(
            store, writer.service.writer, clock, self._options.segments, self._observer.on_fence
        )
        self._loop = CommitLoop(
            self._log, segments, self._queue, writer.service, clock, self._observer, self._options.backoff_s
        )
        self._genesis: Staged | None = None
        self._thread: threading.Thread | None = None
        self._is_orderly = False
        self._starting = threading.Lock()

    @property
    def vkey(self) -> str:
        """The writer's verifier key."""
        return self._log.vkey

    @property
    def waiting(self) -> int:
        """Records that wait for their commit."""
        return len(self._queue)

    def open(self) -> None:
        """Commit the genesis and begin to take records. Blocks up to `open_timeout_ms`; may be repeated.

        Raises SettingsError where the container is missing or refuses the credential, AuditUnavailable where
        storage does not answer in time, KeysUnavailable where a service key does not sign.
        """
        with self._starting:
            if self._thread is not None:
                return
            persist = self._persist_opening()
            try:
                if self._genesis is None:
                    self._genesis = self._stage_opening(persist)
                self._loop.store(self._genesis, persist)
            except StoreError as error:
                raise _opening_error(error) from error
            self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
            self._queue.open()
            self._thread.start()

    async def commit(self, record: Record) -> Receipt:
        """Return the record's receipt once it is stored.

        Raises AuditUnavailable when the deadline passes, and at once where that is certain: storage has
        been away for a whole deadline, too many records wait, the ledger is not open, or the record is beyond
        what a line can carry. The ledger accounts for each of these calls (but the not open).
        Cancelling the awaiting task does not cancel the commit.
        """
        try:
            body = encode_record(record)
        except (RecordTooLarge, ValueError) as error:
            logger.error("a record of type %s cannot be written: %s", record.type, type(error).__name__)
            self._queue.add_gap(count_calls(record))
            raise self._unrecorded("not_kept", "the record cannot be written") from error
        loop = asyncio.get_running_loop()
        entry = Entry(record, body, loop, loop.create_future())
        if self._is_hopeless():
            entry.state = State.GIVEN_UP
        try:
            self._queue.put(entry, count_calls(record))
        except AuditUnavailable:
            self._observer.on_unrecorded("not_kept")
            raise
        if entry.state is State.GIVEN_UP:
            raise self._unrecorded("storage_away", "storage has not taken records for a while")
        entry.timer = loop.call_later(self._options.deadline_ms / 1_000, self._expire, entry)
        return await entry.future

    def is_writable(self) -> bool:
        """False before `open`, after `close`, and while storage does not take commits."""
        is_running = self._thread is not None and self._thread.is_alive() and self._queue.is_open
        return is_running and self._loop.failing_since_ns is None and not self._is_hopeless()

    def close(self) -> bool:
        """Take no more records, store those that wait, and end the log with its `closed` record.

        Blocks up to `close_timeout_ms`; then whoever still waits is told that nothing was stored, and the log
        ends without `closed`, as after a crash. True where it ended in order. May be repeated.
        """
        self._queue.close()
        if self._thread is None:
            return True
        self._thread.join(self._options.close_timeout_ms / 1_000)
        if self._thread.is_alive():
            self._loop.stop.set()
            fail_entries(self._queue, self._queue.drop_all())
        return self._is_orderly

    def _stage_opening(self, persist: Persist) -> Staged:
        """The first commit: genesis, and what stands beside it. Raises StoreError, KeysUnavailable."""
        record = self._writer.genesis(self._log.vkey, self._clock(), self._signers)
        attempt = 0
        while True:
            try:
                records = (record, *self._opening())
            except StoreError as error:
                if not persist(attempt, error):
                    raise
                attempt += 1
            else:
                return self._loop.stage([Item(each, encode_record(each)) for each in records])

    def _run(self) -> None:
        try:
            self._loop.run()
            self._is_orderly = True
        except StoreError:
            logger.error("the ledger was closed while storage was away: its log ends without a last record")
        except Exception as error:  # noqa: BLE001 - a defect: nothing may be answered as stored any more
            logger.critical("the committer ended: %s", type(error).__name__)
        finally:
            fail_entries(self._queue, self._queue.drop_all())

    def _expire(self, entry: Entry) -> None:
        """The deadline has passed. A record that is stored already has its receipt on the way."""
        if self._queue.give_up(entry) and not entry.future.done():
            entry.future.set_exception(
                self._unrecorded("deadline", f"not stored within {self._options.deadline_ms} ms")
            )

    def _is_hopeless(self) -> bool:
        """True where storage has kept one commit waiting for a whole deadline: no use to wait for another."""
        since_ns = self._loop.under_way_since_ns
        return since_ns is not None and time.monotonic_ns() - since_ns > self._options.deadline_ms * 1_000_000

    def _unrecorded(self, reason: str, message: str) -> AuditUnavailable:
        self._observer.on_unrecorded(reason)
        return AuditUnavailable(message)

    def _persist_opening(self) -> Persist:
        until = time.monotonic() + self._options.open_timeout_ms / 1_000

        def persist(attempt: int, error: StoreError) -> bool:
            self._observer.on_failure(error.code)
            if isinstance(error, ObjectMissing | StoreDenied) or time.monotonic() > until:
                return False
            return not self._loop.stop.wait(self._options.backoff_s(attempt))

        return persist


def _opening_error(error: StoreError) -> SettingsError | AuditUnavailable:
    match error:
        case ObjectMissing():
            return SettingsError(
                CONTAINER_SETTING, "the container does not exist; create it before the start"
            )
        case StoreDenied():
            return SettingsError(CONTAINER_SETTING, f"the container cannot be written: {error.message}")
        case _:
            return AuditUnavailable(f"the first record could not be stored: {error.message}")
