"""Every attack of the threat table on a small ledger: all of them found, each under its right name.

The ledger has three writers, several segments and a root log. The attacker may do anything to storage and
holds no key. Each test counts what it did and prints it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache

import pytest

from shared.ledger.checkpoints import parse_checkpoint
from shared.ledger.findings import Kind, Weight
from shared.ledger.notes import Ed25519NoteKey, VerifierKey, parse_note
from shared.ledger.receipts import HeldReceipt, parse_receipts
from shared.ledger.reports import Report
from shared.ledger.rootlog import checkpoint_path
from shared.ledger.segments import parse_segment, segment_path
from shared.ledger.verifier import Question, verify_ledger
from tests.support.ledgers import (
    SERVICE,
    ULIDS,
    Clock,
    SmallLedger,
    private_key,
    sealer_of,
    small_ledger,
    start_writer,
)
from tests.support.worm import WormStore

LEDGER = small_ledger()
NOW = LEDGER.clock() + timedelta(days=1)

# what may be said of bytes of a record or checkpoint that were changed, removed or moved
CONTENT = {
    Kind.MALFORMED,
    Kind.TRUNCATED,
    Kind.RECORD_MISSING,
    Kind.RECORD_REPEATED,
    Kind.CHAIN_BROKEN,
    Kind.SIZE_MISMATCH,
    Kind.ROOT_MISMATCH,
    Kind.SIGNATURE_INVALID,
    Kind.GENESIS_UNTRUSTED,
}


@pytest.fixture(scope="module", autouse=True)
def _remember_signatures() -> Iterator[None]:
    """The same signatures are verified thousands of times here; each is computed once."""
    remembered = lru_cache(maxsize=100_000)(VerifierKey.verify)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VerifierKey, "verify", lambda key, text, value: remembered(key, text, value))
        yield


def verify(
    store: WormStore, receipts: Iterable[HeldReceipt] = (), archive: WormStore | None = None
) -> Report:
    """Verify as an auditor does who knows the service key alone."""
    return verify_ledger(Question(store, LEDGER.keys, NOW, archive=archive, receipts=tuple(receipts)))


def kinds(report: Report) -> set[Kind]:
    """The classes that make the verdict."""
    return {finding.kind for finding in report.findings if finding.weight is Weight.TAMPERING}


def expect(store: WormStore, allowed: set[Kind], what: str) -> Kind:
    """The attack is found, and all that is said of it is among the allowed classes."""
    report = verify(store)
    found = kinds(report)
    assert report.exit_code == 1, f"not found: {what}"
    assert found <= allowed, f"{what} was called {found}"
    return report.findings[0].kind


def changed(path: str, data: bytes | None) -> WormStore:
    """The ledger with one object replaced, or removed."""
    store = LEDGER.store.copy()
    if data is None:
        del store.objects[path]
    else:
        store.objects[path] = data
    return store


SEGMENTS = sorted(path for path in LEDGER.store.objects if path.startswith("v1/w/"))
ROOT_OBJECTS = sorted(path for path in LEDGER.store.objects if path.startswith("v1/root/"))


def test_the_untouched_ledger_is_clean() -> None:
    """What the attacks are measured against."""
    assert verify(LEDGER.store).findings == ()


@pytest.mark.parametrize("path", SEGMENTS)
def test_every_flipped_byte_of_a_segment_is_found(path: str) -> None:
    """Each byte of each segment in turn, one bit of it (another one from byte to byte)."""
    data = LEDGER.store.objects[path]
    named: Counter[Kind] = Counter()
    for place in range(len(data)):
        flipped = data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :]
        named[expect(changed(path, flipped), CONTENT, f"byte {place} of {path}")] += 1
    assert named.total() == len(data)
    print(f"{path}: {len(data)} of {len(data)} flipped bytes found: {dict(named)}")


@pytest.mark.parametrize("path", ROOT_OBJECTS)
def test_every_flipped_byte_of_the_root_log_is_found(path: str) -> None:
    """Each byte of each object of the root log in turn."""
    data = LEDGER.store.objects[path]
    allowed = CONTENT | {
        Kind.TILE_MISMATCH,
        Kind.ROOT_OBJECT_MISSING,
        Kind.SEAL_INVALID,
        Kind.LOG_FORKED,
        Kind.LOG_SHORTENED,
        Kind.PLACE_CHANGED,
        Kind.WRITER_MISSING,
        Kind.ROLLBACK,
        Kind.SPLIT_VIEW,
    }
    unchecked = 0
    for place in range(len(data)):
        flipped = data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :]
        report = verify(changed(path, flipped))
        assert report.exit_code == 1, f"byte {place} of {path}"
        assert kinds(report) <= allowed
        unchecked += Kind.UNKNOWN_KEY in {finding.kind for finding in report.findings}
    print(f"{path}: {len(data)} of {len(data)} flipped bytes found")


def _records(path: str) -> list[tuple[int, int]]:
    """Start and end (with newline) of every record line of a segment."""
    places = []
    for commit in parse_segment([LEDGER.store.objects[path]]):
        start = commit.offset
        for line in commit.lines:
            places.append((start, start + len(line) + 1))
            start += len(line) + 1
    return places


def _commits(path: str) -> list[tuple[int, int]]:
    return [
        (commit.offset, commit.offset + commit.size) for commit in parse_segment([LEDGER.store.objects[path]])
    ]


def test_every_deleted_record_or_commit_is_found() -> None:
    """Each record and each commit is cut out in turn."""
    allowed = CONTENT | {Kind.LOG_SHORTENED}
    count = 0
    for path in SEGMENTS:
        data = LEDGER.store.objects[path]
        for start, end in _records(path) + _commits(path):
            expect(changed(path, data[:start] + data[end:]), allowed, f"{path} without {start}:{end}")
            count += 1
    assert count == 13 + 9
    print(f"{count} of {count} deletions found")


def test_every_duplicated_record_or_commit_is_found() -> None:
    """Each record and each commit stands twice in turn, beside itself and at the segment's end."""
    count = 0
    for path in SEGMENTS:
        data = LEDGER.store.objects[path]
        for start, end in _records(path) + _commits(path):
            piece = data[start:end]
            for forged in (data[:end] + piece + data[end:], data + piece):
                expect(
                    changed(path, forged), CONTENT | {Kind.AFTER_CLOSED}, f"{path} with {start}:{end} twice"
                )
                count += 1
    print(f"{count} of {count} duplications found")


