"""Who asks for it sees each verified record once, and exactly those between two root checkpoints."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.ledger.checkpoints import Checkpoint, parse_checkpoint
from shared.ledger.findings import Kind
from shared.ledger.notes import parse_note
from shared.ledger.receipts import HeldReceipt
from shared.ledger.reports import Report
from shared.ledger.segments import parse_segment
from shared.ledger.verifier import Question, verify_ledger
from tests.support.ledgers import ULIDS, small_ledger
from tests.support.tampering import LEDGER, NOW, SEGMENTS, changed, commit_places
from tests.support.worm import WormStore

type Seen = list[tuple[str, int]]

# records of the three writers after each of the three sealings of the small ledger
SEALED = [(3, 1, 0), (6, 2, 1), (7, 4, 2)]


def watch(
    since: Checkpoint | None = None,
    until: Checkpoint | None = None,
    store: WormStore | None = None,
    receipts: tuple[HeldReceipt, ...] = (),
) -> tuple[Seen, Report]:
    """What is seen between two checkpoints, and the report."""
    seen: Seen = []

    def observe(writer: str, index: int, fields: dict[str, Any]) -> None:
        assert fields["seq"] == index
        seen.append((writer, index))

    question = Question(
        store or LEDGER.store, LEDGER.keys, NOW, since=since, until=until, observe=observe, receipts=receipts
    )
    return seen, verify_ledger(question)


def checkpoint(sealing: int) -> Checkpoint:
    """The root checkpoint of one of the sealings."""
    return parse_checkpoint(parse_note(LEDGER.sealings[sealing].checkpoint).text)


def between(first: tuple[int, ...], end: tuple[int, ...]) -> Seen:
    """The records of the three writers from some indexes to before others."""
    return [
        (ULIDS[number], index) for number, start in enumerate(first) for index in range(start, end[number])
    ]


def test_all_records_are_seen_once_and_in_order() -> None:
    """Without bounds every record of every writer is seen, each once, in the order of its log."""
    seen, report = watch()
    assert seen == between((0, 0, 0), SEALED[2])
    assert len(seen) == report.records
    assert report.findings == ()


def test_the_members_are_the_record_as_it_stands() -> None:
    """The members given are those of the line: type, time, seq, prev, and all others."""
    kept: list[dict[str, Any]] = []
    verify_ledger(Question(LEDGER.store, LEDGER.keys, NOW, observe=lambda w, i, fields: kept.append(fields)))
    assert [fields["type"] for fields in kept[:4]] == ["genesis", "access", "access", "access"]
    assert all(len(fields["prev"]) == 64 and fields["service"]["writer"] in ULIDS for fields in kept)


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("last", range(3))
def test_records_between_two_root_checkpoints(first: int, last: int) -> None:
    """Exactly the records that the later one covers and the earlier does not; none where it is not later."""
    seen, report = watch(checkpoint(first), checkpoint(last))
    assert seen == between(SEALED[first], SEALED[last])
    assert report.findings == ()


def test_months_join_without_gap_or_overlap() -> None:
    """What is seen from the beginning to A, from A to B and from B on is everything, each record once."""
    parts = [watch(None, checkpoint(0))[0], watch(checkpoint(0), checkpoint(1))[0], watch(checkpoint(1))[0]]
    assert sorted(record for part in parts for record in part) == sorted(between((0, 0, 0), SEALED[2]))


def test_unsealed_records_are_seen_only_without_an_end() -> None:
    """Records that no root checkpoint covers are seen where no end is asked for, and never before an end."""
    ledger = small_ledger()
    ledger.writers[2].access(2)
    grown = (*SEALED[2][:2], SEALED[2][2] + 2)
    assert watch(store=ledger.store)[0] == between((0, 0, 0), grown)
    assert watch(checkpoint(1), store=ledger.store)[0] == between(SEALED[1], grown)
    assert watch(checkpoint(1), checkpoint(2), store=ledger.store)[0] == between(SEALED[1], SEALED[2])


def test_receipts_make_more_be_read_and_not_more_be_seen() -> None:
    """A receipt of an earlier record makes its log be read from the start; no record before is seen."""
    note = parse_note(LEDGER.writers[0].notes[1].encode())
    receipt = HeldReceipt(ULIDS[0], 2, note, parse_checkpoint(note.text))
    seen, report = watch(checkpoint(0), checkpoint(1), receipts=(receipt,))
    assert seen == between(SEALED[0], SEALED[1])
    assert report.records > watch(checkpoint(0), checkpoint(1))[1].records
    assert report.findings == ()


def test_records_of_a_broken_commit_are_not_seen() -> None:
    """Of a commit that fails, and of what follows it, nothing is seen; the report says so."""
    path = SEGMENTS[0]
    start, _ = commit_places(path)[1]
    data = bytearray(LEDGER.store.objects[path])
    data[start + 20] ^= 1
    seen, report = watch(store=changed(path, bytes(data)))
    commits = list(parse_segment([LEDGER.store.objects[path]]))
    assert [index for writer, index in seen if writer == ULIDS[0]] == list(range(len(commits[0].lines)))
    assert report.exit_code == 1


def test_an_end_of_another_history_is_found() -> None:
    """The end that is asked for must be a state of this root log."""
    real = checkpoint(1)
    _, report = watch(until=Checkpoint(real.origin, real.size, bytes(32)))
    assert {finding.kind for finding in report.findings} == {Kind.SPLIT_VIEW}
    _, report = watch(until=Checkpoint(real.origin, 10_000, real.root))
    assert {finding.kind for finding in report.findings} == {Kind.ROLLBACK}


def test_an_error_of_the_observer_ends_the_verification() -> None:
    """What goes wrong in the observer is not mistaken for a fault of the evidence."""

    def observe(writer: str, index: int, fields: dict[str, Any]) -> None:
        raise RuntimeError("the observer failed")

    with pytest.raises(RuntimeError, match="observer"):
        verify_ledger(Question(LEDGER.store, LEDGER.keys, NOW + timedelta(days=1), observe=observe))
