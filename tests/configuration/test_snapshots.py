"""Snapshots: canonical bytes under their own hash; anything else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.configuration.snapshots import parse_snapshot
from shared.errors import MalformedLedger
from shared.records.canonical import sha256_hex
from tests.support.configurations import SECTION, shuffle_keys, snapshot


def test_a_snapshot_is_what_its_digest_names() -> None:
    """Stored, read back, the same."""
    made = snapshot()
    assert sha256_hex(made.data) == made.digest
    assert parse_snapshot(made.data, made.digest).content == json.loads(made.data)


@settings(deadline=None)
@given(SECTION, st.data())
def test_the_order_of_keys_does_not_count(section: dict[str, Any], data: st.DataObject) -> None:
    """For any section."""
    assert snapshot(recognizers=section) == snapshot(recognizers=shuffle_keys(section, data))


def test_bytes_of_another_name_are_refused() -> None:
    """A swapped snapshot."""
    with pytest.raises(MalformedLedger, match="does not hash"):
        parse_snapshot(snapshot(packages={}).data, snapshot().digest)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"b":1,"a":2}', b'{"a": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_canonical_object_is_refused(data: bytes) -> None:
    """Though it hashes to its name."""
    with pytest.raises(MalformedLedger):
        parse_snapshot(data, sha256_hex(data))
