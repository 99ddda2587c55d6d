"""Spans and operators of /anonymize and /deanonymize: their fields, refused in Presidio's words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from shared.errors import InputError, InputTooLarge, Unprocessable
from shared.pii.fields import kind, read_mapping, read_string
from shared.pii.values import Operator, Span

MAX_SPANS = 100_000
MAX_OPERATORS = 500
MAX_PARAMS = 20
MAX_PARAM_CHARS = 10_000
MAX_TYPE_CHARS = 200
_LARGEST_EXACT = 2**53
_PRESIDIO_NAMES = {bool: "boolean", str: "string", list: "array"}


def read_operators(value: object, name: str) -> tuple[Operator, ...]:
    """An object of entity type -> `{"type": operator, …parameters}`. Raises InputError, Unprocessable."""
    if value is None:
        return ()
    items = read_mapping(value, name)
    if len(items) > MAX_OPERATORS:
        raise InputTooLarge(f"{name} may have at most {MAX_OPERATORS} entries, got {len(items)}")
    return tuple(_read_operator(key, read_mapping(item, f"each of {name}")) for key, item in items.items())


def _read_operator(entity_type: str, item: Mapping[str, Any]) -> Operator:
    name = item.get("type")
    if not name:
        raise Unprocessable("Invalid input, operator config must contain operator_name")
    if len(item) > MAX_PARAMS:
        raise InputTooLarge(f"an operator may have at most {MAX_PARAMS} parameters, got {len(item) - 1}")
    for param, value in item.items():
        if len(param) > MAX_TYPE_CHARS or (isinstance(value, str) and len(value) > MAX_PARAM_CHARS):
            raise InputTooLarge(f"an operator's parameter may have at most {MAX_PARAM_CHARS} characters")
    return Operator(
        entity_type=read_string(entity_type, "an entity type", MAX_TYPE_CHARS),
        name=read_string(name, "an operator's type", MAX_TYPE_CHARS),
        params={key: value for key, value in item.items() if key != "type"},
    )


def read_analyzer_results(value: object) -> tuple[Span, ...]:
    """The field `analyzer_results`: a list, that may be empty but not absent; every item has a score."""
    if value is None:
        raise Unprocessable("Invalid input, request must contain analyzer results")
    return tuple(
        _read_span(item, "analyzer_results", True) for item in _read_items(value, "analyzer_results")
    )


def read_anonymizer_results(value: object) -> tuple[Span, ...]:
    """The field `anonymizer_results`: the `items` that /anonymize gave, or nothing."""
    items = _read_items(value, "anonymizer_results") if value else []
    return tuple(_read_span(item, "anonymizer_results", False) for item in items)


def _read_items(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{name} must be a list, got {kind(value)}")
    if len(value) > MAX_SPANS:
        raise InputTooLarge(f"{name} may have at most {MAX_SPANS} items, got {len(value)}")
    return value


def _read_span(value: object, name: str, needs_score: bool) -> Span:
    """One span. Whether it lies within the text is Presidio's to say: it depends on the other spans."""
    item = read_mapping(value, f"each of {name}")
    start, end = _read_offset(item, "start"), _read_offset(item, "end")
    entity_type = item.get("entity_type")
    if not entity_type:
        raise Unprocessable("Invalid input, result must contain entity_type")
    if not isinstance(entity_type, str):
        raise Unprocessable(f"entity_type must be a string, got {kind(entity_type)}")
    if start < 0 or end < 0:
        raise Unprocessable("Invalid input, result start and end must be positive")
    if start > end:
        raise Unprocessable(f"Invalid input, start index '{start}' must be smaller than end index '{end}'")
    return Span(
        entity_type=read_string(entity_type, "entity_type", MAX_TYPE_CHARS),
        start=start,
        end=end,
        score=_read_score(item.get("score"), needs_score),
    )


def _read_offset(item: Mapping[str, Any], name: str) -> int:
    value = item.get(name)
    if value is None:
        raise Unprocessable(f"Invalid input, result must contain {name}")
    if isinstance(value, bool) or not isinstance(value, int):
        got = _PRESIDIO_NAMES.get(type(value))
        if got is None:
            raise Unprocessable(f"Invalid parameter value for '{name}'.")
        raise Unprocessable(f"Invalid parameter value for {name}. Expecting 'number', but got '{got}'.")
    if abs(value) > _LARGEST_EXACT:
        raise Unprocessable(f"{name} is too large")
    return value


def _read_score(value: object, is_needed: bool) -> float | None:
    if value is None:
        if is_needed:
            raise Unprocessable("Invalid input, analyzer result must contain score")
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unprocessable(f"score must be a number, got {kind(value)}")
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) > _LARGEST_EXACT):
        raise Unprocessable("score is too large")
    return value
