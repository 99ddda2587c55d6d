"""Objects beside the logs in archive and retention: copied at once, kept, or gone with their logs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import pytest

from shared.ledger.checkpoints import Checkpoint, parse_checkpoint
from shared.ledger.findings import Kind
from shared.ledger.notes import parse_note
from shared.ledger.segments import segment_path
from shared.ledger.sideobjects import ClaimKind, approval_key, claim_path, is_side_path
from shared.ledger.verifier import Question, verify_ledger
from shared.records.model import RetentionRecord
from shared.usecases.rootstore import RootView
from shared.usecases.upkeep.archiving import Archiver
from shared.usecases.upkeep.retention import Sweeper, Swept
from shared.usecases.upkeep.verifying import Verification
from tests.support.expiring import ExpiringStore
from tests.support.ledgers import LOG, SERVICE, ULIDS, Writer, sealer_of, start_writer
from tests.support.side_ledger import REVIEW, SideLedger, check, side_ledger
from tests.support.tampering import kinds
from tests.support.worm import WormStore

NEW_WRITER = "01JNC0000000000000000000DD"
KEEP = timedelta(days=30)


@dataclass(slots=True)
class Aged:
    """A ledger that is two months old, whole in its archive, and a writer of today."""

    store: ExpiringStore
    archive: ExpiringStore
    ledger: SideLedger
    writer: Writer

    def sweep(self, kind: Literal["audit", "archive"]) -> Swept:
        """One run over one store; its records go into the log of today."""
        root = RootView(self.store, LOG, [SERVICE.verifier])
        place = self.store if kind == "audit" else self.archive
        archive = self.archive if kind == "audit" else None

        def commit(record: RetentionRecord) -> None:
            self.writer.commit([record])

        return Sweeper(place, kind, root, KEEP, commit, self.writer.service, self.writer.clock, archive).run()

    def seal(self) -> None:
        """As the timer does."""
        sealer_of(self.store, self.writer.clock).run()

    def found(self, archive: WormStore | None) -> list[Kind]:
        """What an auditor finds, sorted."""
        report = check(self.store, archive, clock=self.writer.clock, after=timedelta(hours=1))
        assert report.exit_code == 0, report.findings
        return sorted(finding.kind for finding in report.findings)


def aged() -> Aged:
    """The side ledger, its writers ended, archived, and sixty days later."""
    ledger = side_ledger()
    ledger.clock.now += timedelta(days=2)
    Archiver(ledger.store, ledger.archive, ledger.clock).run()
    ledger.clock.now += timedelta(days=60)
    store = ExpiringStore(ledger.store.objects, ledger.store.appendable)
    archive = ExpiringStore(ledger.archive.objects, ledger.archive.appendable)
    return Aged(store, archive, ledger, start_writer(store, NEW_WRITER, ledger.clock, seed=30))


def side_paths(store: WormStore) -> set[str]:
    return {path for path in store.objects if is_side_path(path)}


# --- archiving ----------------------------------------------------------------------------------------


def test_snapshots_and_claims_are_archived_at_once() -> None:
    """They never change: the next run copies them, byte for byte, and no report into the first store."""
    ledger = side_ledger()
    copied = {path for path in side_paths(ledger.archive) if not path.startswith("v1/reviews/")}
    assert copied == side_paths(ledger.store)
    assert len(copied) == 15
    assert all(ledger.archive.objects[path] == ledger.store.objects[path] for path in copied)


def test_foreign_objects_are_not_archived() -> None:
    """What has no shape of ours stays where somebody put it."""
    ledger = side_ledger()
    for path in (
        "v1/config/readme",
        "v1/once/x/y.json",
        "v1/once/approval/x.json",
        "v1/reviews/x/report.json",
    ):
        ledger.store.objects[path] = b"junk"
    assert Archiver(ledger.store, ledger.archive, ledger.clock).run().copied == 0


# --- retention ----------------------------------------------------------------------------------------


def test_the_first_store_keeps_snapshots_and_claims() -> None:
    """When the logs have gone to the archive, approvals stay used up, and nothing is called missing."""
    it = aged()
    before = side_paths(it.store)
    assert it.sweep("audit").writers == ULIDS[:2]
    it.seal()
    assert side_paths(it.store) == before
    assert it.found(None) == [Kind.EXPIRED] * 2
    assert it.found(it.archive) == []


def test_reports_go_with_the_log_that_names_them() -> None:
    """From the archive, in the same sweep, before the log; snapshots and claims stay."""
    it = aged()
    it.sweep("audit")
    start = len(it.archive.operations)
    swept = it.sweep("archive")
    assert (swept.writers, swept.objects, swept.findings) == (ULIDS[:2], 2 + 3, ())
    deleted = [name.removeprefix("delete ") for name in it.archive.operations[start:]]
    assert deleted[:4] == [
        *(f"v1/reviews/{REVIEW}/report.{form}" for form in ("csv", "html", "json")),
        segment_path(ULIDS[0], 0),
    ]
    it.seal()
    assert side_paths(it.archive) == side_paths(it.store)
    assert it.found(it.archive) == [Kind.EXPIRED] * 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_sweep_leaves_no_doubt(when: str) -> None:
    """Each deletion in the archive fails once in turn: the ledger is intact, and the next sweep goes on."""
    number = 0
    while True:
        number += 1
        it = aged()
        it.sweep("audit")
        it.archive.fail_at, it.archive.when = len(it.archive.operations) + number, when
        swept = it.sweep("archive")
        if not swept.findings and len(it.archive.operations) < it.archive.fail_at:
            break
        it.seal()
        assert set(it.found(it.archive)) <= {Kind.EXPIRED}
        it.sweep("archive")
        it.seal()
        assert not any(path.startswith(("v1/w/", "v1/reviews/")) for path in it.archive.objects)
        assert it.found(it.archive) == [Kind.EXPIRED] * 2
    assert number == 6


def test_a_log_that_cannot_be_read_is_kept_with_its_reports() -> None:
    """Evidence that is broken is not deleted: it is named."""
    it = aged()
    it.sweep("audit")
    path = segment_path(ULIDS[0], 0)
    it.archive.objects[path] = b"x" + it.archive.objects[path][1:]
    swept = it.sweep("archive")
    assert swept.writers == ULIDS[1:2]
    assert [finding.kind for finding in swept.findings] == [Kind.MALFORMED]
    assert f"v1/reviews/{REVIEW}/report.json" in it.archive.objects


def test_an_old_claim_still_stops_a_replay() -> None:
    """A claim of an approval whose log has expired is no foreign object; altered, it is found."""
    it = aged()
    it.sweep("audit")
    it.seal()
    path = claim_path(ClaimKind.APPROVAL, approval_key(ULIDS[0], 3))
    it.store.objects[path] = it.store.objects[path].replace(b'"used"', b'"rejected"')
    report = check(it.store, it.archive, clock=it.writer.clock)
    assert kinds(report) == {Kind.COPY_DIFFERS, Kind.CLAIM_ALTERED}


# --- the service's own verification ---------------------------------------------------------------------


class Notebook:
    """Keeps the bytes in memory."""

    def __init__(self) -> None:
        self.data: bytes | None = None

    def load(self) -> bytes | None:
        return self.data

    def save(self, data: bytes) -> None:
        self.data = data


def test_nights_after_a_deletion_are_quiet() -> None:
    """A record of retention is read in one night; in all later ones the archive has the log."""
    it = aged()
    nightly = Verification(it.store, (SERVICE.verifier,), Notebook(), it.writer.clock, it.archive)
    it.seal()
    assert nightly.run().findings == ()
    it.sweep("audit")
    for _ in range(3):
        it.seal()
        report = nightly.run()
        assert [finding.kind for finding in report.findings] == [Kind.EXPIRED] * 2
        assert report.since > 0
        it.writer.access(1)


def test_nights_after_the_archive_has_expired_are_quiet() -> None:
    """When the log is gone from both, the records of retention are looked for among all: a full reading."""
    it = aged()
    nightly = Verification(it.store, (SERVICE.verifier,), Notebook(), it.writer.clock, it.archive)
    it.sweep("audit")
    it.sweep("archive")
    for _ in range(3):
        it.seal()
        assert nightly.run().exit_code == 0
        it.writer.access(1)


def test_a_stolen_log_is_missed_in_any_night() -> None:
    """A log that was verified before, and is gone from the store and from the archive without a record."""
    it = aged()
    nightly = Verification(it.store, (SERVICE.verifier,), Notebook(), it.writer.clock, it.archive)
    it.seal()
    assert nightly.run().findings == ()
    for store in (it.store, it.archive):
        del store.objects[segment_path(ULIDS[1], 0)]
    it.writer.access(1)
    it.seal()
    assert Kind.WRITER_MISSING in kinds(nightly.run())


def test_a_night_finds_what_new_records_name() -> None:
    """A report and a claim of records of the day: their loss is found without reading older records."""
    it = aged()
    notebook = Notebook()
    nightly = Verification(it.store, (SERVICE.verifier,), notebook, it.writer.clock, it.archive)
    it.seal()
    nightly.run()
    ledger = SideLedger(it.store, it.archive, it.ledger.clock, (it.writer, it.writer))
    ledger.review("2026-05")
    key = ledger.ask()
    ledger.end(key, "rejected")
    it.seal()
    kept = notebook.data
    report = nightly.run()
    assert (report.findings, report.records) == ((), 3)
    notebook.data = kept
    del it.archive.objects["v1/reviews/2026-05/report.html"]
    del it.store.objects[claim_path(ClaimKind.APPROVAL, key)]
    assert kinds(nightly.run()) == {Kind.REPORT_MISSING, Kind.CLAIM_MISSING}


def test_records_that_moved_to_the_archive_are_observed_there() -> None:
    """Who asks for records gets those of expired logs too, where the archive has them."""
    it = aged()
    it.seal()
    keys = (SERVICE.verifier,)
    before, after = observed(it, None), observed(it, it.archive)
    assert before == after
    it.sweep("audit")
    assert {writer for writer, _ in observed(it, None)} == {NEW_WRITER}
    assert observed(it, it.archive) == [*before, (NEW_WRITER, 1), (NEW_WRITER, 2)]
    newest = verify_ledger(Question(it.store, keys, it.writer.clock())).checkpoint
    since = parse_checkpoint(parse_note(newest.encode()).text)
    it.archive.reads = 0
    assert observed(it, it.archive, since) == [(NEW_WRITER, 1), (NEW_WRITER, 2)]
    assert it.archive.reads < 10


def observed(it: Aged, elsewhere: WormStore | None, since: Checkpoint | None = None) -> list[tuple[str, int]]:
    """The records that are seen."""
    seen: list[tuple[str, int]] = []
    now = it.writer.clock() + timedelta(hours=1)
    verify_ledger(
        Question(
            it.store,
            (SERVICE.verifier,),
            now,
            elsewhere=elsewhere,
            since=since,
            observe=lambda writer, index, fields: seen.append((writer, index)),
        )
    )
    return seen
