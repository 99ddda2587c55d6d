"""Copies are the originals, and only what retention allows is ever deleted, with a record that says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest

from shared.errors import ObjectMissing, StoreUnavailable
from shared.ledger.findings import Kind
from shared.ledger.reports import Report
from shared.ledger.segments import segment_path
from shared.ledger.verifier import Question, verify_ledger
from shared.records.model import RetentionRecord
from shared.usecases.rootstore import RootView
from shared.usecases.upkeep.archiving import Archiver
from shared.usecases.upkeep.retention import Sweeper, Swept
from shared.usecases.upkeep.verifying import Verification, verdict_record
from tests.support.ledgers import (
    LOG,
    SERVICE,
    ULIDS,
    Clock,
    SmallLedger,
    Writer,
    sealer_of,
    small_ledger,
    start_writer,
)
from tests.support.worm import WormStore

NEW_WRITER = "01JNC0000000000000000000DD"
KEEP = timedelta(days=30)


class SweptStore(WormStore):
    """A WORM store that the sweeper may delete from once `expires` says so; deletions count as writes."""

    expires: Callable[[str], bool] = staticmethod(lambda path: True)

    def delete(self, path: str) -> None:
        fails = self._write(f"delete {path}")
        if path not in self.objects:
            raise ObjectMissing("no such object")
        if not type(self).expires(path):
            raise StoreUnavailable("the immutability policy has not expired")
        del self.objects[path]
        if fails:
            raise StoreUnavailable("the answer was lost")


def archived(ledger: SmallLedger) -> WormStore:
    """The archive of a ledger that is two days old."""
    ledger.clock.now += timedelta(days=2)
    archive = WormStore()
    Archiver(ledger.store, archive, ledger.clock).run()
    return archive


def check(store: WormStore, clock: Clock, archive: WormStore | None = None) -> Report:
    return verify_ledger(Question(store, (SERVICE.verifier,), clock() + timedelta(hours=1), archive=archive))


# --- archiving ------------------------------------------------------------------------------------------


def test_finished_segments_and_the_root_log_are_copied() -> None:
    """At once: segments that a later one follows, closed ones, the root log. A day later: all the others."""
    ledger = small_ledger()
    archive = WormStore()
    Archiver(ledger.store, archive, ledger.clock).run()
    segments = {path for path in archive.objects if path.startswith("v1/w/")}
    assert segments == {
        segment_path(ULIDS[0], 0),
        segment_path(ULIDS[0], 1),
        segment_path(ULIDS[1], 0),
    }
    assert {p for p in ledger.store.objects if "/root/" in p} == {p for p in archive.objects if "/root/" in p}
    ledger.clock.now += timedelta(days=2)
    done = Archiver(ledger.store, archive, ledger.clock).run()
    assert (done.copied, done.findings) == (2, ())
    assert archive.objects == ledger.store.objects
    assert Archiver(ledger.store, archive, ledger.clock).run().copied == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_archiving_survives_a_failure_of_each_write(when: str) -> None:
    """Each copy in turn is lost before or after it took effect; the next run completes it."""
    total = len(archived(small_ledger()).operations)
    for number in range(1, total + 1):
        ledger = small_ledger()
        ledger.clock.now += timedelta(days=2)
        archive = WormStore(fail_at=number, when=when)
        with pytest.raises(StoreUnavailable):
            Archiver(ledger.store, archive, ledger.clock).run()
        assert Archiver(ledger.store, archive, ledger.clock).run().findings == ()
        assert archive.objects == ledger.store.objects
        assert check(ledger.store, ledger.clock, archive).exit_code == 0
    print(f"{total} writes failed {when} they took effect: the archive is whole")


def test_foreign_bytes_in_the_archive_are_named() -> None:
    """An object that was in the place of a copy is no copy."""
    ledger = small_ledger()
    archive = WormStore({segment_path(ULIDS[0], 0): b"x"})
    done = Archiver(ledger.store, archive, ledger.clock).run()
    assert [finding.kind for finding in done.findings] == [Kind.COPY_DIFFERS]


class Garbling(WormStore):
    """A store that keeps other bytes than it was given."""

    def create(self, path: str, data: bytes) -> None:
        WormStore.create(self, path, data[:-1] + b"?")


def test_a_garbled_copy_is_noticed_at_once() -> None:
    """The digest is checked after copying."""
    ledger = small_ledger()
    done = Archiver(ledger.store, Garbling(), ledger.clock).run()
    assert {finding.kind for finding in done.findings} == {Kind.COPY_DIFFERS}
    assert len(done.findings) == done.copied


# --- retention ------------------------------------------------------------------------------------------


def sweep(
    store: SweptStore, writer: Writer, archive: WormStore | None, kind: Literal["audit", "archive"] = "audit"
) -> Swept:
    """One run of the sweeper, whose records go into a living writer's log."""

    def commit(record: RetentionRecord) -> None:
        writer.commit([record])

    root = RootView(store, LOG, [SERVICE.verifier])
    return Sweeper(store, kind, root, KEEP, commit, writer.service, writer.clock, archive).run()


def aged() -> tuple[SweptStore, WormStore, Writer]:
    """A ledger whose three writers ended sixty days ago, its archive, and a writer of today."""
    ledger = small_ledger()
    archive = archived(ledger)
    store = SweptStore(ledger.store.objects, ledger.store.appendable)
    ledger.clock.now += timedelta(days=60)
    return store, archive, start_writer(store, NEW_WRITER, ledger.clock, seed=30)


