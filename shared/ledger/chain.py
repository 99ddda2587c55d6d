"""The verifier of one writer's log: a state machine that is fed segments and keeps what is proven.

Rules, in the order in which they are checked (docs/ledger-format.md, "A segment", "A record line"):

1. The bytes are commits: record lines, then one signed checkpoint (`segments.py` cuts them).
2. A record line is canonical JSON. `seq` counts without gaps; `prev` is the leaf hash of the line before.
3. Record 0 is a genesis that a trusted key attests, for this log and this writer; no other record is one.
4. Nothing follows a `closed` record.
5. The checkpoint has this log's origin and verifies under the genesis' key.
6. Its size and root are those of all lines up to here.

What a commit brings is proven when all of them hold for it; a commit that fails changes nothing. The rest of
its segment is then skipped, and the next segment may go on from the last proven commit: that is what a
writer does when foreign bytes appear in a segment of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from shared.errors import LedgerError, MalformedLedger
from shared.ledger.checkpoints import parse_checkpoint
from shared.ledger.findings import Finding, Kind
from shared.ledger.genesis import verify_genesis, writer_origin
from shared.ledger.lines import parse_line
from shared.ledger.notes import VerifierKey, parse_signature
from shared.ledger.rootlog import Seal
from shared.ledger.segments import SegmentCommit, SegmentParser, segment_path
from shared.ledger.tree import Frontier

NO_RECORD = bytes(32)


@dataclass(frozen=True, slots=True)
class Head:
    """A proven state of a writer's log, at the end of a commit. `offset` is in bytes into `segment`."""

    size: int
    root: bytes
    closed: bool
    segment: int
    offset: int
    last_leaf: bytes
    edge: tuple[bytes, ...]


class Line(NamedTuple):
    """A record as it stands: its `seq`, bytes, leaf hash, members, and its place in its segment (bytes).

    A tuple, because one is made for every record that is verified.
    """

    seq: int
    data: bytes
    leaf: bytes
    fields: dict[str, Any]
    offset: int


class Observer(Protocol):
    """Who wants to see what is proven."""

    def see_commit(self, head: Head, lines: list[Line], note: bytes) -> None:
        """A commit is proven: its records, and the signed checkpoint that covers them."""
        ...


