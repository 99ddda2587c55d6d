"""Bodies of /anonymize and /deanonymize over every field and operator that stock Presidio answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from presidio_anonymizer.operators import AESCipher

Body = tuple[str, str, dict[str, Any]]

KEY = "0123456789abcdef"
TEXT = "hello world, my name is Jane Doe. My number is: 034453334"
NAME = {"start": 24, "end": 32, "score": 0.8, "entity_type": "NAME"}
NUMBER = {"start": 48, "end": 57, "score": 0.95, "entity_type": "PHONE_NUMBER"}
MASK = {"type": "mask", "masking_char": "*", "chars_to_mask": 4, "from_end": True}
SALT = "a salt of at least sixteen bytes"

OPERATORS: tuple[dict[str, Any], ...] = (
    {"type": "replace"},
    {"type": "replace", "new_value": "ANONYMIZED"},
    {"type": "replace", "new_value": ""},
    {"type": "replace", "new_value": None},
    {"type": "replace", "new_value": "δ🙂\u0000"},
    {"type": "redact"},
    {"type": "redact", "ignored": [1, 2]},
    {"type": "keep"},
    {"type": "hash"},
    {"type": "hash", "hash_type": "sha256", "salt": SALT},
    {"type": "hash", "hash_type": "sha512", "salt": SALT},
    {"type": "encrypt", "key": KEY},
    {"type": "encrypt", "key": KEY + KEY},
    {"type": "encrypt", "key": "ключключ"},
    MASK,
    {**MASK, "from_end": False},
    {**MASK, "chars_to_mask": 0},
    {**MASK, "chars_to_mask": -3},
    {**MASK, "chars_to_mask": 1000},
    {**MASK, "masking_char": ""},
    {**MASK, "masking_char": "δ"},
)

BAD_OPERATORS: tuple[dict[str, Any], ...] = (
    {"type": "replace", "new_value": 5},
    {"type": "replace", "new_value": ["a"]},
    {"type": "hash", "hash_type": "md5"},
    {"type": "hash", "hash_type": None},
    {"type": "hash", "salt": ""},
    {"type": "hash", "salt": "short"},
    {"type": "encrypt"},
    {"type": "encrypt", "key": "short"},
    {"type": "encrypt", "key": ""},
    {"type": "encrypt", "key": 12345},
    {"type": "mask"},
    {**MASK, "masking_char": "**"},
    {**MASK, "masking_char": 1},
    {**MASK, "chars_to_mask": "4"},
    {**MASK, "chars_to_mask": None},
    {**MASK, "from_end": "yes"},
    {"type": "nosuch"},
    {"type": "decrypt", "key": KEY},
    {"key": KEY},
    {"type": ""},
    {"type": "custom"},
    {"type": "custom", "lambda": "lambda x: x"},
)
"""Stock answers these with 400 or 422 where a span of their type is there."""


def span_cases() -> Iterator[Body]:
    """Name, path and body."""
    for number, operator in enumerate((*OPERATORS, *BAD_OPERATORS)):
        yield _anonymize(f"operator {number}", TEXT, [NAME, NUMBER], {"DEFAULT": operator})
        yield _anonymize(f"operator {number} for a type", TEXT, [NUMBER, NAME], {"NAME": operator})
        yield _anonymize(f"operator {number} without its type", TEXT, [NAME], {"OTHER": operator})
    yield from _shapes()
    yield from _overlaps()
    yield from _restoring()


def _anonymize(name: str, text: object, results: object, operators: object) -> Body:
    body = {"text": text, "analyzer_results": results, "anonymizers": operators}
    return f"anonymize: {name}", "/anonymize", body


def _shapes() -> Iterator[Body]:
    yield "anonymize: no anonymizers", "/anonymize", {"text": TEXT, "analyzer_results": [NAME]}
    yield _anonymize("null anonymizers", TEXT, [NAME], None)
    yield _anonymize("empty anonymizers", TEXT, [NAME], {})
    yield _anonymize("no findings", TEXT, [], None)
    yield _anonymize("an empty text", "", [], None)
    yield "anonymize: no text", "/anonymize", {"analyzer_results": []}
    yield "anonymize: no results", "/anonymize", {"text": TEXT}
    yield _anonymize("null results", TEXT, None, None)
    yield "anonymize: an empty object", "/anonymize", {}
    explained = {**NAME, "analysis_explanation": None, "recognition_metadata": {"recognizer_name": "x"}}
    yield _anonymize("results as /analyze gives them", TEXT, [explained], None)
    bad: tuple[dict[str, Any], ...] = (
        {"start": None},
        {"end": None},
        {"score": None},
        {"entity_type": None},
        {"entity_type": ""},
        {"start": "1"},
        {"end": "9"},
        {"start": [1]},
        {"start": -1},
        {"end": -2},
        {"start": 40},
        {"end": 5000},
        {"start": 100, "end": 200},
        {"start": 1.5},
    )
    for change in bad:
        yield _anonymize(f"a span with {change}", TEXT, [{**NAME, **change}], None)
    edges: tuple[dict[str, Any], ...] = (
        {"start": 0, "end": 0},
        {"start": 57, "end": 57},
        {"start": 0, "end": 57},
    )
    for change in edges:
        yield _anonymize(f"a span at {change}", TEXT, [{**NAME, **change}], None)
    for score in (0, 1, 2, -1, 0.0, 1e300, 0.123456789012345678):
        yield _anonymize(f"a score of {score}", TEXT, [{**NAME, "score": score}], None)
    yield _anonymize("scripts and emoji", "名前は山田太郎 👩‍💻です", [{**NAME, "start": 3, "end": 7}], None)


def _overlaps() -> Iterator[Body]:
    rng = random.Random(7)
    for number in range(60):
        text = "".join(rng.choice("ab  c") for _ in range(rng.randint(10, 60)))
        spans = []
        for _ in range(rng.randint(1, 9)):
            start = rng.randint(0, len(text))
            span = {
                "start": start,
                "end": rng.randint(start, len(text)),
                "score": rng.choice((0.3, 0.5, 0.5, 1)),
            }
            spans.append({**span, "entity_type": rng.choice(("A", "A", "B", "C"))})
        operators = {"DEFAULT": rng.choice(OPERATORS[:8]), "A": rng.choice((MASK, *OPERATORS[:8]))}
        yield _anonymize(f"overlapping spans {number}", text, spans, operators)
    row = [{"start": at, "end": at + 1, "score": 0.5, "entity_type": "A"} for at in range(0, 400, 2)]
    yield _anonymize("a row of one type with spaces between", "x " * 200, row, None)
    mixed = [{**span, "entity_type": "AB"[number % 2]} for number, span in enumerate(row)]
    yield _anonymize("a row of two types", "x " * 200, mixed, {"A": {"type": "redact"}})


def _restoring() -> Iterator[Body]:
    sealed = AESCipher.encrypt(KEY.encode(), "Jane Doe")
    text = f"My name is {sealed} ."
    span = {"start": 11, "end": 11 + len(sealed), "entity_type": "NAME"}
    decrypt = {"NAME": {"type": "decrypt", "key": KEY}}
    keep = {"DEFAULT": {"type": "deanonymize_keep"}}
    bodies: tuple[tuple[str, dict[str, Any]], ...] = (
        ("decrypt", {"text": text, "anonymizer_results": [span], "deanonymizers": decrypt}),
        (
            "decrypt, with what /anonymize gave",
            {
                "text": text,
                "anonymizer_results": [{**span, "text": sealed, "operator": "encrypt", "score": 0.85}],
                "deanonymizers": decrypt,
            },
        ),
        (
            "by default",
            {"text": text, "anonymizer_results": [span], "deanonymizers": {"DEFAULT": decrypt["NAME"]}},
        ),
        ("keep", {"text": text, "anonymizer_results": [span], "deanonymizers": keep}),
        ("no results", {"text": text, "deanonymizers": decrypt}),
        ("no results, no deanonymizers", {"text": text}),
        ("null results", {"text": text, "anonymizer_results": None, "deanonymizers": None}),
        ("an empty object", {}),
        (
            "a short key",
            {
                "text": text,
                "anonymizer_results": [span],
                "deanonymizers": {"NAME": {"type": "decrypt", "key": "short"}},
            },
        ),
        (
            "no key",
            {"text": text, "anonymizer_results": [span], "deanonymizers": {"NAME": {"type": "decrypt"}}},
        ),
        ("an anonymizer", {"text": text, "anonymizer_results": [span], "deanonymizers": {"NAME": MASK}}),
        (
            "an unknown operator",
            {"text": text, "anonymizer_results": [span], "deanonymizers": {"NAME": {"type": "x"}}},
        ),
        (
            "a span behind the text",
            {"text": text, "anonymizer_results": [{**span, "end": 9999}], "deanonymizers": keep},
        ),
        (
            "a span without start",
            {"text": text, "anonymizer_results": [{"end": 3, "entity_type": "A"}], "deanonymizers": keep},
        ),
        (
            "two spans that overlap",
            {
                "text": text,
                "anonymizer_results": [{**span, "end": 20}, {**span, "start": 15}],
                "deanonymizers": keep,
            },
        ),
    )
    for name, body in bodies:
        yield f"deanonymize: {name}", "/deanonymize", body
