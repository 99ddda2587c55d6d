"""Segments: where a writer's commits stand, and how their bytes are cut back into commits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.errors import MalformedLedger
from shared.ledger.notes import DASH
from shared.records.canonical import MAX_LINE_BYTES

WRITERS_PREFIX = "v1/w/"

MAX_COMMIT_BYTES = 4 * 1024 * 1024 - 1
"""A commit is one AppendBlock, which stays under 4 MiB (the limit of service versions before 2022-11-02)."""

MAX_NOTE_LINE_BYTES = 1_024

MAX_SEGMENT_NUMBER = 99_999_999

_PATH = re.compile(r"v1/w/([0-7][0-9A-HJKMNP-TV-Z]{25})/([0-9]{8})\.seg")
_SIGNATURE_START = f"{DASH} ".encode()


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """When a writer goes on to the next segment. Azure takes 50,000 blocks an append blob."""

    commits: int = 45_000
    size_bytes: int = 64 * 1024 * 1024
    age_s: int = 3_600


@dataclass(frozen=True, slots=True)
class SegmentCommit:
    """One commit as it was read: record lines without their newlines, and the signed checkpoint's bytes.

    `offset` is the position of its first byte in the segment, `size` its length.
    """

    offset: int
    size: int
    lines: tuple[bytes, ...]
    note: bytes


def writer_prefix(writer: str) -> str:
    """The folder of a writer's segments."""
    return f"{WRITERS_PREFIX}{writer}/"


def segment_path(writer: str, number: int) -> str:
    """The path of a writer's segment; numbers go from 0 and are dense. Raises ValueError."""
    path = f"{writer_prefix(writer)}{number:08d}.seg"
    if not _PATH.fullmatch(path):
        raise ValueError(f"a segment has a ULID and a number to {MAX_SEGMENT_NUMBER}, got number {number}")
    return path


