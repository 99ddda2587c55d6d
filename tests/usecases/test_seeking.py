"""One record out of a long log: found wherever it stands, by few and small reads."""

from __future__ import annotations

import asyncio

import pytest

from shared.errors import LedgerError
from shared.ledger.lines import parse_line
from shared.ledger.segments import SegmentLimits
from shared.usecases.commits.committing import CommitOptions
from shared.usecases.reading import find_line
from shared.usecases.seeking import WINDOW_BYTES, seek_line
from tests.support.committers import WRITER, commit_all, make_committer, numbered_record
from tests.support.stores import FaultyStore, MemoryStore

RECORDS = 2_500


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    """A log of some megabytes in several segments, with commits of many sizes."""
    made = MemoryStore()
    limits = SegmentLimits(size_bytes=1_500_000)
    committer = make_committer(made, CommitOptions(segments=limits, backoff_s=lambda _: 0.001))
    committer.open()
    done, portion = 0, 1
    while done < RECORDS:
        asyncio.run(commit_all(committer, [numbered_record(done + n) for n in range(portion)]))
        done, portion = done + portion, portion * 3 % 211 + 1
    committer.close()
    return made


def test_every_record_is_found(store: MemoryStore) -> None:
    """As reading from the beginning finds them, the first and the last too; and none that is not there."""
    count = 0
    for index in [*range(200), *range(200, RECORDS, 37), RECORDS - 1]:
        line = seek_line(store, WRITER, index)
        assert line is not None
        assert parse_line(line)["seq"] == index
        count += 1
        if index % 333 == 0:
            found = find_line(store, WRITER, index)
            assert found is not None and found.line == line
    assert count > 250
    assert seek_line(store, WRITER, 10**9) is None
    assert seek_line(store, "01JD0000000000000000000009", 0) is None


def test_few_small_reads(store: MemoryStore) -> None:
    """A log is not read for one of its records."""
    watched = FaultyStore(store, lambda *_: None)
    seek_line(watched, WRITER, RECORDS // 2)
    reads = [operation for operation in watched.operations if operation[0] == "read"]
    assert len(reads) < 16
    assert sum(item.size for item in store.list("v1/w/")) > 20 * WINDOW_BYTES


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"{}\n" * 50_000, b"\n" * 300_000, b"\x00" * 300_000, b'{"seq":5}\n']
)
def test_junk_is_no_record(junk: bytes) -> None:
    """Whatever stands in the place of a log: nothing is found, or it is said to be malformed."""
    store = MemoryStore()
    store.create(f"v1/w/{WRITER}/00000000.seg", junk)
    try:
        line = seek_line(store, WRITER, 5)
    except LedgerError:
        return
    assert line is None or line == b'{"seq":5}'