def test_expired_logs_are_deleted_with_a_record() -> None:
    """All segments of the three old writers go; the new one and the root log stay; the ledger verifies."""
    store, archive, writer = aged()
    swept = sweep(store, writer, archive)
    assert (swept.writers, swept.objects, swept.findings) == (ULIDS, 5, ())
    assert {path.split("/")[2] for path in store.objects if path.startswith("v1/w/")} == {NEW_WRITER}
    sealer_of(store, writer.clock).run()
    report = check(store, writer.clock)
    assert report.exit_code == 0
    assert [finding.kind for finding in report.findings] == [Kind.EXPIRED] * 3
    assert check(store, writer.clock, archive).findings == ()


def test_nothing_else_is_deleted() -> None:
    """Young logs, logs that are not archived byte for byte, unsealed ones: kept."""
    ledger = small_ledger()
    store = SweptStore(ledger.store.objects, ledger.store.appendable)
    writer = start_writer(store, NEW_WRITER, ledger.clock, seed=30)
    before = set(store.objects)
    assert sweep(store, writer, archived(ledger)).writers == ()
    assert set(store.objects) == before

    store, archive, writer = aged()
    path = segment_path(ULIDS[0], 1)
    archive.objects[path] = archive.objects[path][:-1] + b"?"
    del archive.objects[segment_path(ULIDS[1], 0)]
    swept = sweep(store, writer, archive)
    assert swept.writers == (ULIDS[2],)
    assert [finding.kind for finding in swept.findings] == [Kind.COPY_DIFFERS] * 2

    store, archive, writer = aged()
    late = start_writer(store, "01JNC0000000000000000000EE", Clock(), seed=40)
    late.access(1)
    assert "01JNC0000000000000000000EE" not in sweep(store, writer, archive).writers


def test_the_platforms_lock_is_respected() -> None:
    """Where storage refuses a deletion, the log stays, and the run says so."""
    store, archive, writer = aged()

    class Locked(SweptStore):
        expires = staticmethod(lambda path: ULIDS[1] not in path)

    locked = Locked(store.objects, store.appendable)
    writer.store = locked
    swept = sweep(locked, writer, archive)
    assert swept.writers == (ULIDS[0], ULIDS[2])
    assert len(swept.findings) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_sweeping_survives_a_failure_of_each_write(when: str) -> None:
    """Each write in turn (records and deletions) fails: the ledger verifies, and the next run goes on."""
    number = 0
    while True:
        number += 1
        store, archive, writer = aged()
        start = len(store.operations)
        store.fail_at, store.when = start + number, when
        try:
            sweep(store, writer, archive)
            failed = len(store.operations) >= start + number
        except StoreUnavailable:
            failed = True
            writer.length = len(store.objects[segment_path(NEW_WRITER, 0)])
            if when == "after":
                continue  # the record's own commit: what became of it is the writer's business, tested there
        if not failed:
            break
        sealer_of(store, writer.clock).run()
        assert check(store, writer.clock, archive).exit_code == 0
        assert check(store, writer.clock).exit_code == 0
        sweep(store, writer, archive)
        assert not any(ULIDS[0] in path or ULIDS[1] in path for path in store.objects)
        sealer_of(store, writer.clock).run()
        assert check(store, writer.clock).exit_code == 0
    assert number > 5
    print(f"{number - 1} writes failed {when} they took effect: nothing lost, nothing doubtful")


def test_a_deletion_without_its_record_is_theft() -> None:
    """The same objects gone, and no record of retention."""
    store, _, writer = aged()
    for path in list(store.objects):
        if ULIDS[0] in path:
            del store.objects[path]
    sealer_of(store, writer.clock).run()
    assert [f.kind for f in check(store, writer.clock).findings] == [Kind.WRITER_MISSING]


# --- the service's own verification ---------------------------------------------------------------------


class Notebook:
    """Keeps the bytes in memory."""

    def __init__(self) -> None:
        self.data: bytes | None = None

    def load(self) -> bytes | None:
        return self.data

    def save(self, data: bytes) -> None:
        self.data = data


def test_verification_goes_on_where_it_ended() -> None:
    """The second night reads what is new; a full one reads everything; the verdict is a record."""
    ledger = small_ledger()
    notebook = Notebook()
    nightly = Verification(ledger.store, ledger.keys, notebook, ledger.clock)
    assert nightly.run().records == 13
    ledger.writers[1].access(2)
    sealer_of(ledger.store, ledger.clock).run()
    report = nightly.run()
    assert (report.records, report.since, report.exit_code) == (2, 8, 0)
    assert nightly.run(is_full=True).records == 15
    record = verdict_record(report, ledger.writers[1].service)
    assert (record.verdict, record.findings, record.root_size) == ("intact", {}, 9)
    ledger.writers[1].commit([record])


def test_a_changed_notebook_only_costs_time() -> None:
    """Junk, another log's checkpoint: everything is read again. A newer checkpoint than here: rollback."""
    ledger = small_ledger()
    notebook = Notebook()
    nightly = Verification(ledger.store, ledger.keys, notebook, ledger.clock)
    for junk in (b"", b"junk", ledger.writers[0].notes[0].encode()):
        notebook.data = junk
        assert nightly.run().records == 13
    notebook.data = ledger.sealings[-1].checkpoint
    for path in [path for path in ledger.store.objects if path.endswith(("/000000000005", "0000008", "p/8"))]:
        if "batch" in path or "checkpoint/000000000008" in path or path.endswith("p/8"):
            del ledger.store.objects[path]
    report = nightly.run()
    assert Kind.ROLLBACK in {finding.kind for finding in report.findings}
    verdict = verdict_record(report, ledger.writers[1].service)
    assert verdict.verdict == "findings"
    assert verdict.findings["rollback"] >= 1
