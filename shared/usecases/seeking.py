"""One record out of a long log, read while a call waits: a few small reads, wherever it stands.

What is found is not verified, and a log that was tampered with may hide it: whoever asks holds a proof.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.errors import MalformedLedger
from shared.ledger.lines import parse_line
from shared.records.canonical import MAX_LINE_BYTES
from shared.usecases.ports import Reader
from shared.usecases.reading import SegmentRef, find_segment, list_segments

WINDOW_BYTES = 2 * (MAX_LINE_BYTES + 1)
"""One read: wherever it begins, a whole line begins in its first half."""


def seek_line(reader: Reader, writer: str, index: int) -> bytes | None:
    """The line of a record, None where it is not found. Raises MalformedLedger, StoreError.

    By bisection over the writer's segments, then over the bytes of one: record lines are numbered, and
    begin with a brace, which lines of checkpoints never do.
    """
    place = find_segment(reader, list_segments(reader, writer).get(writer, ()), index)
    if place is None:
        return None
    segment, _ = place
    low, high = 0, segment.size
    while high - low > WINDOW_BYTES:
        middle = (low + high) // 2
        first = next(_lines(reader, segment, middle), None)
        if first is None or _number(first) > index:
            high = middle
        else:
            low = middle
    return next((line for line in _lines(reader, segment, low, 2) if _number(line) == index), None)


def _lines(reader: Reader, segment: SegmentRef, start: int, windows: int = 1) -> Iterator[bytes]:
    """The whole record lines that begin after `start` (at it, for the first of the segment)."""
    data = reader.read(segment.path, start, windows * WINDOW_BYTES)
    if start:
        data = data[data.find(b"\n") + 1 :]
    whole, _, _ = data.rpartition(b"\n")
    return (line for line in whole.split(b"\n") if line.startswith(b"{"))


def _number(line: bytes) -> int:
    number = parse_line(line).get("seq")
    if type(number) is not int:
        raise MalformedLedger("a record has a number")
    return number
