"""Over years: records of retention expire too, and nothing that was stolen hides behind that."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from shared.ledger.checkpoints import parse_checkpoint
from shared.ledger.findings import Kind
from shared.ledger.notes import parse_note
from shared.ledger.reports import Report
from shared.ledger.segments import segment_path
from shared.ledger.verifier import Question, verify_ledger
from shared.records.model import RetentionRecord
from shared.usecases.rootstore import RootView
from shared.usecases.upkeep.archiving import Archiver
from shared.usecases.upkeep.retention import Sweeper
from tests.support.expiring import ExpiringStore
from tests.support.ledgers import LOG, SERVICE, Clock, Writer, sealer_of, start_writer
from tests.support.side_ledger import check
from tests.support.tampering import kinds

AUDIT_KEEP, ARCHIVE_KEEP = timedelta(days=30), timedelta(days=300)
STEP = timedelta(days=40)


class Years:
    """A deployment whose process is replaced every forty days, with its timers."""

    def __init__(self) -> None:
        self.store, self.archive, self.clock = ExpiringStore(), ExpiringStore(), Clock()
        self.names: list[str] = []
        self.writer = self._start()

    def pass_one(self) -> None:
        """Forty days: a new process, archived and swept."""
        self.writer.access(1)
        self.writer.close()
        sealer_of(self.store, self.clock).run()
        Archiver(self.store, self.archive, self.clock).run()
        self.clock.now += STEP
        self.writer = self._start()
        self._sweep("audit", AUDIT_KEEP)
        self._sweep("archive", ARCHIVE_KEEP)
        sealer_of(self.store, self.clock).run()

    def report(self, *, with_archive: bool) -> Report:
        """What an auditor finds now."""
        archive = self.archive if with_archive else None
        return check(self.store, archive, clock=self.clock, after=timedelta(minutes=5))

    def steal(self, age: int) -> None:
        """Remove from the archive the log that began so many steps ago."""
        del self.archive.objects[segment_path(self.names[-1 - age], 0)]

    def _start(self) -> Writer:
        name = f"01JNC0000000000000000000{len(self.names):02}"
        self.names.append(name)
        return start_writer(self.store, name, self.clock, seed=100 + len(self.names))

    def _sweep(self, kind: Literal["audit", "archive"], keep: timedelta) -> None:
        root = RootView(self.store, LOG, [SERVICE.verifier])
        store, archive = (self.store, self.archive) if kind == "audit" else (self.archive, None)

        def commit(record: RetentionRecord) -> None:
            self.writer.commit([record])

        Sweeper(store, kind, root, keep, commit, self.writer.service, self.clock, archive).run()


def lived(steps: int) -> Years:
    years = Years()
    for _ in range(steps):
        years.pass_one()
    return years


def test_the_first_store_alone_stays_intact() -> None:
    """Logs expire after a month, and the logs that record it a month later: all are known to have expired."""
    years = Years()
    for step in range(6):
        years.pass_one()
        report = years.report(with_archive=False)
        assert report.exit_code == 0, f"after {step + 1}: {report.findings}"
    assert {finding.kind for finding in report.findings} == {Kind.EXPIRED}
    assert len(report.findings) == 6


def test_both_stores_stay_intact() -> None:
    """Two years and a half, in which the archive's own retention has passed, and passed again."""
    years = lived(22)
    report = years.report(with_archive=True)
    assert report.exit_code == 0
    assert {finding.kind for finding in report.findings} == {Kind.EXPIRED}


def test_what_left_the_first_store_may_not_leave_the_archive() -> None:
    """A log that expired in the first store is asked for in the archive, whatever is said of the first."""
    for age in (2, 3, 5):
        years = lived(6)
        years.steal(age)
        assert kinds(years.report(with_archive=True)) == {Kind.WRITER_MISSING}, age


def test_a_young_log_may_not_leave_the_first_store() -> None:
    """However many records of retention are there, and have expired: it is not old enough."""
    years = lived(6)
    young = "01JNC0000000000000000000ZZ"
    start_writer(years.store, young, years.clock, seed=99).access(2)
    sealer_of(years.store, years.clock).run()
    assert years.report(with_archive=False).exit_code == 0
    del years.store.objects[segment_path(young, 0)]
    assert kinds(years.report(with_archive=False)) == {Kind.WRITER_MISSING}
    assert kinds(years.report(with_archive=True)) == {Kind.WRITER_MISSING}


def test_an_old_record_of_retention_is_looked_for_where_a_log_is_gone() -> None:
    """Going on from a checkpoint after the deletion, with the first store alone: older records are read."""
    years = lived(2)
    newest = years.report(with_archive=False).checkpoint
    since = parse_checkpoint(parse_note(newest.encode()).text)
    years.writer.access(2)
    sealer_of(years.store, years.clock).run()
    seen: list[int] = []
    now = years.clock.now + timedelta(minutes=5)
    question = Question(
        years.store,
        (SERVICE.verifier,),
        now,
        since=since,
        observe=lambda writer, index, fields: seen.append(index),
    )
    report = verify_ledger(question)
    assert (report.exit_code, report.records, len(seen)) == (0, 2, 2)
    assert [finding.kind for finding in report.findings] == [Kind.EXPIRED] * 2
