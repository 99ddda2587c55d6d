"""The verifier of one writer: its segments by the chain's rules, and against what others say of it.

Others are the root log (seals), receipts held outside, and, for what is gone, records of retention.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.errors import LedgerError, MalformedLedger, StoreError
from shared.ledger.chain import Chain, Head, Line
from shared.ledger.expired import Expired, parse_expired
from shared.ledger.findings import Finding, Kind
from shared.ledger.notes import VerifierKey, verify_note
from shared.ledger.receipts import HeldReceipt
from shared.ledger.rootlog import Seal
from shared.ledger.sealed import SealedStates
from shared.ledger.segments import segment_path
from shared.ledger.sidenotes import NAMING, SideNotes
from shared.ledger.sources import Source
from shared.records.canonical import MAX_LINE_BYTES, parse_time

CHUNK_BYTES = 1 << 20

type Observe = Callable[[str, int, dict[str, Any]], None]
"""`(writer, index, members of the record, seq and prev among them)`. It may keep them, not change them."""

_AGREED, _CONTRADICTED = 1, 2

# types of records that tell more than their own call
_TELLING = frozenset({"retention", *NAMING})

# what a chain says of a segment after the one that broke: that it cannot go on, which is known by then
_CONSEQUENCES = (Kind.RECORD_MISSING, Kind.GENESIS_UNTRUSTED)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment to read: its number, its length in bytes as listed, and where it is read from."""

    number: int
    size: int
    source: Source


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is known of a writer from elsewhere. `resume` is a seal verified before: reading starts there."""

    seals: SealedStates
    receipts: Sequence[tuple[int, HeldReceipt]]
    resume: Seal | None
    now: datetime
    patience: timedelta


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is shown a writer's records, and which: from index `first` to before `end` (None: to the last)."""

    observe: Observe
    first: int
    end: int | None

    def is_asked(self, size: int) -> bool:
        """True where a log of so many records has some of them."""
        return self.first < (size if self.end is None else min(size, self.end))

    def show(self, writer: str, lines: Sequence[Line]) -> None:
        """Show the lines of one commit, as far as they are asked for."""
        if lines[0].seq < self.first or (self.end is not None and lines[-1].seq >= self.end):
            end = self.end if self.end is not None else lines[-1].seq + 1
            lines = [line for line in lines if self.first <= line.seq < end]
        observe = self.observe
        for line in lines:
            observe(writer, line.seq, line.fields)


