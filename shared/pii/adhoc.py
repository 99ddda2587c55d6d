"""Recognizers that a request brings along: their fields, checked before Presidio or `regex` sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import InputError, Unprocessable
from shared.pii.fields import (
    kind,
    read_list,
    read_mapping,
    read_score,
    read_string,
    read_strings,
    refuse_unknown,
)
from shared.pii.values import AdHocPattern, AdHocRecognizer

MAX_RECOGNIZERS = 20
MAX_PATTERNS = 20
MAX_REGEX_CHARS = 2_000
MAX_DENY_LIST = 1_000
MAX_DENY_CHARS = 200
MAX_CONTEXT_WORDS = 200
MAX_NAME_CHARS = 200

DEFAULT_REGEX_FLAGS = 26
"""DOTALL, MULTILINE, IGNORECASE: Presidio's default for recognizers and allow lists."""

USABLE_REGEX_FLAGS = 0x1_FFFF & ~(0x1 | 0x4 | 0x200)
"""Every flag of the `regex` module but TEMPLATE (unused), LOCALE (for bytes) and DEBUG (prints)."""

_FIELDS = frozenset(
    {
        "context",
        "country_code",
        "deny_list",
        "deny_list_score",
        "global_regex_flags",
        "name",
        "patterns",
        "supported_entities",
        "supported_entity",
        "supported_language",
        "version",
    }
)
_PATTERN_FIELDS = frozenset({"name", "regex", "score"})
_IGNORED_TEXTS = ("country_code", "version")
"""Presidio takes these and no finding depends on them."""


def read_ad_hoc_recognizers(value: object) -> tuple[AdHocRecognizer, ...]:
    """The field `ad_hoc_recognizers`. Raises InputError, InputTooLarge, Unprocessable."""
    items = read_list(value, "ad_hoc_recognizers", MAX_RECOGNIZERS)
    return tuple(_read_recognizer(read_mapping(item, "each of ad_hoc_recognizers")) for item in items)


def read_regex_flags(value: object, name: str) -> int:
    """An integer of flags of the `regex` module (null: Presidio's default)."""
    if value is None:
        return DEFAULT_REGEX_FLAGS
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{name} must be an integer, got {kind(value)}")
    if value & ~USABLE_REGEX_FLAGS or value < 0:
        raise Unprocessable(f"{name} holds a flag that cannot be used here")
    return value


def _read_recognizer(item: Mapping[str, Any]) -> AdHocRecognizer:
    refuse_unknown(item, _FIELDS, "an ad-hoc recognizer")
    patterns = read_list(item.get("patterns"), "patterns", MAX_PATTERNS)
    deny_list = read_strings(item.get("deny_list"), "deny_list", MAX_DENY_LIST, MAX_DENY_CHARS)
    if not patterns and not deny_list:
        raise Unprocessable("Pattern recognizer should be initialized with patterns or with deny list")
    for field in _IGNORED_TEXTS:
        if item.get(field) is not None:
            read_string(item[field], field, MAX_NAME_CHARS)
    name = item.get("name")
    return AdHocRecognizer(
        supported_entity=_read_entity(item),
        name=None if name is None else read_string(name, "name", MAX_NAME_CHARS),
        supported_language=read_string(item.get("supported_language", "en"), "supported_language", 20),
        patterns=tuple(_read_pattern(read_mapping(pattern, "each of patterns")) for pattern in patterns),
        deny_list=deny_list,
        context=read_strings(item.get("context"), "context", MAX_CONTEXT_WORDS, MAX_NAME_CHARS),
        deny_list_score=read_score(item.get("deny_list_score", 1.0), "deny_list_score"),
        global_regex_flags=read_regex_flags(item.get("global_regex_flags"), "global_regex_flags"),
    )


def _read_entity(item: Mapping[str, Any]) -> str:
    """`supported_entity`, or the first of `supported_entities` (never both), as in Presidio."""
    if "supported_entity" in item and "supported_entities" in item:
        raise Unprocessable("expected supported_entity or supported_entities, got both")
    listed = read_strings(
        item.get("supported_entities"), "supported_entities", MAX_NAME_CHARS, MAX_NAME_CHARS
    )
    entity = item.get("supported_entity") or (listed[0] if listed else None)
    if not entity:
        raise Unprocessable("Pattern recognizer should be initialized with entity")
    return read_string(entity, "supported_entity", MAX_NAME_CHARS)


def _read_pattern(item: Mapping[str, Any]) -> AdHocPattern:
    refuse_unknown(item, _PATTERN_FIELDS, "a pattern")
    missing = _PATTERN_FIELDS.difference(item)
    if missing:
        raise InputError(f"a pattern lacks the field {min(missing)}")
    return AdHocPattern(
        name=read_string(item["name"], "a pattern's name", MAX_NAME_CHARS),
        regex=read_string(item["regex"], "a pattern's regex", MAX_REGEX_CHARS),
        score=read_score(item["score"], "a pattern's score"),
    )
