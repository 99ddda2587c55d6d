"""Every attack on records, commits and objects of the small ledger: all found, each under its right name.

The attacker may do anything to storage and holds no key. Each test counts what it did and prints it.
"""

from __future__ import annotations

import pytest

from shared.ledger.findings import Kind
from shared.ledger.notes import Ed25519NoteKey
from shared.ledger.segments import segment_path
from tests.support.ledgers import (
    SERVICE,
    ULIDS,
    Clock,
    private_key,
    small_ledger,
    start_writer,
)
from tests.support.tampering import (
    CONTENT,
    LEDGER,
    ROOT_OBJECTS,
    SEGMENTS,
    changed,
    commit_places,
    expect,
    kinds,
    record_places,
    verify,
)


def test_the_untouched_ledger_is_clean() -> None:
    """What the attacks are measured against."""
    assert verify(LEDGER.store).findings == ()


def test_every_deleted_record_or_commit_is_found() -> None:
    """Each record and each commit is cut out in turn."""
    allowed = CONTENT | {Kind.LOG_SHORTENED}
    count = 0
    for path in SEGMENTS:
        data = LEDGER.store.objects[path]
        for start, end in record_places(path) + commit_places(path):
            expect(changed(path, data[:start] + data[end:]), allowed, f"{path} without {start}:{end}")
            count += 1
    assert count == 13 + 9
    print(f"{count} of {count} deletions found")


def test_every_duplicated_record_or_commit_is_found() -> None:
    """Each record and each commit stands twice in turn, beside itself and at the segment's end."""
    count = 0
    for path in SEGMENTS:
        data = LEDGER.store.objects[path]
        for start, end in record_places(path) + commit_places(path):
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
        for places in (record_places(path), commit_places(path)):
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
        for start, end in commit_places(path):
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
        for _, end in commit_places(path)[:-1]:
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
    start, end = record_places(path)[1]
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
