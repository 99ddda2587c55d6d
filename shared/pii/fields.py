"""Readers of single fields: the right type within bounds, or an error that names the field alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import InputError, InputTooLarge

_JSON_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


def kind(value: object) -> str:
    """The JSON name of a value's type, for messages."""
    return _JSON_NAMES.get(type(value), "something else")


def read_mapping(value: object, name: str) -> Mapping[str, Any]:
    """An object, as it is."""
    if not isinstance(value, dict):
        raise InputError(f"{name} must be an object, got {kind(value)}")
    return value


def read_list(value: object, name: str, most: int) -> list[Any]:
    """A list of at most `most` items; null and everything else that is empty counts as no items."""
    if not value:
        return []
    if not isinstance(value, list):
        raise InputError(f"{name} must be a list, got {kind(value)}")
    if len(value) > most:
        raise InputTooLarge(f"{name} may have at most {most} items, got {len(value)}")
    return value


def read_string(value: object, name: str, most_chars: int) -> str:
    """A string of at most `most_chars` characters."""
    if not isinstance(value, str):
        raise InputError(f"{name} must be a string, got {kind(value)}")
    if len(value) > most_chars:
        raise InputTooLarge(f"{name} may have at most {most_chars} characters, got {len(value)}")
    return value


def read_strings(value: object, name: str, most: int, most_chars: int) -> tuple[str, ...]:
    """A list of strings; null and everything else that is empty counts as no items."""
    return tuple(read_string(item, f"each of {name}", most_chars) for item in read_list(value, name, most))


def read_bool(value: object, name: str) -> bool:
    """A boolean; null counts as false."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InputError(f"{name} must be a boolean, got {kind(value)}")
    return value


def read_score(value: object, name: str) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} must be a number from 0 to 1, got {kind(value)}")
    if not 0 <= value <= 1:
        raise InputError(f"{name} must be a number from 0 to 1")
    return value


def refuse_unknown(value: Mapping[str, Any], known: frozenset[str], name: str) -> None:
    """Every key must be known. The unknown one is not named: it is the caller's word."""
    if not known.issuperset(value):
        raise InputError(f"{name} has an unknown field; expected some of: {', '.join(sorted(known))}")
