"""Questions for the audit routes: a page of records, one record, its proof, the newest checkpoint."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from shared.errors import InputError, MalformedLedger
from shared.ledger.evidence import RecordEvidence
from shared.ledger.lines import parse_line
from shared.ledger.notes import VerifierKey
from shared.ledger.receipts import parse_record_name
from shared.records.canonical import parse_time
from shared.usecases.ports import Reader
from shared.usecases.proving import prove_record
from shared.usecases.reading import (
    SegmentRef,
    StoredLine,
    find_line,
    first_fields,
    first_index,
    list_segments,
    read_lines,
)
from shared.usecases.rootstore import RootView

MAX_LIMIT = 1_000
MAX_SCANNED_BYTES = 64 << 20
"""One page reads about this much at most; it then ends early, and its cursor goes on."""

ORDER_SLACK = timedelta(hours=1)
"""Records stand in the order in which calls ended; times of arrival may be out of order by this much."""

type Outcome = Literal["allowed", "denied", "failed"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records: None leaves a matter open. `since` is inclusive, `until` exclusive.

    `caller` is a principal or client app; `entity` was found, released or asked for. `allowed` calls ended
    below 400, `denied` ones were refused by the policy, `failed` are the rest.
    """

    since: datetime | None = None
    until: datetime | None = None
    caller: str | None = None
    operation: str | None = None
    outcome: Outcome | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record and its name, `<writer>/<index>`."""

    name: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Records in the order of writers (by start) and of their logs. `cursor` is None at the end."""

    records: tuple[FoundRecord, ...]
    cursor: str | None


class Questions:
    """Reads one store. Pages are stable: logs only grow at their ends, so none is skipped or repeated."""

    def __init__(self, reader: Reader, log: str, keys: Sequence[VerifierKey]) -> None:
        self._reader = reader
        self._log = log
        self._keys = tuple(keys)

    def page(self, wanted: Filter, limit: int, cursor: str | None = None) -> Page:
        """Up to `limit` records after the cursor. Raises InputError for a bad limit or cursor, StoreError."""
        if not 1 <= limit <= MAX_LIMIT:
            raise InputError(f"limit is a number from 1 to {MAX_LIMIT}")
        found: list[FoundRecord] = []
        scanned = 0
        for line in self._lines(wanted, _parse_cursor(cursor)):
            if len(found) == limit or scanned > MAX_SCANNED_BYTES:
                return Page(tuple(found), _make_cursor(line))
            scanned += len(line.line)
            fields = parse_line(line.line)
            if is_match(fields, wanted):
                found.append(FoundRecord(line.name, fields))
        return Page(tuple(found), None)

    def record(self, name: str) -> FoundRecord | None:
        """A record by its name, None where there is none. Raises InputError for what is no name."""
        writer, index = _parse_name(name)
        line = find_line(self._reader, writer, index)
        return FoundRecord(line.name, parse_line(line.line)) if line is not None else None

    def proof(self, name: str) -> RecordEvidence:
        """Everything that proves a record. Raises InputError, ObjectMissing, LedgerError, StoreError."""
        return prove_record(self._reader, self._log, self._keys, _parse_name(name))

    def checkpoint(self) -> bytes:
        """The newest signed root checkpoint; empty where nothing was sealed yet."""
        return RootView(self._reader, self._log, self._keys).find_head().note

    def _lines(self, wanted: Filter, start: tuple[str, int] | None) -> Iterator[StoredLine]:
        """Lines from the cursor on; segments that are too early are passed over."""
        for writer, segments in sorted(list_segments(self._reader).items()):
            if start is not None and writer < start[0]:
                continue
            first_wanted = start[1] if start is not None and writer == start[0] else 0
            filled = [segment for segment in segments if segment.size]
            for place, segment in enumerate(filled):
                following = filled[place + 1] if place + 1 < len(filled) else None
                if following is not None and self._is_passed(following, first_wanted, wanted):
                    continue
                first = first_index(self._reader, segment) or 0
                for line in read_lines(self._reader, segment, first):
                    if line.index >= first_wanted:
                        yield line

    def _is_passed(self, following: SegmentRef, first_wanted: int, wanted: Filter) -> bool:
        """True where the segment before `following` lies before the cursor or before the time wanted."""
        fields = first_fields(self._reader, following)
        if int(fields.get("seq", 0)) <= first_wanted:
            return True
        return wanted.since is not None and _time_of(fields) < wanted.since - ORDER_SLACK


def is_match(fields: dict[str, Any], wanted: Filter) -> bool:
    """True where a record is one of those asked for."""
    if wanted.since is not None and _time_of(fields) < wanted.since:
        return False
    if wanted.until is not None and _time_of(fields) >= wanted.until:
        return False
    who, what = _part(fields, "who"), _part(fields, "what")
    if wanted.caller is not None and wanted.caller not in (who.get("principal"), who.get("app")):
        return False
    if wanted.operation is not None and wanted.operation not in (
        what.get("operation"),
        *_part(fields, "operations"),
    ):
        return False
    if wanted.entity is not None and not _has_entity(what, wanted.entity):
        return False
    return wanted.outcome is None or wanted.outcome == outcome_of(fields)


def outcome_of(fields: dict[str, Any]) -> Outcome | None:
    """How the call of a record ended, None for records that are of no call."""
    if fields.get("type") == "refusals" or _part(fields, "decision").get("allowed") is False:
        return "denied"
    status = _part(fields, "outcome").get("status")
    if not isinstance(status, int):
        return None
    return "allowed" if status < 400 else "failed"


def _has_entity(what: dict[str, Any], entity: str) -> bool:
    names = ("entities_found", "entities_released", "entities_requested")
    return any(entity in (what.get(name) or ()) for name in names)


def _part(fields: dict[str, Any], name: str) -> dict[str, Any]:
    part = fields.get(name)
    return part if isinstance(part, dict) else {}


def _time_of(fields: dict[str, Any]) -> datetime:
    try:
        return parse_time(str(fields.get("time")))
    except ValueError as error:
        raise MalformedLedger("a record has no time") from error


def _parse_name(name: str) -> tuple[str, int]:
    try:
        return parse_record_name(name)
    except MalformedLedger as error:
        raise InputError(error.message) from error


def _make_cursor(line: StoredLine) -> str:
    return base64.urlsafe_b64encode(line.name.encode()).decode().rstrip("=")


def _parse_cursor(cursor: str | None) -> tuple[str, int] | None:
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return parse_record_name(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
    except (binascii.Error, ValueError, MalformedLedger) as error:
        raise InputError("cursor is not one that an earlier page gave") from error
