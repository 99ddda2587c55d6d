"""Requests made to hurt. Each must be refused clearly, in bounded time and memory, and leave a record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

GOOD = {"text": "John Smith called 212-555-0199", "language": "en"}
SPAN = {"start": 0, "end": 4, "entity_type": "PERSON", "score": 1}
MANY = 100_000


@dataclass(frozen=True)
class Hostile:
    """One request. `body` may be a function where it is large; what is not bytes is sent as JSON."""

    name: str
    path: str
    body: Any
    persona: str = "engineer"
    content_type: str = "application/json"

    def make_body(self) -> Any:
        """The body, made now."""
        return self.body() if callable(self.body) else self.body


def text_of(make: Callable[[], str]) -> Callable[[], dict[str, Any]]:
    """An analysis of a large text."""
    return lambda: {"text": make(), "language": "en"}


def ad_hoc(regex: str, text: str) -> dict[str, Any]:
    """An analysis with one recognizer of its own."""
    recognizer = {
        "name": "r",
        "supported_language": "en",
        "supported_entity": "BAD",
        "patterns": [{"name": "p", "regex": regex, "score": 0.5}],
    }
    return {"text": text, "language": "en", "entities": ["BAD"], "ad_hoc_recognizers": [recognizer]}


def anonymize(operator: dict[str, Any], text: str = "John", spans: list[dict[str, Any]] | None = None) -> Any:
    """An anonymization of a text by one operator."""
    return {"text": text, "analyzer_results": spans or [SPAN], "anonymizers": {"DEFAULT": operator}}


def raw(value: bytes, name: bytes = b"score_threshold") -> bytes:
    """A good analysis with one more member, as raw JSON."""
    return b'{"text": "John", "language": "en", "' + name + b'": ' + value + b"}"


def many_recognizers() -> dict[str, Any]:
    return {**GOOD, "ad_hoc_recognizers": ad_hoc("a", "a")["ad_hoc_recognizers"] * 10_000}


def many_replacements() -> Any:
    spans = [{**SPAN, "start": n * 3, "end": n * 3 + 1} for n in range(20_000)]
    return anonymize({"type": "replace", "new_value": "x" * MANY}, "ab " * 30_000, spans)


SLOW_ALLOW_LIST = {
    "text": "My name is " + "a" * 60 + " and John Smith",
    "language": "en",
    "entities": ["SLOW"],
    "ad_hoc_recognizers": [
        {
            "name": "r",
            "supported_language": "en",
            "supported_entity": "SLOW",
            "patterns": [{"name": "p", "regex": "a{60}", "score": 0.5}],
        }
    ],
    "allow_list": ["(a|aa)+X$"],
    "allow_list_match": "regex",
}
LONG_MASK = {"type": "mask", "masking_char": "*" * MANY, "chars_to_mask": 4, "from_end": False}
FOREIGN_ENDPOINT = {"type": "surrogate_ahds", "endpoint": "http://127.0.0.1:9/", "entities": []}
SURROGATE = b'{"text": "\\ud800 John", "language": "en"}'
TWICE = b'{"text": "a", "text": "John", "language": "en"}'
FORM = "application/x-www-form-urlencoded"

HOSTILE = (
    Hostile("wrong content type", "/analyze", b"text=x", content_type=FORM),
    Hostile("10 MB of JSON", "/analyze", text_of(lambda: "a" * 10_000_000)),
    Hostile("text of 5 MB", "/analyze", text_of(lambda: "John Smith " * 460_000)),
    Hostile("text beyond the policy", "/analyze", text_of(lambda: "a b " * 60_000)),
    Hostile("100,000 nested brackets", "/analyze", b"[" * MANY + b"]" * MANY),
    Hostile("nested objects", "/analyze", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    Hostile("lone surrogate", "/analyze", SURROGATE),
    Hostile("NaN", "/analyze", raw(b"NaN")),
    Hostile("Infinity", "/analyze", raw(b"Infinity")),
    Hostile("number of 100,000 digits", "/analyze", raw(b"9" * MANY, b"x")),
    Hostile("duplicate keys", "/analyze", TWICE),
    Hostile("not UTF-8", "/analyze", b'{"text": "\xff\xfe", "language": "en"}'),
    Hostile("UTF-16", "/analyze", json.dumps(GOOD).encode("utf-16")),
    Hostile("a batch of 100,000 texts", "/analyze", lambda: {"text": ["a"] * MANY, "language": "en"}),
    Hostile("120,000 spans", "/anonymize", lambda: {"text": "John", "analyzer_results": [SPAN] * 120_000}),
    Hostile("catastrophic pattern", "/analyze", ad_hoc("(a|aa)+$", "a" * 200 + "!"), "analyst"),
    Hostile("pattern that compiles for ever", "/analyze", ad_hoc("(a{1000}){1000}", "aaa"), "analyst"),
    Hostile("pattern of 1 MB", "/analyze", ad_hoc("a|" * 500_000, "aaa"), "analyst"),
    Hostile("catastrophic allow list", "/analyze", SLOW_ALLOW_LIST, "analyst"),
    Hostile("10,000 recognizers", "/analyze", many_recognizers, "analyst"),
    Hostile("mask of 100,000 characters", "/anonymize", anonymize(LONG_MASK)),
    Hostile("replacement that multiplies", "/anonymize", many_replacements),
    Hostile("endpoint of the attacker", "/anonymize", anonymize(FOREIGN_ENDPOINT)),
)
