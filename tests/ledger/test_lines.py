"""A record line is read only in its one canonical spelling."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedLedger
from shared.ledger.lines import parse_line

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_NAMES = st.text(st.characters(max_codepoint=0xD7FF), max_size=10)
_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXTS | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_canonical_json_is_read(value: dict[str, Any]) -> None:
    """What RFC 8785's own library writes is read back, whichever parser takes it."""
    assert parse_line(rfc8785.dumps(value)) == value


@given(st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=6), st.data())
def test_no_other_spelling_is_read(value: dict[str, Any], data: st.DataObject) -> None:
    """The same value with spaces, escapes, or in another order."""
    canonical = rfc8785.dumps(value)
    other = data.draw(
        st.sampled_from(
            [
                json.dumps(value, sort_keys=True, ensure_ascii=False).encode(),
                json.dumps(value, sort_keys=True, separators=(",", ":")).encode(),
                json.dumps(
                    dict(sorted(value.items(), reverse=True)), separators=(",", ":"), ensure_ascii=False
                ).encode(),
                canonical + b" ",
                canonical[:-1] + b',"zz":1,"zz":1}',
                b"\xef\xbb\xbf" + canonical,
            ]
        )
    )
    if other != canonical:
        with pytest.raises(MalformedLedger):
            parse_line(other)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":18446744073709551616}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":01}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0041"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\x01"}',
        b'{"a":' + b"[" * 60_000 + b"]" * 4,
        b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"a":[1.5,' + b"[" * 20_000 + b"]" * 20_000 + b"]}",
        b'{"a":"' + b"x" * 70_000 + b'"}',
    ],
)
def test_garbage_is_malformed(line: bytes) -> None:
    """Floats, great numbers, deep nesting, bad UTF-8: one error, no other."""
    with pytest.raises(MalformedLedger):
        parse_line(line)


def test_text_that_looks_like_a_number_is_text() -> None:
    """An address or a version in a text does not make the line malformed."""
    for line in (b'{"a":"[1.5"}', b'{"a":"[1234567890123456789"}', b'{"n":9007199254740991}'):
        assert parse_line(line)
