"""Bytes of a request body -> JSON values, for bodies that nobody vouches for."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from shared.errors import InputError

INVALID_JSON = "Invalid request json"
"""Presidio's words; clients match on them."""

MAX_DEPTH = 16
"""The deepest nesting of a body. Presidio's own requests need five levels."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_json(data: bytes) -> object:
    """Decode a body: RFC 8259, UTF-8 (a byte order mark is skipped, as Presidio's server does).

    Refused, though Python's parser takes them: NaN and infinities (also by overflow), the same key twice
    in an object, lone surrogates, more than `MAX_DEPTH` levels. NUL characters are text. How large a body
    may be is the caller's to decide. Raises InputError that begins with `Invalid request json`.
    """
    failure: InputError
    try:
        return _decode(data)
    except InputError as error:
        failure = error
    except UnicodeDecodeError:
        failure = InputError(f"{INVALID_JSON}: the body is not UTF-8")
    except RecursionError:
        failure = InputError(f"{INVALID_JSON}: expected at most {MAX_DEPTH} levels of nesting")
    except ValueError:
        failure = InputError(INVALID_JSON)
    # Raised out here: Python's decoders keep the whole body in their exceptions, which would hang on it.
    failure.__context__ = None
    raise failure


def _decode(data: bytes) -> object:
    _check_depth(data)
    value: object = json.loads(
        data.decode("utf-8-sig"),
        object_pairs_hook=_object,
        parse_constant=_constant,
        parse_float=_finite,
    )
    if _SURROGATE_ESCAPE.search(data) and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        _refuse("a string holds half of a surrogate pair, which is not a character")
    return value


def _refuse(why: str) -> NoReturn:
    raise InputError(f"{INVALID_JSON}: {why}")


def _check_depth(data: bytes) -> None:
    """Refuse what the parser would recurse into too deeply, before it does.

    What is left of a body when strings and everything but brackets are taken away, and then each pair that
    holds nothing as often as there may be levels, is nested more deeply or does not match.
    """
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", data).translate(_AS_SQUARE, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        _refuse(f"brackets that do not match, or more than {MAX_DEPTH} levels of nesting")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        _refuse("a key stands twice in one object")
    return made


def _constant(_: str) -> NoReturn:
    _refuse("NaN and Infinity are not JSON numbers")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        _refuse("a number is too large")
    return number
