"""Members of Microsoft Graph's answers, read strictly: what has another type than documented is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.errors import DirectoryUnavailable

NO_ROLE = str(UUID(int=0))
"""The app role id of "default access": an assignment that puts no role into a token."""

EARLIEST_YEAR = 1990
"""Years before stand for "never" (Graph writes 0001-01-01 here and there)."""

MAX_TEXT_CHARS = 512

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OPAQUE = re.compile(r"[A-Za-z0-9_=+/.-]{1,200}")


def read_guid(item: Mapping[str, Any], field: str) -> str:
    """A GUID in lower case: these ids stand in paths. Raises DirectoryUnavailable."""
    value = item.get(field)
    if not isinstance(value, str) or not _GUID.fullmatch(value.lower()):
        raise DirectoryUnavailable(f"expected a GUID in `{field}`, got something else")
    return value.lower()


def read_guid_or_none(item: Mapping[str, Any], field: str) -> str | None:
    """The same for a member that may be null. Raises DirectoryUnavailable."""
    return None if item.get(field) is None else read_guid(item, field)


def read_opaque(item: Mapping[str, Any], field: str) -> str:
    """An id that is no GUID (an app role assignment's). Raises DirectoryUnavailable."""
    value = item.get(field)
    if not isinstance(value, str) or not _OPAQUE.fullmatch(value):
        raise DirectoryUnavailable(f"expected an id in `{field}`, got something else")
    return value


def read_flag(item: Mapping[str, Any], field: str) -> bool | None:
    """True, False, or None where the directory does not say. Raises DirectoryUnavailable."""
    value = item.get(field)
    if value is not None and not isinstance(value, bool):
        raise DirectoryUnavailable(f"expected true, false or null in `{field}`, got something else")
    return value


def read_text(item: Mapping[str, Any], field: str) -> str | None:
    """A text of at most `MAX_TEXT_CHARS` characters (cut), None for null. Raises DirectoryUnavailable."""
    value = item.get(field)
    if value is not None and not isinstance(value, str):
        raise DirectoryUnavailable(f"expected text or null in `{field}`, got something else")
    return value[:MAX_TEXT_CHARS] if value else None


def read_instant(item: Mapping[str, Any], field: str) -> datetime | None:
    """An aware time, None for null and for what stands for "never". Raises DirectoryUnavailable."""
    value = item.get(field)
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise DirectoryUnavailable(f"expected a time in `{field}`, got something else") from None
    if instant.tzinfo is None:
        raise DirectoryUnavailable(f"expected a time with its zone in `{field}`, got one without")
    return instant if instant.year >= EARLIEST_YEAR else None


def read_kind(item: Mapping[str, Any]) -> str:
    """The type of an object in a mixed list: `user`, `servicePrincipal`, `group`, `device`, ...

    Raises DirectoryUnavailable.
    """
    value = item.get("@odata.type")
    if not isinstance(value, str) or not value.startswith("#microsoft.graph."):
        raise DirectoryUnavailable("expected `@odata.type` in each object of a mixed list")
    return value.removeprefix("#microsoft.graph.")


def collect[T](
    items: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], T]
) -> tuple[list[T], DirectoryUnavailable | None]:
    """What could be read of a list, and why it is not the whole of it (None where it is)."""
    found: list[T] = []
    try:
        for item in items:
            found.append(read(item))
    except DirectoryUnavailable as error:
        return found, error
    return found, None
