"""From a row to what the exporter keeps of it.

Measured with azure-monitor-opentelemetry 1.8.11: every property becomes `str(value)` (a list its Python
repr), values are cut at 8 KiB, numbers survive only as measurements. So text stays text, booleans become
`true` and `false`, lists and objects JSON text that is shortened by whole items, and numbers go into
`Measurements`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from shared.records.columns import Listed, Value

MAX_VALUE_CHARS = 8 * 1024
"""Application Insights keeps this many characters of a property."""

CUT = "Truncated"
"""Property that lists the columns that did not fit whole; absent where all did."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What goes into `Properties` and what into `Measurements` of an AppEvents row."""

    properties: dict[str, str]
    measurements: dict[str, int]


def split_attributes(row: Mapping[str, Value]) -> Attributes:
    """Properties and measurements of a row; absent values are left out."""
    properties: dict[str, str] = {}
    measurements: dict[str, int] = {}
    cut: list[str] = []
    for name, value in row.items():
        if value is None:
            continue
        if isinstance(value, bool):
            properties[name] = "true" if value else "false"
        elif isinstance(value, int):
            measurements[name] = value
        else:
            text = value if isinstance(value, str) else _dump(value)
            if len(text) > MAX_VALUE_CHARS:
                text = _shorten(value)
                cut.append(name)
            properties[name] = text
    if cut:
        properties[CUT] = _dump(cut)
    return Attributes(properties, measurements)


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _shorten(value: str | Listed | dict[str, int]) -> str:
    """The longest beginning that fits, cut between items so that it still parses."""
    if isinstance(value, str):
        return value[:MAX_VALUE_CHARS]
    fits, too_many = 0, len(value)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if len(_dump(_begin(value, middle))) <= MAX_VALUE_CHARS:
            fits = middle
        else:
            too_many = middle
    return _dump(_begin(value, fits))


def _begin(value: Listed | dict[str, int], items: int) -> object:
    return dict(itertools.islice(value.items(), items)) if isinstance(value, dict) else value[:items]