class WriterCheck:
    """Checks one writer; see `findings`, and what else it learned, after `run`."""

    def __init__(
        self,
        name: tuple[str, str],
        keys: Collection[VerifierKey],
        segments: Sequence[Segment],
        expected: Expectation,
        advance: Callable[[int], None],
        notes: SideNotes | None = None,
        watch: Watch | None = None,
    ) -> None:
        """`name`: the log's and the writer's; `keys`: of the service; `advance` is told of bytes read.

        `notes` is told what records say of objects beside the logs; `watch` sees records.
        """
        self.findings: list[Finding] = []
        self.expired: list[Expired] = []
        self.records = 0
        self.chain = Chain(*name, keys, self)
        self._segments = segments
        self._expected = expected
        self._advance = advance
        self._notes = notes or SideNotes()
        self._watch = watch
        self._sealed = expected.seals.last.size if expected.seals.last else 0
        self._met = bytearray(len(expected.seals))
        self._wanted = {receipt.checkpoint.size for _, receipt in expected.receipts}
        self._roots: dict[int, bytes] = {}
        self._unsealed_since: str | None = None
        self._is_broken = False

    def see_commit(self, head: Head, lines: list[Line], note: bytes) -> None:
        """Compare a proven commit with the seal and the receipts of its size."""
        self.records += len(lines)
        if head.size in self._wanted:
            self._roots[head.size] = head.root
        place = self._expected.seals.find(head.size)
        if place is not None:
            self._meet(place, head)
        if head.size > self._sealed and self._unsealed_since is None:
            self._unsealed_since = str(lines[0].fields.get("time"))
        for line in lines:
            if line.fields.get("type") in _TELLING:
                self._take(line)
        if self._watch is not None:
            self._watch.show(self.chain.writer, lines)

    def run(self) -> None:
        """Read all segments, then settle what the root log and the receipts expected."""
        start = self._resume()
        self._read_segments(start)
        self._settle_seals(start)
        self._settle_receipts()
        self._settle_unsealed()

    def is_met(self, seal: Seal) -> bool:
        """True when an expected seal is exactly a state that was proven."""
        place = self._expected.seals.find(seal.size)
        return place is not None and self._met[place] == _AGREED

    def _meet(self, place: int, head: Head) -> None:
        seals = self._expected.seals
        self._met[place] = _AGREED if seals.is_state(place, head) else _CONTRADICTED
        if not seals.is_root(place, head):
            detail = f"the root sealed for {head.size} records is another"
            self._report(Kind.LOG_FORKED, head.size, detail)
        elif self._met[place] == _CONTRADICTED and not self._is_broken:
            detail = f"ends at byte {head.offset} of segment {head.segment}, and was sealed elsewhere"
            self._report(Kind.PLACE_CHANGED, head.size, detail)

    def _report(self, kind: Kind, index: int | None, detail: str, path: str | None = None) -> None:
        self.findings.append(Finding(kind, path or self.chain.writer, index, detail))

    def _resume(self) -> int:
        """The size from which on records are read: of a seal that was verified before, or 0."""
        seal = self._expected.resume
        if seal is None or seal.segment not in {segment.number for segment in self._segments}:
            return 0
        try:
            self.chain.resume(seal, self._genesis_line())
        except (LedgerError, StoreError):
            return 0  # read from the start: that names what is wrong
        return seal.size

    def _genesis_line(self) -> bytes:
        first = next((segment for segment in self._segments if segment.size), None)
        if first is None:
            raise MalformedLedger("a log without a first record")
        path = segment_path(self.chain.writer, first.number)
        return first.source.read(path, 0, MAX_LINE_BYTES + 1).partition(b"\n")[0]

    def _read_segments(self, start: int) -> None:
        resumed = self.chain.head if start else None
        expected_number = 0
        for segment in self._segments:
            path = segment_path(self.chain.writer, segment.number)
            if segment.number != expected_number:
                missing = f"segment {expected_number} is missing before segment {segment.number}"
                self._report(Kind.SEGMENT_MISSING, expected_number, missing, path)
                self._is_broken = True
            expected_number = segment.number + 1
            if resumed is not None and segment.number < resumed.segment:
                continue
            offset = resumed.offset if resumed is not None and segment.number == resumed.segment else 0
            if offset > segment.size:
                detail = f"{segment.size} bytes, {offset} were sealed"
                self._report(Kind.LOG_SHORTENED, self.chain.head.size, detail, path)
                self._is_broken = True
            else:
                self._read_segment(path, segment, offset)

    def _read_segment(self, path: str, segment: Segment, offset: int) -> None:
        before = self.chain.head.size
        try:
            finding = self.chain.read_segment(segment.number, self._chunks(path, segment, offset), offset)
        except StoreError as error:
            finding = Finding(Kind.UNREADABLE, path, self.chain.head.size, error.message)
        if finding is None:
            return
        is_consequence = finding.kind in _CONSEQUENCES and self.chain.head.size == before
        if not (self._is_broken and is_consequence):
            self.findings.append(finding)
        self._is_broken = True

    def _chunks(self, path: str, segment: Segment, offset: int) -> Iterator[bytes]:
        while offset < segment.size:
            chunk = segment.source.read(path, offset, min(CHUNK_BYTES, segment.size - offset))
            if not chunk:
                return  # shorter than listed; the chain says whether a commit is cut off
            offset += len(chunk)
            self._advance(len(chunk))
            yield chunk

    def _settle_seals(self, start: int) -> None:
        size = self.chain.head.size
        for place, sealed in enumerate(self._expected.seals.sizes):
            if sealed <= start or self._met[place]:
                continue
            if sealed <= size:
                self._report(Kind.LOG_FORKED, sealed, f"no commit ends at {sealed} records, as was sealed")
            elif not self._is_broken:
                detail = f"{size} records are here, {self._sealed} were sealed"
                self._report(Kind.LOG_SHORTENED, size, detail)
                return

    def _settle_receipts(self) -> None:
        for number, receipt in self._expected.receipts:
            self._settle_receipt(f"receipt {number}", receipt)

    def _settle_receipt(self, name: str, receipt: HeldReceipt) -> None:
        held, head = receipt.checkpoint, self.chain.head
        if self.chain.key is None:
            self._report(Kind.ROLLBACK, receipt.index, f"no record of writer {receipt.writer} is here", name)
            return
        try:
            verify_note(receipt.note, [self.chain.key])
        except LedgerError as error:
            self._report(Kind.SIGNATURE_INVALID, receipt.index, error.message, name)
            return
        if held.origin != self.chain.origin or receipt.index >= held.size:
            self._report(
                Kind.RECEIPT_UNMATCHED, receipt.index, "its checkpoint does not cover its record", name
            )
        elif held.size > head.size:
            detail = (
                f"{held.size} records were signed, {head.size} of writer {receipt.writer} are proven here"
            )
            self._report(Kind.ROLLBACK, receipt.index, detail, name)
        elif self._roots.get(held.size) != held.root:
            self._report(Kind.SPLIT_VIEW, receipt.index, f"another root for {held.size} records", name)

    def _settle_unsealed(self) -> None:
        if self._unsealed_since is None:
            return
        try:
            age = self._expected.now - parse_time(self._unsealed_since)
        except ValueError:
            age = self._expected.patience * 2
        if age > self._expected.patience:
            detail = f"{self.chain.head.size - self._sealed} records since {self._unsealed_since}"
            self._report(Kind.UNSEALED, self._sealed, detail)

    def _take(self, line: Line) -> None:
        fields = line.fields
        try:
            if fields["type"] != "retention":
                self._notes.take(self.chain.writer, line.seq, fields)
                return
            self.expired.append(parse_expired(fields))
        except MalformedLedger:
            self._report(Kind.MALFORMED, line.seq, f"a record of type {fields['type']} without its members")
