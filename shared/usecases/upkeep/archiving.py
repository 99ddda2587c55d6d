"""Archiving: what never changes again, copied byte for byte into the store of the legal retention.

That is finished segments, the root log, snapshots of configurations and claims. Reports of reviews are made
in the archive.

The first store holds append blobs, which lifecycle rules cannot move to colder tiers and whose retention
counts anew with every append; the archive holds the same bytes as block blobs, written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from shared.errors import LedgerError, MalformedLedger, ObjectExists
from shared.ledger.findings import Finding, Kind
from shared.ledger.lines import parse_line
from shared.ledger.rootlog import ROOT_PREFIX
from shared.ledger.sideobjects import CONFIG_PREFIX, ONCE_PREFIX, is_side_object
from shared.records.canonical import MAX_LINE_BYTES, parse_time
from shared.usecases.ports import Clock, LedgerStore, Reader
from shared.usecases.reading import SegmentRef, first_fields, list_segments

IDLE = timedelta(hours=25)
"""A writer begins a new segment an hour after the last one's first record; a day later none still grows."""

TAIL_BYTES = MAX_LINE_BYTES + 4096


@dataclass(frozen=True, slots=True)
class Archived:
    """What a run copied, how much was there already, and copies that are not what they should be."""

    copied: int
    copied_bytes: int
    present: int
    findings: tuple[Finding, ...]


class Archiver:
    """Copies what will never change again. Safe to repeat, twice at once, and after dying anywhere."""

    def __init__(self, source: Reader, archive: LedgerStore, clock: Clock) -> None:
        self._source = source
        self._archive = archive
        self._clock = clock

    def run(self) -> Archived:
        """Copy what is finished and not in the archive. Raises StoreError: run it again."""
        present = {item.path: item.size for item in self._archive.list("")}
        findings: list[Finding] = []
        copied = copied_bytes = there = 0
        for path, size in self._finished():
            if path in present:
                there += 1
                if present[path] != size:
                    detail = f"{present[path]} bytes, the original has {size}"
                    findings.append(Finding(Kind.COPY_DIFFERS, path, None, detail))
                continue
            data = self._source.read(path, 0, size)
            if not self._copy(path, data):
                findings.append(Finding(Kind.COPY_DIFFERS, path, None, "another digest after copying"))
            copied, copied_bytes = copied + 1, copied_bytes + size
        return Archived(copied, copied_bytes, there, tuple(findings))

    def _copy(self, path: str, data: bytes) -> bool:
        """Create the copy and read it back; False where what is stored has another digest."""
        with suppress(ObjectExists):  # another run was quicker, or an earlier one lost the answer
            self._archive.create(path, data)
        return sha256(self._archive.read(path)).digest() == sha256(data).digest()

    def _finished(self) -> list[tuple[str, int]]:
        finished = [(item.path, item.size) for item in self._source.list(ROOT_PREFIX)]
        for prefix in (CONFIG_PREFIX, ONCE_PREFIX):
            finished += [
                (item.path, item.size) for item in self._source.list(prefix) if is_side_object(item.path)
            ]
        for segments in list_segments(self._source).values():
            finished += [
                (segment.path, segment.size)
                for place, segment in enumerate(segments)
                if segment.size and self._is_finished(segment, segments[place + 1 :])
            ]
        return finished

    def _is_finished(self, segment: SegmentRef, later: Sequence[SegmentRef]) -> bool:
        """True where a later segment holds a commit, the log is closed, or its hour is long past."""
        if any(other.size for other in later) or is_closed(self._source, segment):
            return True
        return self._clock() - first_time(self._source, segment) > IDLE


def is_closed(reader: Reader, segment: SegmentRef) -> bool:
    """True where the segment's last record is `closed`."""
    fields = last_record(reader, segment)
    return fields is not None and fields.get("type") == "closed"


def last_record(reader: Reader, segment: SegmentRef) -> dict[str, object] | None:
    """The members of a segment's last record, None where its end is no commit."""
    start = max(0, segment.size - TAIL_BYTES)
    lines = reader.read(segment.path, start, segment.size - start).split(b"\n")
    if len(lines) < 7:
        return None
    try:
        return parse_line(lines[-7])
    except MalformedLedger:
        return None


def first_time(reader: Reader, segment: SegmentRef) -> datetime:
    """The time of a segment's first record. Raises LedgerError for a segment that has none."""
    try:
        return parse_time(str(first_fields(reader, segment).get("time")))
    except ValueError as error:
        raise LedgerError("a segment's first record has no time") from error
