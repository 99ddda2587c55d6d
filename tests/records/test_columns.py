"""A record as one flat row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel

from shared.records.columns import ALL_COLUMNS, COLUMNS, Place, flatten_record, record_types
from shared.records.model import Part
from tests.support.records import EVERY_TYPE, access_record

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "datetime": (str,),
    "long": (int,),
    "bool": (bool,),
    "dynamic": (list, dict),
}
PLACE = Place("01JD0000000000000000000000", 7)


def _leaf_fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        parts = [
            a
            for a in (field.annotation, *get_args(field.annotation))
            if get_origin(field.annotation) is not tuple
            if isinstance(a, type) and get_origin(a) is None and issubclass(a, Part)
        ]
        if parts:
            yield from _leaf_fields(parts[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_field_of_every_record_type_has_exactly_one_column() -> None:
    """A field that nobody gave a column would be evidence that no alert rule can read."""
    fields = {field for kind in record_types() for field in _leaf_fields(kind)}
    mapped = [field for column in COLUMNS for field in column.fields]
    assert sorted(mapped) == sorted(fields)


def test_a_column_reads_at_most_one_field_of_a_record_type() -> None:
    """`Reason` is the decision's or the refusal's; no record has both."""
    for kind in record_types():
        fields = set(_leaf_fields(kind))
        for column in COLUMNS:
            assert len(fields & set(column.fields)) <= 1, (kind.__name__, column.name)


def test_names_are_unique_and_in_the_order_of_the_row() -> None:
    """The row and the list of columns agree."""
    names = [column.name for column in ALL_COLUMNS]
    assert len(names) == len(set(names))
    assert list(flatten_record(access_record(), PLACE)) == names


@pytest.mark.parametrize("record", EVERY_TYPE, ids=lambda record: str(record.type))
def test_a_row_holds_what_the_record_says(record: BaseModel) -> None:
    """Each value equals the field's; lists and objects are copies."""
    row = flatten_record(record, PLACE)  # type: ignore[arg-type]
    for column in COLUMNS:
        found: object = None
        for field in column.fields:
            value: object = record
            for name in field.split("."):
                value = getattr(value, name, None)
            if value is not None:
                found = _as_list(value) if isinstance(value, tuple) else value
        if column.name == "Count" and found is None:
            found = 1
        assert row[column.name] == found, column.name
        expected = PYTHON_TYPES[column.type]
        assert row[column.name] is None or isinstance(row[column.name], expected), column.name


def _as_list(values: tuple[object, ...]) -> list[object]:
    return [dict(value) if isinstance(value, Part) else value for value in values]


def test_totals_are_sums_over_entity_types() -> None:
    """Rules on volume need no loop over the object."""
    row = flatten_record(access_record(), PLACE)
    assert row["FoundTotal"] == 5
    assert row["ReleasedTotal"] == 2
