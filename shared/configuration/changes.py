"""Differences as a record carries them: bounded in number and length, and none is pushed out by many."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

from shared.configuration.differences import NOTHING, SECTIONS, Difference
from shared.records.governance import ChangePart

MAX_CHANGES = 50
MAX_VALUE_CHARS = 200
MAX_PATH_CHARS = 200
MAX_TOTAL_CHARS = 7_500
"""All changes of a record as JSON: an event's property is cut at 8 KiB."""

CUT = "…"
ALL = "(all)"
"""The path of a whole section."""


def list_changes(differences: Iterable[Difference]) -> tuple[tuple[ChangePart, ...], int]:
    """The changes that a record lists, and how many more there are.

    The sections take turns, and single words (but the policy's) come last: neither a thousand words nor a
    thousand scores can push a role's new permission out of the record.
    """
    every = list(differences)
    chosen: list[ChangePart] = []
    total = 0
    for difference in _in_turn(every):
        change = describe_change(difference)
        size = len(json.dumps(change.model_dump(), ensure_ascii=False, separators=(",", ":"))) + 1
        if len(chosen) == MAX_CHANGES or total + size > MAX_TOTAL_CHARS:
            break
        total += size
        chosen.append(change)
    chosen.sort(key=lambda change: (SECTIONS.index(change.part), change.path))
    return tuple(chosen), len(every) - len(chosen)


def describe_change(difference: Difference) -> ChangePart:
    """One difference as it stands in a record."""
    return ChangePart(
        part=difference.section,
        path=_cut(render_path(difference.path), MAX_PATH_CHARS),
        action=difference.action,
        old=_render(difference.old),
        new=_render(difference.new),
    )


def render_path(path: Sequence[str]) -> str:
    """Elements joined by dots; one that has a dot, a quote or a blank at an end stands in quotes."""
    return ".".join(_element(element) for element in path) or ALL


def _element(element: str) -> str:
    needs_quotes = not element or element != element.strip() or any(sign in element for sign in '."')
    return json.dumps(element, ensure_ascii=False) if needs_quotes else element


def _render(value: Any) -> str | None:
    return None if value is NOTHING else _cut(json.dumps(value, sort_keys=True), MAX_VALUE_CHARS)


def _cut(text: str, most_chars: int) -> str:
    return text if len(text) <= most_chars else text[: most_chars - len(CUT)] + CUT


def _in_turn(differences: Sequence[Difference]) -> Iterable[Difference]:
    for is_minor in (False, True):
        queues = [
            [each for each in differences if each.section == section and _is_minor(each) is is_minor]
            for section in SECTIONS
        ]
        for round_ in itertools.zip_longest(*queues):
            yield from (each for each in round_ if each is not None)


def _is_minor(difference: Difference) -> bool:
    return difference.is_word and difference.section != "policy"
