"""A review as JSON and back: the report that is archived, digested and decided upon.

The bytes are canonical (RFC 8785), so the same review always has the same digest. Version 1 is append-only:
a field may be added, never renamed, retyped or removed; `docs/access-review.schema.json` describes it.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.errors import MalformedReview
from shared.records.canonical import canonical_bytes
from shared.review.findings import Review

TYPE = "access_review"
VERSION = 1
MAX_REPORT_BYTES = 64 << 20
"""More than 100,000 principals take."""

_REVIEW: TypeAdapter[Review] = TypeAdapter(Review)


def render_json(review: Review) -> bytes:
    """The canonical bytes. A principal is `[tenant, object id]`, a time RFC 3339 in UTC."""
    fields = _REVIEW.dump_python(review, mode="json")
    return canonical_bytes({"v": VERSION, "type": TYPE, **fields})


def parse_report(data: bytes) -> Review:
    """The inverse of `render_json`; fields of later versions are passed over. Raises MalformedReview."""
    if len(data) > MAX_REPORT_BYTES:
        raise MalformedReview(f"a report has at most {MAX_REPORT_BYTES:,} bytes, got {len(data):,}")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        raise MalformedReview("a report is JSON in UTF-8, got something else") from None
    if not isinstance(fields, dict) or (fields.get("v"), fields.get("type")) != (VERSION, TYPE):
        raise MalformedReview(f"expected a report of type {TYPE} in version {VERSION}")
    try:
        return _REVIEW.validate_python(
            {name: value for name, value in fields.items() if name not in ("v", "type")}
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MalformedReview(f"a report's field {place} is not as its schema says") from None


def report_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a report."""
    schema = _REVIEW.json_schema(mode="serialization")
    properties = {
        "v": {"const": VERSION, "description": "version of this format"},
        "type": {"const": TYPE},
        **schema["properties"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Access review report",
        "properties": properties,
        "required": ["v", "type", *schema["required"]],
    }
