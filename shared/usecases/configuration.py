"""The configuration that a process runs, in the ledger: a snapshot, its digest in the genesis, what changed.

The genesis of every writer names the snapshot of what it runs, under the service key's signature. A process
that starts compares with the newest writer before it that named one (`predecessor`): where that ran another
configuration, a `config` record says what differs. It is committed in one append with the genesis, so there
is no moment at which one is there without the other; the snapshot is stored before. Two processes that start
at once may both say the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.configuration.changes import list_changes
from shared.configuration.differences import find_differences
from shared.configuration.snapshots import Snapshot, parse_snapshot
from shared.errors import LedgerError, ObjectExists, ObjectMissing
from shared.ledger.notes import VerifierKey
from shared.ledger.sideobjects import snapshot_path_of
from shared.records.canonical import format_time
from shared.records.governance import ChangePart, CommitPart, ConfigRecord
from shared.records.model import EnginePart, ServicePart
from shared.usecases.ports import Clock, LedgerStore, Reader
from shared.usecases.predecessors import find_predecessor

logger = logging.getLogger("presidio_access.configuration")


@dataclass(frozen=True, slots=True)
class Running:
    """What a process runs. `policy` is the policy's digest."""

    snapshot: Snapshot
    commit: CommitPart | None
    policy: str
    engine: EnginePart
    service: ServicePart


class OpeningConfiguration:
    """The records that stand beside a genesis: one where the configuration is another than before."""

    def __init__(
        self,
        store: LedgerStore,
        log: str,
        trusted: Callable[[], Collection[VerifierKey]],
        running: Running,
        clock: Clock,
    ) -> None:
        """`trusted` gives the service's keys, under which a predecessor's genesis must hold."""
        self._store = store
        self._log = log
        self._trusted = trusted
        self._running = running
        self._clock = clock

    def __call__(self) -> Sequence[ConfigRecord]:
        """Store the snapshot, compare with the predecessor's. Raises StoreError, KeysUnavailable."""
        keep_snapshot(self._store, self._running.snapshot)
        now = self._clock()
        previous = find_predecessor(self._store, self._log, self._trusted(), now)
        if previous == self._running.snapshot.digest:
            return ()
        changes, more = self._changes_since(previous)
        return (
            config_record(
                self._running,
                format_time(now),
                "in_force",
                self._running.snapshot.digest,
                previous,
                (changes, more),
                self._running.commit,
            ),
        )

    def _changes_since(self, previous: str | None) -> tuple[tuple[ChangePart, ...], int]:
        if previous is None:
            logger.info("no configuration in the ledger to compare with: this one is the baseline")
            return (), 0
        try:
            before = read_snapshot(self._store, previous)
        except (ObjectMissing, LedgerError) as error:
            logger.error("the snapshot of the configuration before cannot be read: %s", type(error).__name__)
            return (_unreadable(previous, self._running.snapshot.digest),), 0
        return list_changes(find_differences(before.content, self._running.snapshot.content))


def config_record(
    running: Running,
    time: str,
    state: Literal["in_force", "on_disk"],
    configuration: str,
    previous: str | None,
    changes: tuple[tuple[ChangePart, ...], int],
    commit: CommitPart | None,
) -> ConfigRecord:
    """The record of a configuration; `policy` and `engine` in it are always those in force."""
    return ConfigRecord(
        time=time,
        state=state,
        configuration=configuration,
        previous=previous,
        changes=changes[0],
        more_changes=changes[1],
        commit=commit,
        policy=running.policy,
        engine=running.engine,
        service=running.service,
    )


def keep_snapshot(store: LedgerStore, snapshot: Snapshot) -> None:
    """Store a snapshot under its digest, once. Raises StoreError.

    Other bytes under that name are a forgery that nobody can remove while retention lasts. The service starts
    all the same, or one object would keep it down for as long; the verifier names it (`ledger-tampered`).
    """
    path = snapshot_path_of(snapshot.digest)
    try:
        store.create(path, snapshot.data)
    except ObjectExists:
        if store.read(path) != snapshot.data:
            logger.critical("other bytes stand where this configuration's snapshot belongs: %s", path)


def read_snapshot(reader: Reader, digest: str) -> Snapshot:
    """A stored snapshot. Raises ObjectMissing, StoreUnavailable, MalformedLedger (other bytes)."""
    return parse_snapshot(reader.read(snapshot_path_of(digest)), digest)


def _unreadable(previous: str, digest: str) -> ChangePart:
    """Said where the snapshot before is lost: that something changed, if not what."""
    return ChangePart(part="policy", path="(snapshot)", action="changed", old=previous, new=digest)
