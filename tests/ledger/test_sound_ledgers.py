"""Ledgers that nobody touched verify clean, in every state that a service leaves them in."""

from __future__ import annotations

from datetime import timedelta

from shared.ledger.findings import Finding, Kind
from shared.ledger.reports import Report, render_text
from shared.ledger.rootlog import batch_path
from shared.ledger.segments import segment_path
from shared.ledger.tiles import encode_entries
from shared.ledger.verifier import Question, verify_ledger
from tests.support.ledgers import (
    SERVICE,
    ULIDS,
    Clock,
    SmallLedger,
    sealer_of,
    small_ledger,
)
from tests.support.worm import WormStore


def check(store: WormStore, clock: Clock, after: timedelta = timedelta(days=1)) -> Report:
    """What an auditor sees that long after the last event."""
    return verify_ledger(Question(store, (SERVICE.verifier,), clock() + after))


def kinds(findings: tuple[Finding, ...]) -> list[Kind]:
    """Their classes."""
    return [finding.kind for finding in findings]


def test_an_untouched_ledger_is_intact() -> None:
    """Three writers, several segments, a closed, a crashed and a running one: nothing to find."""
    ledger = small_ledger()
    report = check(ledger.store, ledger.clock)
    assert report.findings == ()
    assert (report.exit_code, report.writers, report.records) == (0, 3, 13)
    assert report.root_size == 8
    assert report.verdict.startswith("INTACT: 13 records of 3 writers")
    assert render_text(report).startswith("INTACT")


def test_an_empty_container_is_intact() -> None:
    """Nothing was recorded yet."""
    assert check(WormStore(), Clock()).exit_code == 0


def test_empty_segments_are_normal() -> None:
    """A writer stopped or fenced between creating a segment and its first append; or before its genesis."""
    ledger = small_ledger()
    second = ledger.writers[1]
    second.next_segment()
    second.next_segment()
    second.access(1)
    second.next_segment()
    ledger.store.create_appendable(segment_path("01JNC0000000000000000000DD", 0))
    sealer_of(ledger.store, ledger.clock).run()
    assert check(ledger.store, ledger.clock).findings == ()


def test_foreign_bytes_are_found_and_the_log_goes_on_behind_them() -> None:
    """The writer fences such a segment: the bytes are one finding, every record is proven all the same."""
    ledger = small_ledger()
    third = ledger.writers[2]
    ledger.store.objects[segment_path(third.name, 0)] += b"somebody else wrote this\n"
    third.next_segment()
    third.access(2)
    sealer_of(ledger.store, ledger.clock).run()
    report = check(ledger.store, ledger.clock)
    assert kinds(report.findings) == [Kind.MALFORMED]
    assert report.records == 15


def test_young_records_need_no_seal_yet() -> None:
    """Ten minutes after they came, records without a seal could not be fully checked: exit status 2."""
    ledger = small_ledger()
    ledger.writers[1].access(2)
    assert check(ledger.store, ledger.clock, timedelta(minutes=5)).exit_code == 0
    report = check(ledger.store, ledger.clock, timedelta(minutes=15))
    assert (kinds(report.findings), report.exit_code) == ([Kind.UNSEALED], 2)
    assert report.verdict.startswith("NOT FULLY CHECKED")


def test_a_sealing_under_way_is_only_a_remark() -> None:
    """A batch without its checkpoint is normal for minutes; later the checkpoint is missing."""
    ledger = small_ledger()
    other = small_ledger()
    for one in (ledger, other):
        one.writers[1].access(1)
    entries = [seal.to_entry() for seal in sealer_of(other.store, other.clock).run().seals]
    ledger.store.create(batch_path(8), encode_entries(entries))
    young = check(ledger.store, ledger.clock, timedelta(minutes=1))
    assert (kinds(young.findings), young.exit_code) == ([Kind.UNFINISHED], 0)
    old = check(ledger.store, ledger.clock, timedelta(days=1))
    assert Kind.ROOT_OBJECT_MISSING in kinds(old.findings)
    assert old.exit_code == 1


def test_what_grows_while_it_is_read_is_not_looked_at() -> None:
    """Everything is read as far as it was listed; appends in between change nothing."""
    ledger = small_ledger()

    class Growing(WormStore):
        def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
            if path == segment_path(ULIDS[1], 1) and len(ledger.writers[1].notes) < 12:
                ledger.writers[1].access(1)
                sealer_of(ledger.store, ledger.clock).run()
            return WormStore.read(self, path, start, length)

    growing = Growing(ledger.store.objects, ledger.store.appendable)
    report = check(growing, ledger.clock)
    assert (report.findings, report.records) == ((), 13)
    assert len(ledger.writers[1].notes) > 3


def test_a_genesis_may_carry_the_root_that_its_writer_saw() -> None:
    """It is one more view held outside: removed root checkpoints contradict it."""
    ledger = small_ledger()
    assert ledger.sealings[0].checkpoint
    for path in list(ledger.store.objects):
        if path.startswith("v1/root/"):
            del ledger.store.objects[path]
    report = check(ledger.store, ledger.clock)
    assert Kind.ROLLBACK in kinds(report.findings)


def test_storage_that_does_not_answer_is_not_silence() -> None:
    """Each read fails in turn: exit status 2 (or 1 where more follows from it), never 0."""
    number = 0
    while True:
        number += 1
        ledger: SmallLedger = small_ledger()
        ledger.store.reads, ledger.store.fail_read_at = 0, number
        report = check(ledger.store, ledger.clock)
        if ledger.store.reads < number:
            break
        assert report.exit_code != 0
        assert Kind.UNREADABLE in kinds(report.findings)
    assert number > 15
