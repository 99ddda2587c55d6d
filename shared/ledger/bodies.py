"""Record bodies: the canonical bytes of a record that has no place in a log yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from shared.errors import RecordTooLarge
from shared.records.canonical import MAX_LINE_BYTES, canonical_bytes
from shared.records.model import Record

FIRST_PREV = "0" * 64
"""`prev` of record 0: there is no record before it."""

PLACE_BYTES = len('"prev":"",') + 64 + len('"seq":,') + 16
"""The most that `prev` and `seq` add to a body (a sequence number has at most 16 digits)."""

REWRITE_BYTES = 160
"""Room that a body leaves for what rewriting its outcome to a 503 may add to it."""

MAX_BODY_BYTES = MAX_LINE_BYTES - PLACE_BYTES - REWRITE_BYTES

_LONG_NUMBER = re.compile(rb"[:,\[]-?[0-9]{16}")


@dataclass(frozen=True, slots=True)
class RecordBody:
    """The RFC 8785 bytes of a record, cut where `prev` and `seq` will stand.

    A record is encoded once, when it is handed in; its place is known only when its commit is made.
    """

    before: bytes
    between: bytes
    after: bytes

    @property
    def size(self) -> int:
        """Length in bytes, without `prev` and `seq`."""
        return len(self.before) + len(self.between) + len(self.after)

    def place(self, seq: int, prev: str) -> bytes:
        """The record line (without newline) at index `seq`, after the record of leaf hash `prev` (hex)."""
        return b'%b"prev":"%b",%b"seq":%d,%b' % (self.before, prev.encode(), self.between, seq, self.after)


def encode_record(record: Record, most_bytes: int = MAX_BODY_BYTES) -> RecordBody:
    """The body of a record; fields without value (None) are left out.

    Raises RecordTooLarge above `most_bytes` and ValueError for text that UTF-8 cannot carry.
    """
    fields = record.model_dump(mode="json", exclude_none=True)
    body = RecordBody(
        _open_object({name: value for name, value in fields.items() if name < "prev"}),
        _open_object({name: value for name, value in fields.items() if "prev" < name < "seq"})[1:],
        # `service`, `type` and `v` sort behind `seq`, so this part is never empty and ends the object
        _canonical({name: value for name, value in fields.items() if name > "seq"})[1:],
    )
    if body.size > most_bytes:
        raise RecordTooLarge(f"a record has at most {most_bytes} bytes before it is placed, got {body.size}")
    return body


def _open_object(fields: dict[str, Any]) -> bytes:
    """The object without its closing brace, ready for more members."""
    return _canonical(fields)[:-1] + b"," if fields else b"{"


def _canonical(fields: dict[str, Any]) -> bytes:
    """The RFC 8785 form of a JSON object whose numbers are integers. Raises ValueError.

    orjson gives the same bytes for ASCII and numbers of up to 15 digits, thirty times faster than a general
    RFC 8785 writer. Anything else takes the long way: order by UTF-16 units, the range of integers.
    """
    try:
        data = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # what orjson cannot carry, the long way refuses with its reason
        return canonical_bytes(fields)
    return data if data.isascii() and not _LONG_NUMBER.search(data) else canonical_bytes(fields)
