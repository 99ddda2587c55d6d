"""Canonical bytes of records (RFC 8785) and the times inside them (RFC 3339, UTC, microseconds)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import rfc8785

MAX_LINE_BYTES = 65_535
"""The largest record line: an entry of C2SP tlog-tiles carries a 16-bit length."""


def canonical_bytes(value: Mapping[str, Any]) -> bytes:
    """The RFC 8785 bytes of a JSON object: sorted keys, no white space, UTF-8, no final newline.

    Integers must lie within +-(2**53 - 1). Raises `ValueError` (rfc8785's errors are ValueErrors) for
    anything that JSON cannot carry: NaN, other types, lone surrogates.
    """
    return rfc8785.dumps(dict(value))


def sha256_hex(data: bytes) -> str:
    """Lower-case hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def format_time(moment: datetime) -> str:
    """`2026-11-24T07:00:00.123456Z`: always UTC, always six digits, so that times sort as text."""
    if moment.tzinfo is None:
        raise ValueError("a time in a record needs a time zone, got a naive datetime")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """The inverse of `format_time`. Raises `ValueError` for any other shape."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