class Chain:
    """The state machine. Feed it segments in order with `read_segment`."""

    def __init__(self, log: str, writer: str, keys: Collection[VerifierKey], observer: Observer) -> None:
        self.writer = writer
        self.origin = writer_origin(log, writer)
        self.key: VerifierKey | None = None
        self.genesis: dict[str, Any] = {}
        self._log = log
        self._keys = keys
        self._observer = observer
        self._frontier = Frontier()
        self._head = Head(0, self._frontier.root(), False, 0, 0, NO_RECORD, ())

    @property
    def head(self) -> Head:
        """The state after the last proven commit."""
        return self._head

    def resume(self, seal: Seal, genesis_line: bytes) -> None:
        """Go on from a sealed state instead of the beginning. Raises LedgerError for an untrusted genesis."""
        self._admit(parse_line(genesis_line))
        self._frontier = Frontier(seal.size, seal.edge)
        self._head = Head(seal.size, seal.root, seal.closed, seal.segment, seal.offset, seal.head, seal.edge)

    def read_segment(self, number: int, chunks: Iterable[bytes], start: int = 0) -> Finding | None:
        """Read a segment from byte `start` (an end of a commit); what is wrong with it, if anything."""
        parser = SegmentParser()
        path = segment_path(self.writer, number)
        try:
            for chunk in chunks:
                for commit in parser.feed(chunk):
                    self._read_commit(number, start, commit)
        except _Broken as broken:
            return Finding(broken.kind, path, broken.index, broken.detail)
        except MalformedLedger as error:
            return Finding(Kind.MALFORMED, path, self._head.size, error.message)
        try:
            parser.finish()
        except MalformedLedger as error:
            return Finding(Kind.TRUNCATED, path, self._head.size, error.message)
        return None

    def _read_commit(self, segment: int, start: int, commit: SegmentCommit) -> None:
        lines = self._read_lines(start + commit.offset, commit.lines)
        size, root = self._open_checkpoint(commit.note)
        if size != lines[-1].seq + 1:
            raise _Broken(
                Kind.SIZE_MISMATCH,
                self._head.size,
                f"{size} records are signed, here are {lines[-1].seq + 1}",
            )
        frontier = self._frontier.copy()
        frontier.extend(line.leaf for line in lines)
        if frontier.root() != root:
            raise _Broken(
                Kind.ROOT_MISMATCH, self._head.size, f"the root signed for {size} records is not theirs"
            )
        self._frontier = frontier
        self._head = Head(
            size=size,
            root=root,
            closed=lines[-1].fields.get("type") == "closed",
            segment=segment,
            offset=start + commit.offset + commit.size,
            last_leaf=lines[-1].leaf,
            edge=frontier.roots,
        )
        self._observer.see_commit(self._head, lines, commit.note)

    def _read_lines(self, offset: int, lines: Iterable[bytes]) -> list[Line]:
        read: list[Line] = []
        seq, closed = self._head.size, self._head.closed
        previous, previous_hex = self._head.last_leaf, self._head.last_leaf.hex()
        for data in lines:
            if closed:
                raise _Broken(Kind.AFTER_CLOSED, seq, f"a record at byte {offset}")
            fields = _parse(data, seq)
            kind = fields.get("type")
            if (
                fields.get("seq") != seq
                or fields.get("prev") != previous_hex
                or seq == 0
                or kind == "genesis"
            ):
                self._check_place(fields, seq, previous_hex)
            closed = kind == "closed"
            previous = sha256(b"\x00" + data).digest()  # leaf_hash written out
            previous_hex = previous.hex()
            read.append(Line(seq, data, previous, fields, offset))
            offset += len(data) + 1
            seq += 1
        return read

    def _check_place(self, fields: dict[str, Any], index: int, previous_hex: str) -> None:
        seq = fields.get("seq")
        if type(seq) is not int:
            raise _Broken(Kind.MALFORMED, index, "a record without a number")
        if seq != index:
            kind = Kind.RECORD_MISSING if seq > index else Kind.RECORD_REPEATED
            raise _Broken(kind, index, f"record {seq} stands where record {index} belongs")
        if fields.get("prev") != previous_hex:
            detail = f"`prev` of record {index} is not the hash of the line before"
            raise _Broken(Kind.CHAIN_BROKEN, index, detail)
        if (fields.get("type") == "genesis") != (index == 0):
            raise _Broken(Kind.MALFORMED, index, "record 0, and no other, is a genesis")
        if index == 0:
            self._admit_or_break(fields)

    def _admit(self, fields: dict[str, Any]) -> None:
        self.key = verify_genesis(fields, self._log, self.writer, self._keys)
        self.genesis = fields

    def _admit_or_break(self, fields: dict[str, Any]) -> None:
        try:
            self._admit(fields)
        except LedgerError as error:
            raise _Broken(Kind.GENESIS_UNTRUSTED, 0, error.message) from error

    def _open_checkpoint(self, note: bytes) -> tuple[int, bytes]:
        """Size and root of a commit's note, once its form and its signature have been checked."""
        index = self._head.size
        if self.key is None:
            raise _Broken(Kind.GENESIS_UNTRUSTED, index, "a commit without a genesis before it")
        try:
            text, _, line = note.decode().rpartition("\n\n")
            checkpoint = parse_checkpoint(text + "\n")
            signature = parse_signature(line[:-1])
        except (MalformedLedger, UnicodeDecodeError) as error:
            raise _Broken(Kind.MALFORMED, index, "the end of a commit is not a signed checkpoint") from error
        if checkpoint.origin != self.origin:
            raise _Broken(Kind.MALFORMED, index, "a checkpoint of another log: its origin differs")
        if (signature.name, signature.key_id) != (self.key.name, self.key.key_id):
            raise _Broken(Kind.SIGNATURE_INVALID, index, "the checkpoint is not signed by the genesis' key")
        try:
            self.key.verify((text + "\n").encode(), signature.value)
        except LedgerError as error:
            detail = f"of the checkpoint for {checkpoint.size} records"
            raise _Broken(Kind.SIGNATURE_INVALID, index, detail) from error
        return checkpoint.size, checkpoint.root


class _Broken(Exception):
    def __init__(self, kind: Kind, index: int, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.index = index
        self.detail = detail


def _parse(data: bytes, index: int) -> dict[str, Any]:
    try:
        return parse_line(data)
    except MalformedLedger as error:
        raise _Broken(Kind.MALFORMED, index, error.message) from error