def parse_segment_path(path: str) -> tuple[str, int]:
    """Writer and number of a segment's path. Raises MalformedLedger."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedLedger("a segment's path is v1/w/<ULID>/<eight digits>.seg")
    return match[1], int(match[2])


def encode_commit(lines: Iterable[bytes], note: bytes) -> bytes:
    """The bytes of one commit: record lines, each ended by a newline, and the signed checkpoint."""
    return b"".join([line + b"\n" for line in lines]) + note


class SegmentParser:
    """Cuts a segment into commits as its bytes come in. Holds at most one commit and what was fed last.

        record-line+  origin  size  root  (blank)  signature

    Checks the form only: whether the commits continue the log is for who knows the log so far.
    """

    def __init__(self) -> None:
        self.offset = 0
        """End of the last whole commit: what stands before it is well-formed."""
        self._buffer = bytearray()
        self._scanned = 0
        self._lines: list[bytes] = []
        self._note: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[SegmentCommit]:
        """The commits that are whole now. Raises MalformedLedger, naming the position in the segment."""
        self._buffer += data
        yield from self._cut_whole()
        while (commit := self._scan_lines()) is not None:
            yield commit
            yield from self._cut_whole()
        if len(self._buffer) - self._scanned > MAX_LINE_BYTES:
            raise self._malformed(self._scanned, f"a line of at most {MAX_LINE_BYTES} bytes")
        self._check_size(len(self._buffer))

    def finish(self) -> None:
        """The segment ends here. Raises MalformedLedger where that is in the middle of a commit."""
        if self._buffer:
            raise MalformedLedger(
                f"the segment ends inside a commit: {len(self._buffer)} bytes after position {self.offset}"
                " are no whole commit (records and their signed checkpoint)"
            )

    def _cut_whole(self) -> Iterator[SegmentCommit]:
        """The next commits as long as they are whole and well-formed: the way of nearly all, at C's speed.

        A blank line stands in a commit once, before its signature. What is left is for the line by line way,
        which says what is wrong or waits for more.
        """
        if self._scanned or self._lines or self._note:
            return
        lines = bytes(self._buffer).split(b"\n")
        last = len(lines) - 1  # the last one has no newline yet
        start = taken = 0
        while True:
            try:
                end = lines.index(b"", start, last) + 2
            except ValueError:
                break
            records, note = lines[start : end - 5], lines[end - 5 : end]
            size = sum(map(len, records)) + sum(map(len, note)) + end - start
            if end > last or size > MAX_COMMIT_BYTES or not (_are_records(records) and _is_note(note)):
                break
            commit = SegmentCommit(self.offset, size, tuple(records), b"\n".join(note) + b"\n")
            self.offset += size
            start, taken = end, taken + size
            yield commit
        del self._buffer[:taken]

    def _scan_lines(self) -> SegmentCommit | None:
        """Line by line from where it stopped, to the end of one commit or of what is here."""
        while (end := self._buffer.find(b"\n", self._scanned)) >= 0:
            self._check_size(end + 1)
            self._take_line(bytes(self._buffer[self._scanned : end]), self._scanned)
            self._scanned = end + 1
            if len(self._note) == len(_NOTE_LINES):
                return self._finish_commit(self._scanned)
        return None

    def _take_line(self, line: bytes, start: int) -> None:
        if not self._note and line.startswith(b"{"):
            if len(line) > MAX_LINE_BYTES:
                raise self._malformed(start, f"a record line of at most {MAX_LINE_BYTES} bytes")
            self._lines.append(line)
            return
        if not self._lines:
            raise self._malformed(start, "a record line, which begins with {")
        form, expected = _NOTE_LINES[len(self._note)]
        if len(line) > MAX_NOTE_LINE_BYTES or not form.fullmatch(line):
            raise self._malformed(start, expected)
        self._note.append(line)

    def _finish_commit(self, size: int) -> SegmentCommit:
        note = b"".join([line + b"\n" for line in self._note])
        commit = SegmentCommit(self.offset, size, tuple(self._lines), note)
        del self._buffer[:size]
        self.offset += size
        self._lines, self._note, self._scanned = [], [], 0
        return commit

    def _check_size(self, size: int) -> None:
        if size > MAX_COMMIT_BYTES:
            raise self._malformed(0, f"a commit of at most {MAX_COMMIT_BYTES} bytes")

    def _malformed(self, start: int, expected: str) -> MalformedLedger:
        return MalformedLedger(f"position {self.offset + start}: expected {expected}")


_NOTE_LINES = (
    (re.compile(rb"[^\x00-\x20\x7f{][^\x00-\x1f\x7f]*"), "the checkpoint's origin after the records"),
    (re.compile(rb"[1-9][0-9]{0,15}"), "the checkpoint's size, a decimal number"),
    (re.compile(rb"[A-Za-z0-9+/]{43}="), "the checkpoint's root, base64 of 32 bytes"),
    (re.compile(rb""), "a blank line before the signature"),
    (re.compile(re.escape(_SIGNATURE_START) + rb"[^\x00-\x20]+ [A-Za-z0-9+/]+={0,2}"), "one signature line"),
)


def _are_records(lines: list[bytes]) -> bool:
    return bool(lines) and all(line[:1] == b"{" and len(line) <= MAX_LINE_BYTES for line in lines)


def _is_note(lines: list[bytes]) -> bool:
    return len(lines) == len(_NOTE_LINES) and all(
        len(line) <= MAX_NOTE_LINE_BYTES and form.fullmatch(line) is not None
        for line, (form, _) in zip(lines, _NOTE_LINES, strict=True)
    )


def parse_segment(chunks: Iterable[bytes]) -> Iterator[SegmentCommit]:
    """The commits of a segment whose bytes come in pieces of any size.

    Raises MalformedLedger at the first byte that is not of the form, after all commits before it.
    """
    parser = SegmentParser()
    for chunk in chunks:
        yield from parser.feed(chunk)
    parser.finish()
