"""What only something held outside shows (rollback, split view), and attacks on the archive: all found."""

from __future__ import annotations

from shared.ledger.checkpoints import parse_checkpoint
from shared.ledger.findings import Kind
from shared.ledger.notes import parse_note
from shared.ledger.receipts import HeldReceipt, parse_receipts
from shared.ledger.rootlog import checkpoint_path
from shared.ledger.segments import segment_path
from tests.support.ledgers import (
    ULIDS,
    Clock,
    SmallLedger,
    sealer_of,
    small_ledger,
    start_writer,
)
from tests.support.tampering import (
    CONTENT,
    LEDGER,
    SEGMENTS,
    kinds,
    verify,
)
from tests.support.worm import WormStore


def _older(ledger: SmallLedger, sealing: int) -> WormStore:
    """The ledger as it was when it was sealed for the nth time (what a restored backup would hold)."""
    size = ledger.sealings[sealing].size
    older, clock = WormStore(), Clock()
    again = small_ledger()
    assert again.store.objects == ledger.store.objects
    sealer = sealer_of(older, clock)
    first = start_writer(older, ULIDS[0], clock, seed=10)
    first.access(2)
    start_writer(older, ULIDS[1], clock, seed=11)
    assert sealer.run().size == size
    return older


def test_a_rollback_is_found_by_what_is_held_outside() -> None:
    """An old copy of everything is consistent in itself; a receipt or a newer root checkpoint shows it."""
    older = _older(LEDGER, 0)
    assert verify(older).exit_code == 0
    newest = parse_receipts(LEDGER.store.objects[checkpoint_path(LEDGER.sealings[-1].size)])
    assert kinds(verify(older, newest)) == {Kind.ROLLBACK}
    for writer in LEDGER.writers:
        note = parse_note(writer.notes[-1].encode())
        receipt = HeldReceipt(writer.name, writer.log.size - 1, note, parse_checkpoint(note.text))
        assert kinds(verify(older, [receipt])) == {Kind.ROLLBACK}
    oldest = parse_receipts(older.objects[checkpoint_path(LEDGER.sealings[0].size)])
    assert verify(LEDGER.store, oldest).exit_code == 0


def test_a_split_view_is_found() -> None:
    """Two histories under the same keys: the checkpoint of one contradicts the other, both ways."""
    other = small_ledger(seed=60)
    held = parse_receipts(other.store.objects[checkpoint_path(other.sealings[0].size)])
    assert kinds(verify(LEDGER.store, held)) == {Kind.SPLIT_VIEW}
    mine = parse_receipts(LEDGER.store.objects[checkpoint_path(LEDGER.sealings[1].size)])
    assert kinds(verify(other.store, mine)) == {Kind.SPLIT_VIEW}


def test_a_forked_writer_contradicts_its_receipt() -> None:
    """A writer's key that signed two histories: the receipt of one does not fit the other."""
    store, clock = WormStore(), Clock()
    one = start_writer(store, ULIDS[0], clock, seed=10)
    twin = start_writer(WormStore(), ULIDS[0], Clock(), seed=10)
    sealer_of(store, clock).run()
    one.access(1)
    twin.access(2)
    one.access(1)
    sealer_of(store, clock).run()
    note = parse_note(twin.notes[-1].encode())
    receipt = HeldReceipt(ULIDS[0], 2, note, parse_checkpoint(note.text))
    assert kinds(verify(store, [receipt])) == {Kind.SPLIT_VIEW}


def test_every_receipt_of_the_ledger_is_accepted() -> None:
    """Receipts of records that are there say nothing new; forged ones are named."""
    receipts = [
        HeldReceipt(
            writer.name, 0, parse_note(text.encode()), parse_checkpoint(parse_note(text.encode()).text)
        )
        for writer in LEDGER.writers
        for text in writer.notes
    ]
    assert verify(LEDGER.store, receipts).findings == ()
    note = parse_note(LEDGER.writers[0].notes[0].encode())
    wrong = HeldReceipt(ULIDS[0], 40, note, parse_checkpoint(note.text))
    assert kinds(verify(LEDGER.store, [wrong])) == {Kind.RECEIPT_UNMATCHED}
    foreign = HeldReceipt(ULIDS[1], 0, note, parse_checkpoint(note.text))
    assert kinds(verify(LEDGER.store, [foreign])) == {Kind.SIGNATURE_INVALID}


def test_a_changed_archive_copy_is_found() -> None:
    """Each archived object with a byte changed, cut, or in place of a removed original."""
    count = 0
    for path, data in LEDGER.store.objects.items():
        if not data:
            continue
        archive = LEDGER.store.copy()
        for forged in (data[:-1], data[:-1] + bytes([data[-1] ^ 1]), data + b"\n"):
            archive.objects[path] = forged
            assert kinds(verify(LEDGER.store, archive=archive)) == {Kind.COPY_DIFFERS}, path
            count += 1
    assert verify(LEDGER.store, archive=LEDGER.store.copy()).findings == ()
    print(f"{count} of {count} changed copies found")


def test_what_left_the_first_container_is_read_from_the_archive() -> None:
    """A writer whose segments are only in the archive is verified there, as strictly."""
    store, archive = LEDGER.store.copy(), LEDGER.store.copy()
    for path in SEGMENTS:
        if ULIDS[0] in path:
            del store.objects[path]
    report = verify(store, archive=archive)
    assert (report.findings, report.records) == ((), 13)
    path = segment_path(ULIDS[0], 0)
    archive.objects[path] = archive.objects[path][:-5] + archive.objects[path][-4:]
    assert kinds(verify(store, archive=archive)) <= CONTENT
    assert verify(store, archive=archive).exit_code == 1