def test_every_swap_of_two_records_or_commits_is_found() -> None:
    """Each pair of records, and each pair of commits, of a segment changes places."""
    count = 0
    for path in SEGMENTS:
        data = LEDGER.store.objects[path]
        for places in (_records(path), _commits(path)):
            for index, (a, b) in enumerate(places):
                for c, d in places[index + 1 :]:
                    forged = data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]
                    if forged != data:
                        expect(changed(path, forged), CONTENT | {Kind.AFTER_CLOSED}, f"{path}: {a} and {c}")
                        count += 1
    print(f"{count} of {count} swaps found")
    assert count > 10


def test_records_moved_between_writers_are_found() -> None:
    """Each commit of one writer is appended to each other writer's last segment."""
    count = 0
    for path in SEGMENTS:
        for start, end in _commits(path):
            for other in SEGMENTS:
                if other != path:
                    forged = LEDGER.store.objects[other] + LEDGER.store.objects[path][start:end]
                    allowed = CONTENT | {Kind.AFTER_CLOSED, Kind.PLACE_CHANGED}
                    expect(changed(other, forged), allowed, f"{path} in {other}")
                    count += 1
    print(f"{count} of {count} moves found")


def test_segments_that_were_joined_are_found() -> None:
    """All records are there and in order; only the root log knows where they lay."""
    store = LEDGER.store.copy()
    first, second = segment_path(ULIDS[0], 0), segment_path(ULIDS[0], 1)
    store.objects[first] += store.objects.pop(second)
    assert kinds(verify(store)) == {Kind.PLACE_CHANGED}


def test_every_cut_tail_is_found() -> None:
    """Each segment is cut at each byte: within a commit the parser says so, between two the root log."""
    named: Counter[Kind] = Counter()
    for path in SEGMENTS:
        data = LEDGER.store.objects[path]
        ends = {0, *(end for _, end in _commits(path))}
        for length in range(len(data)):
            allowed = {Kind.LOG_SHORTENED, Kind.RECORD_MISSING, Kind.GENESIS_UNTRUSTED}
            if length not in ends:
                allowed = {Kind.TRUNCATED}
            named[expect(changed(path, data[:length]), allowed, f"{path} cut at {length}")] += 1
    assert named.total() == sum(len(LEDGER.store.objects[path]) for path in SEGMENTS)
    print(f"{named.total()} of {named.total()} cuts found: {dict(named)}")


def test_every_removed_object_is_found() -> None:
    """Each object goes away in turn; the finding names it, or the log that it belonged to."""
    allowed = {
        Kind.SEGMENT_MISSING,
        Kind.LOG_SHORTENED,
        Kind.WRITER_MISSING,
        Kind.ROOT_OBJECT_MISSING,
        Kind.ROLLBACK,
    }
    for path in LEDGER.store.objects:
        expect(changed(path, None), allowed, f"without {path}")
    print(f"{len(LEDGER.store.objects)} of {len(LEDGER.store.objects)} removals found")


@pytest.mark.parametrize("writer", ULIDS)
def test_a_removed_writer_is_found(writer: str) -> None:
    """All segments of a writer go away."""
    store = LEDGER.store.copy()
    for path in SEGMENTS:
        if f"/{writer}/" in path:
            del store.objects[path]
    assert kinds(verify(store)) == {Kind.WRITER_MISSING}


