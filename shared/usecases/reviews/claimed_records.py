"""The records that a claim announces: in the log of the writer that it names, from its time on.

A claim is made before its records and names their writer, so nobody has to search the whole ledger for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from shared.errors import MalformedLedger
from shared.ledger.checkpoints import open_checkpoint
from shared.ledger.genesis import verify_genesis, writer_origin
from shared.ledger.hashing import leaf_hash
from shared.ledger.lines import parse_line
from shared.ledger.notes import VerifierKey
from shared.ledger.sideobjects import Claim
from shared.ledger.tree import Frontier
from shared.records.canonical import parse_time
from shared.records.model import RECORD, Record
from shared.usecases.ports import Reader
from shared.usecases.questions import FoundRecord
from shared.usecases.reading import (
    SegmentRef,
    first_fields,
    first_index,
    list_segments,
    read_commits,
    read_lines,
)

ORDER_SLACK = timedelta(hours=1)
"""A record's time may lie before those of records that stand before it in the log by this much."""

MOST_LATE = timedelta(hours=1)
"""So long after its claim a record may come. Whoever takes longer has died, and others have taken over."""


def writer_of(claim: Claim) -> str:
    """The writer that a claim names. Raises MalformedLedger."""
    writer = claim.members.get("writer")
    if not isinstance(writer, str):
        raise MalformedLedger("a claim that announces records names their writer")
    return writer


def find_claimed(reader: Reader, claim: Claim, needle: str) -> Iterator[FoundRecord]:
    """Records of the claim's writer and time in which this text stands, in the order of the log.

    Nothing is verified but the form of what is found. Raises MalformedLedger, StoreError.
    """
    writer, moment = writer_of(claim), parse_time(claim.time)
    segments = [each for each in list_segments(reader, writer).get(writer, ()) if each.size]
    for place, segment in enumerate(segments):
        following = segments[place + 1] if place + 1 < len(segments) else None
        if following is not None and _first_time(reader, following) < moment - ORDER_SLACK:
            continue
        if place and _first_time(reader, segment) > moment + MOST_LATE + ORDER_SLACK:
            return
        for line in read_lines(reader, segment, first_index(reader, segment) or 0):
            if needle.encode() in line.line:
                yield FoundRecord(line.name, parse_line(line.line))


def read_record(fields: dict[str, Any]) -> Record:
    """A record out of the members of its line. Raises MalformedLedger where they are of no type."""
    members = {name: value for name, value in fields.items() if name not in ("seq", "prev")}
    try:
        return RECORD.validate_python(members, strict=False)
    except ValueError:
        raise MalformedLedger("a record without the members of its type") from None


def verify_place(
    reader: Reader, log: str, keys: Collection[VerifierKey], writer: str, index: int, line_hash: bytes
) -> None:
    """Prove that a record with this leaf hash stands at this place of a writer's log, from its genesis on.

    The log is read up to the commit that covers the record; meant for the logs of timers, which are small.
    Raises MalformedLedger, SignatureInvalid, StoreError.
    """
    frontier, size, key = Frontier(), 0, None
    for lines, note in _commits(reader, list_segments(reader, writer).get(writer, ())):
        if key is None:
            key = verify_genesis(parse_line(lines[0]), log, writer, keys)
        for line in lines:
            digest = leaf_hash(line)
            if size == index and digest != line_hash:
                raise MalformedLedger("another record stands at this place")
            frontier.append(digest)
            size += 1
        if size > index:
            checkpoint = open_checkpoint(note, writer_origin(log, writer), [key])
            if (checkpoint.size, checkpoint.root) != (size, frontier.root()):
                raise MalformedLedger("the records of a log do not lead to its signed checkpoint")
            return
    raise MalformedLedger(f"the log of writer {writer} ends before its record {index}")


def _commits(reader: Reader, segments: Collection[SegmentRef]) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    for segment in segments:
        for _, lines, note in read_commits(reader, segment):
            yield lines, note


def _first_time(reader: Reader, segment: SegmentRef) -> datetime:
    try:
        return parse_time(str(first_fields(reader, segment).get("time")))
    except ValueError as error:
        raise MalformedLedger("a record has no time") from error
