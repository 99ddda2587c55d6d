"""A reading of the directory as JSON and back, so that a review can be made elsewhere and later."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.errors import MalformedReview
from shared.review.directory import Directory, Principal

TYPE, VERSION = "directory", 1
MAX_DIRECTORY_BYTES = 256 << 20

_DIRECTORY: TypeAdapter[Directory] = TypeAdapter(Directory)
_PRINCIPALS: TypeAdapter[tuple[Principal, ...]] = TypeAdapter(tuple[Principal, ...])


def render_directory(directory: Directory) -> bytes:
    """`principals` are a list, each with its key `[tenant, object id]`; the rest is as the types say."""
    fields = _DIRECTORY.dump_python(directory, mode="json", exclude={"principals"})
    principals = _PRINCIPALS.dump_python(tuple(directory.principals.values()), mode="json")
    whole = {"v": VERSION, "type": TYPE, **fields, "principals": principals}
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


def parse_directory(data: bytes) -> Directory:
    """The inverse of `render_directory`. Raises MalformedReview."""
    if len(data) > MAX_DIRECTORY_BYTES:
        raise MalformedReview(f"a directory has at most {MAX_DIRECTORY_BYTES:,} bytes, got {len(data):,}")
    try:
        fields: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise MalformedReview("a directory is JSON in UTF-8, got something else") from None
    if not isinstance(fields, dict) or (fields.get("v"), fields.get("type")) != (VERSION, TYPE):
        raise MalformedReview(f"expected a reading of type {TYPE} in version {VERSION}")
    try:
        principals = _PRINCIPALS.validate_python(fields.pop("principals", None))
        known = {name: value for name, value in fields.items() if name not in ("v", "type")}
        return _DIRECTORY.validate_python({**known, "principals": {each.key: each for each in principals}})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MalformedReview(f"a directory's field {place} is not what was expected") from None
