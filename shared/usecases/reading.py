"""Reading records back from a store, by name and in order. What is read here is not verified by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import MalformedLedger
from shared.ledger.lines import parse_line
from shared.ledger.segments import (
    WRITERS_PREFIX,
    SegmentParser,
    parse_segment_path,
    segment_path,
    writer_prefix,
)
from shared.records.canonical import MAX_LINE_BYTES
from shared.usecases.ports import Reader

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """A segment of a listing."""

    writer: str
    number: int
    size: int

    @property
    def path(self) -> str:
        """Its path."""
        return segment_path(self.writer, self.number)


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A record line and its place: index in the writer's log, segment, and offset in that (bytes)."""

    writer: str
    index: int
    line: bytes
    segment: int
    offset: int

    @property
    def name(self) -> str:
        """`<writer>/<index>`."""
        return f"{self.writer}/{self.index}"


def list_segments(reader: Reader, writer: str | None = None) -> dict[str, list[SegmentRef]]:
    """Segments by writer, both in order (a ULID sorts by time); other objects are passed over."""
    return list_segments_below(reader, writer_prefix(writer) if writer else WRITERS_PREFIX)


def list_segments_below(reader: Reader, prefix: str) -> dict[str, list[SegmentRef]]:
    """The same of all writers whose path begins with a prefix."""
    groups: dict[str, list[SegmentRef]] = {}
    for item in reader.list(prefix):
        try:
            name, number = parse_segment_path(item.path)
        except MalformedLedger:
            continue
        groups.setdefault(name, []).append(SegmentRef(name, number, item.size))
    return groups


def read_commits(
    reader: Reader, segment: SegmentRef, start: int = 0, end: int | None = None
) -> Iterator[tuple[int, tuple[bytes, ...], bytes]]:
    """Commits from an end of a commit on: `(offset of the first line, lines, signed checkpoint)`.

    Ends before the first commit that is not whole. Raises MalformedLedger and StoreError.
    """
    parser, place = SegmentParser(), start
    limit = segment.size if end is None else min(end, segment.size)
    while place < limit:
        chunk = reader.read(segment.path, place, min(CHUNK_BYTES, limit - place))
        if not chunk:
            return
        place += len(chunk)
        for commit in parser.feed(chunk):
            yield start + commit.offset, commit.lines, commit.note


def read_lines(
    reader: Reader, segment: SegmentRef, first_index: int, start: int = 0, end: int | None = None
) -> Iterator[StoredLine]:
    """Record lines of a segment from an end of a commit on, numbered from `first_index`."""
    index = first_index
    for offset, lines, _ in read_commits(reader, segment, start, end):
        for line in lines:
            yield StoredLine(segment.writer, index, line, segment.number, offset)
            offset += len(line) + 1
            index += 1


def first_fields(reader: Reader, segment: SegmentRef) -> dict[str, Any]:
    """The members of a segment's first record. Raises MalformedLedger (as for an empty one), StoreError."""
    return parse_line(reader.read(segment.path, 0, MAX_LINE_BYTES + 1).partition(b"\n")[0])


def first_index(reader: Reader, segment: SegmentRef) -> int | None:
    """`seq` of a segment's first record, None for an empty segment. Raises MalformedLedger, StoreError."""
    if segment.size == 0:
        return None
    seq = first_fields(reader, segment).get("seq")
    if type(seq) is not int:
        raise MalformedLedger("a segment begins with a record that has a number")
    return seq


def find_segment(reader: Reader, segments: Sequence[SegmentRef], index: int) -> tuple[SegmentRef, int] | None:
    """The segment that holds a record, and its first index: by bisection over the segments' first records."""
    filled = [segment for segment in segments if segment.size]
    low, high, found = 0, len(filled), None
    while low < high:
        middle = (low + high) // 2
        first = first_index(reader, filled[middle])
        if first is not None and first <= index:
            found, low = (filled[middle], first), middle + 1
        else:
            high = middle
    return found


def find_line(reader: Reader, writer: str, index: int) -> StoredLine | None:
    """A record by its name, None where it is not there. Raises MalformedLedger, StoreError."""
    place = find_segment(reader, list_segments(reader, writer).get(writer, ()), index)
    if place is None:
        return None
    segment, first = place
    return next((line for line in read_lines(reader, segment, first) if line.index == index), None)
