"""Every single byte of the small ledger, flipped in turn, and every segment cut at every byte: all found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import pytest

from shared.ledger.findings import Kind
from shared.ledger.notes import VerifierKey
from tests.support.tampering import (
    CONTENT,
    LEDGER,
    ROOT_OBJECTS,
    SEGMENTS,
    changed,
    commit_places,
    expect,
    kinds,
    verify,
)


@pytest.fixture(scope="module", autouse=True)
def _remember_signatures() -> Iterator[None]:
    """The same signatures are verified thousands of times here; each is computed once."""
    remembered = lru_cache(maxsize=100_000)(VerifierKey.verify)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VerifierKey, "verify", lambda key, text, value: remembered(key, text, value))
        yield


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


def test_every_cut_tail_is_found() -> None:
    """Each segment is cut at each byte: within a commit the parser says so, between two the root log."""
    named: Counter[Kind] = Counter()
    for path in SEGMENTS:
        data = LEDGER.store.objects[path]
        ends = {0, *(end for _, end in commit_places(path))}
        for length in range(len(data)):
            allowed = {Kind.LOG_SHORTENED, Kind.RECORD_MISSING, Kind.GENESIS_UNTRUSTED}
            if length not in ends:
                allowed = {Kind.TRUNCATED}
            named[expect(changed(path, data[:length]), allowed, f"{path} cut at {length}")] += 1
    assert named.total() == sum(len(LEDGER.store.objects[path]) for path in SEGMENTS)
    print(f"{named.total()} of {named.total()} cuts found: {dict(named)}")
