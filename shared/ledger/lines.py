"""One record line, read strictly: canonical JSON (RFC 8785) of an object whose numbers are integers."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

from shared.errors import MalformedLedger
from shared.records.canonical import MAX_LINE_BYTES, canonical_bytes

_LARGEST = 2**53 - 1

# Numbers that are no integers, or text that looks like them. Three patterns that each begin with a literal
# are four times as fast as one that begins with a choice.
_FRACTION_OF_MEMBER = re.compile(rb'":-?[0-9]+[.eE]').search
_FRACTION_AFTER = re.compile(rb",-?[0-9]+[.eE]").search
_FRACTION_FIRST = re.compile(rb"\[-?[0-9]+[.eE]").search
_STRICT = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def parse_line(line: bytes) -> dict[str, Any]:
    """The members of a record line (without newline). Raises MalformedLedger for anything not canonical.

    With integers and ASCII only, RFC 8785 is what a JSON writer gives that sorts members and adds no white
    space (beyond ASCII the order of names can differ: RFC 8785 sorts by UTF-16 units). A verifier does this
    for every record, so lines without unusual numbers go through a fast parser.
    """
    if len(line) > MAX_LINE_BYTES:
        raise MalformedLedger(f"a record line has at most {MAX_LINE_BYTES} bytes")
    try:
        if not line.isascii():
            fields = _DECODER.decode(line.decode())
            is_canonical = isinstance(fields, dict) and canonical_bytes(fields) == line
        elif _FRACTION_OF_MEMBER(line) or _FRACTION_AFTER(line) or _FRACTION_FIRST(line):
            fields = _DECODER.decode(line.decode())
            is_canonical = _ENCODER.encode(fields).encode() == line
        else:
            fields = orjson.loads(line)
            is_canonical = orjson.dumps(fields, option=_STRICT) == line
    except (ValueError, TypeError, RecursionError) as error:  # the libraries' own errors are of these
        raise MalformedLedger("a record line is not JSON as records have it") from error
    if not is_canonical or not isinstance(fields, dict):
        raise MalformedLedger("a record line is not in the canonical form of RFC 8785")
    return fields


def _integer(text: str) -> int:
    number = int(text) if len(text) <= 17 else _LARGEST + 1
    if not -_LARGEST <= number <= _LARGEST:
        raise ValueError("a number beyond 2**53 - 1")
    return number


def _refuse(_: str) -> NoReturn:
    raise ValueError("not an integer")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
