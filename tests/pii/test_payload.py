"""Bodies that nobody vouches for: decoded strictly, refused clearly, in bounded time and memory."""

from __future__ import annotations

import json
import time

import pytest

from shared.errors import InputError
from shared.pii.payload import INVALID_JSON, MAX_DEPTH, parse_json

CANARY = "canary-5e1f"


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"{}", {}),
        (b'{"a": [1, 2.5, true, null, "x"]}', {"a": [1, 2.5, True, None, "x"]}),
        (b"\xef\xbb\xbf[]", []),
        ('"żółć 😀"'.encode(), "żółć 😀"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\u0000"', "\0"),
        (b"5", 5),
    ],
)
def test_json_is_decoded(data: bytes, value: object) -> None:
    """RFC 8259 JSON in UTF-8, a byte order mark or NUL characters in strings included."""
    assert parse_json(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b"nope",
        b'{"a": }',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'"raw \n newline"',
        b'{"a": 1} trailing',
        b"\xff\xfe{\x00}\x00",
        b'"\xc3"',
        b'"\xed\xa0\x80"',
        b'{"a": NaN}',
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[-1e999]",
        b'{"a": 1, "a": 2}',
        b'{"x": {"a": 1, "\\u0061": 2}}',
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'{"\\ud800": 1}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"9" * 10_000,
        json.dumps("x" * 50).encode("utf-16"),
    ],
    ids=range(27),
)
def test_what_is_not_json_is_refused_with_presidios_words(data: bytes) -> None:
    """`Invalid request json`, with the reason where there is a simple one, and nothing of the body."""
    with pytest.raises(InputError) as caught:
        parse_json(data)
    assert caught.value.message.startswith(INVALID_JSON)
    assert len(caught.value.message) < 120


def test_brackets_in_strings_do_not_nest() -> None:
    """Only structure counts."""
    text = "[{" * 1000 + '\\"['
    assert parse_json(json.dumps({"text": text}).encode()) == {"text": text}


def test_the_greatest_depth_is_decoded() -> None:
    """MAX_DEPTH levels are allowed."""
    parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_no_exception_keeps_the_body() -> None:
    """Python's decoders attach the whole body to their exceptions: those are not left hanging on ours."""
    for data in (f'{{"text": "{CANARY}"'.encode(), CANARY.encode() + b"\xff", f'"{CANARY}\\ud800"'.encode()):
        with pytest.raises(InputError) as caught:
            parse_json(data)
        assert caught.value.__context__ is None
        assert CANARY not in str(caught.value)


def test_ten_megabytes_take_bounded_time() -> None:
    """A second or so for bodies of 10 MB of brackets, quotes, backslashes, numbers or keys."""
    megabytes = 10_000_000
    bodies = [
        b"[" * megabytes,
        b'"' * megabytes,
        b'"' + b"\\" * megabytes,
        b'["' + b"\\\\" * (megabytes // 2) + b'"]',
        b"[" + b"1," * (megabytes // 2) + b"1]",
        b"[" + b"[]," * (megabytes // 3) + b"[]]",
        b'{"a":"' + b"x" * megabytes + b'"}',
    ]
    for body in bodies:
        started_s = time.process_time()
        try:
            parse_json(body)
        except InputError as error:
            assert error.message.startswith(INVALID_JSON)
        assert time.process_time() - started_s < 4