def test_every_renamed_object_is_found() -> None:
    """Each object under another plausible name: another number, another writer, another suffix, elsewhere."""
    allowed = CONTENT | {
        Kind.SEGMENT_MISSING,
        Kind.LOG_SHORTENED,
        Kind.WRITER_MISSING,
        Kind.ROOT_OBJECT_MISSING,
        Kind.UNEXPECTED_OBJECT,
        Kind.AFTER_CLOSED,
        Kind.ROLLBACK,
        Kind.TILE_MISMATCH,
    }
    count = 0
    for path, data in LEDGER.store.objects.items():
        names = [
            path + ".bak",
            path.lower() if path.lower() != path else path + "x",
            path.replace("v1/", "v2/"),
            path[:-5] + "7" + path[-4:] if path.endswith(".seg") else path[:-1] + "9",
            path.replace(ULIDS[0], ULIDS[1]).replace("00000001", "00000003"),
            path.replace(ULIDS[1], "01JNC0000000000000000000ZZ"),
            path.rpartition("/")[2],
        ]
        for name in names:
            if name in LEDGER.store.objects:
                continue
            store = changed(path, None)
            store.objects[name] = data
            expect(store, allowed, f"{path} as {name}")
            count += 1
    print(f"{count} of {count} renamings found")


def test_foreign_objects_are_found() -> None:
    """What does not belong to the ledger is named, and harms nothing else."""
    names = [
        "notes.txt",
        "v1/w/readme",
        f"v1/w/{ULIDS[0]}/1.seg",
        f"v1/w/{ULIDS[0]}/00000000.seg.1",
        "v1/w/../../etc/passwd",
        "v1/root/checkpoint/1",
        "v1/root/tile/0/x000",
        "v1/root/tile/0/000.p/300",
        "v1/root/tile/64/000",
        "v1/root/tile/1/000.p/1",
        "v1/root/batch/000000000077",
        "v1/root/cosignature/000000000077/01234567",
    ]
    for name in names:
        store = LEDGER.store.copy()
        store.objects[name] = b"junk"
        assert kinds(verify(store)) == {Kind.UNEXPECTED_OBJECT}, name
    print(f"{len(names)} of {len(names)} foreign objects found")


def test_every_older_copy_of_an_object_is_found() -> None:
    """Each segment as it was after each of its commits, and each object in place of each of its kind."""
    count = 0
    for path in SEGMENTS:
        for _, end in _commits(path)[:-1]:
            found = kinds(verify(changed(path, LEDGER.store.objects[path][:end])))
            assert found <= {Kind.LOG_SHORTENED, Kind.RECORD_MISSING}
            assert found
            count += 1
    for path in ROOT_OBJECTS:
        for other in ROOT_OBJECTS:
            if other.rpartition("/")[0] == path.rpartition("/")[0] and other != path:
                report = verify(changed(path, LEDGER.store.objects[other]))
                assert report.exit_code == 1, f"{other} as {path}"
                count += 1
    print(f"{count} of {count} older copies found")


def test_a_log_rewritten_under_a_fresh_key_is_found() -> None:
    """A whole writer, and a whole ledger, made again by somebody with keys of their own."""
    store = LEDGER.store.copy()
    forger = Ed25519NoteKey(SERVICE.verifier.name, private_key(99))
    for path in SEGMENTS:
        if ULIDS[2] in path:
            del store.objects[path]
    forged = start_writer(store, ULIDS[2], Clock(), seed=98, signer=forger)
    forged.access(1)
    assert kinds(verify(store)) == {Kind.GENESIS_UNTRUSTED}
    whole = small_ledger(seed=50, signer=forger)
    found = kinds(verify(whole.store))
    assert {Kind.GENESIS_UNTRUSTED, Kind.SIGNATURE_INVALID} <= found


def test_reserialised_lines_are_found() -> None:
    """The same JSON with other white space, escapes or order of members is another record."""
    path = SEGMENTS[0]
    data = LEDGER.store.objects[path]
    start, end = _records(path)[1]
    line = data[start:end]
    variants = [
        line.replace(b'":', b'": ', 1),
        line.replace(b"pii.analyze", b"\\u0070ii.analyze"),
        line.replace(b'"v":1', b'"v":1.0'),
        line.replace(b'{"decision"', b'{"v":1,"decision"', 1).replace(b',"v":1}', b"}", 1),
        line[:-2] + b',"v":1}\n',
        line[:-1] + b" \n",
        line[:-1] + b"\r\n",
    ]
    for variant in variants:
        assert variant != line
        expect(changed(path, data[:start] + variant + data[end:]), {Kind.MALFORMED}, repr(variant[:40]))
    print(f"{len(variants)} of {len(variants)} other spellings found")


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
