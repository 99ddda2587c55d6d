"""JSON with one meaning only: what two parsers could read differently is refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn


class DuplicateMember(ValueError):
    """One object names a member twice; RFC 8259 section 4 leaves open which one counts."""


def parse_json(text: str) -> Any:
    """The value of a JSON text. No duplicate members, no NaN or Infinity, no bottomless nesting.

    Raises DuplicateMember, or ValueError for everything else that is not JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateMember("a member stands twice in one object")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
