"""One record line, read strictly: canonical JSON (RFC 8785) of an object whose numbers are integers."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from shared.errors import MalformedLedger
from shared.records.canonical import MAX_LINE_BYTES, canonical_bytes

_LARGEST = 2**53 - 1


def parse_line(line: bytes) -> dict[str, Any]:
    """The members of a record line (without newline). Raises MalformedLedger for anything not canonical.

    With integers and ASCII only, RFC 8785 is what Python's own JSON writes, compact and sorted (beyond the
    basic plane the order differs: UTF-16 units against code points). This is many times faster than a
    general RFC 8785 writer, and a verifier does it for every record.
    """
    if len(line) > MAX_LINE_BYTES:
        raise MalformedLedger(f"a record line has at most {MAX_LINE_BYTES} bytes")
    try:
        fields = _DECODER.decode(line.decode())
        is_canonical = isinstance(fields, dict) and _canonical(fields, line.isascii()) == line
    except (ValueError, RecursionError) as error:  # UnicodeError and JSONDecodeError are ValueErrors
        raise MalformedLedger("a record line is not JSON as records have it") from error
    if not is_canonical:
        raise MalformedLedger("a record line is not in the canonical form of RFC 8785")
    return dict(fields)


def _canonical(fields: dict[str, Any], is_ascii: bool) -> bytes:
    return _ENCODER.encode(fields).encode() if is_ascii else canonical_bytes(fields)


def _integer(text: str) -> int:
    number = int(text) if len(text) <= 17 else _LARGEST + 1
    if not -_LARGEST <= number <= _LARGEST:
        raise ValueError("a number beyond 2**53 - 1")
    return number


def _refuse(_: str) -> NoReturn:
    raise ValueError("not an integer")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
