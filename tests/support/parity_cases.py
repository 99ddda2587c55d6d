"""Requests over every field of Presidio's API, as data: the same cases run in process and over HTTP.

`PARITY_CASES` are answered by stock Presidio, and we answer the same. `FAULT_CASES` are answered by stock
with a 500 although the client is at fault, or accepted with a meaning that nobody can want.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.parity_texts import ODD, PLAIN, SCRIPTS, made_text

GENERATED = 200
KEY = "0123456789abcdef"
ENTITIES = (
    "CREDIT_CARD", "CRYPTO", "DATE_TIME", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "LOCATION",
    "MAC_ADDRESS", "MEDICAL_LICENSE", "NRP", "PERSON", "PHONE_NUMBER", "UK_NHS", "URL", "US_BANK_NUMBER",
    "US_DRIVER_LICENSE", "US_ITIN", "US_PASSPORT", "US_SSN", "UUID",
)  # fmt: skip

ZIP = {
    "name": "Zip code Recognizer",
    "supported_language": "en",
    "patterns": [{"name": "zip code (weak)", "regex": r"(\b\d{5}(?:\-\d{4})?\b)", "score": 0.01}],
    "context": ["zip", "code"],
    "supported_entity": "ZIP",
}
TITLES = {
    "name": "Titles",
    "supported_language": "en",
    "supported_entity": "TITLE",
    "deny_list": ["Mr.", "Dr."],
}


@dataclass(frozen=True, slots=True)
class Case:
    """One request: `body` is JSON (None for GET)."""

    name: str
    method: str
    path: str
    body: Any
    query: dict[str, str] = field(default_factory=dict)


def _analyze(name: str, text: object, **fields: Any) -> Case:
    return Case(name, "POST", "/analyze", {"text": text, "language": "en", **fields})


def _texts() -> Iterator[Case]:
    for kind, texts in (("plain", PLAIN), ("script", SCRIPTS), ("odd", ODD)):
        for number, text in enumerate(texts):
            yield _analyze(f"{kind} text {number}", text)
            yield _analyze(f"{kind} text {number}, explained", text, return_decision_process=True)
    yield _analyze("long text", " ".join(PLAIN * 12))
    yield _analyze("a number as text", 2125550199)
    yield _analyze("a fraction as text", 12.5)
    yield _analyze("a boolean as text", True)


def _batches() -> Iterator[Case]:
    yield _analyze("batch of plain texts", list(PLAIN))
    yield _analyze("batch of scripts, explained", list(SCRIPTS), return_decision_process=True)
    yield _analyze("batch of odd texts", list(ODD))
    yield _analyze("batch of one", ["John Smith"])
    yield _analyze("batch with an empty text", ["", "John Smith", ""])
    yield _analyze("batch of empty texts", ["", ""])
    yield _analyze("batch of 120 texts", [f"{PLAIN[number % 12]} {number}" for number in range(120)])
    yield _analyze("batch of numbers, booleans and null", [2125550199, True, 1.5, None, 0, False])
    yield _analyze("batch for one entity", list(PLAIN), entities=["EMAIL_ADDRESS"])
    yield _analyze(
        "batch with ad-hoc recognizers", ["zip code 12345", "Dr. Who"], ad_hoc_recognizers=[ZIP, TITLES]
    )


def _fields() -> Iterator[Case]:
    everything = " ".join(PLAIN)
    for entity in ENTITIES:
        yield _analyze(f"only {entity}", everything, entities=[entity], return_decision_process=True)
    yield _analyze("two entities", everything, entities=["PERSON", "PHONE_NUMBER"])
    yield _analyze("a known and an unknown entity", everything, entities=["PERSON", "NOSUCH"])
    yield _analyze("an entity twice", everything, entities=["PERSON", "PERSON"])
    yield _analyze("no entities", everything, entities=[])
    yield _analyze("entities null", everything, entities=None)
    for threshold in (0, 0.0, 0.3, 0.4, 0.5, 0.85, 0.9, 1, 1.0, None):
        yield _analyze(f"threshold {threshold!r}", everything, score_threshold=threshold)
    yield _analyze("correlation id", everything, correlation_id="123e4567-a76a-12d3-a456-426614174234")
    yield _analyze("correlation id as number", everything, correlation_id=17)
    yield _analyze("no decision process", everything, return_decision_process=False)
    yield _analyze("decision process null", everything, return_decision_process=None)
    yield _analyze("fields that nobody knows", everything, colour="blue", deep={"a": [1, {"b": None}]})
    for words in (["license"], ["SSN", "social"], ["card", "Bank"], [], None, ["ß", "İ", "Σ"], [""]):
        yield _analyze(
            f"context {words}",
            "mine is A1234567, 078051120 and 945456787654",
            context=words,
            return_decision_process=True,
        )


def _allow_lists() -> Iterator[Case]:
    text = "John Smith and jane@example.com, bill@example.com visit https://example.com and Boston"
    lists: tuple[tuple[list[str] | None, str | None], ...] = (
        (["John Smith"], None),
        (["john smith"], "exact"),
        (["Boston", "https://example.com"], "exact"),
        ([".*@example.com"], "regex"),
        (["^John", "boston$"], "regex"),
        (["", "Bos"], "regex"),
        ([""], "regex"),
        ([""], "exact"),
        (["(a", "b)"], "regex"),
        ([], "regex"),
        (None, "nonsense"),
        ([], "nonsense"),
    )
    for words, match in lists:
        fields = {} if match is None else {"allow_list_match": match}
        yield _analyze(f"allow list {words} {match}", text, allow_list=words, **fields)
    for flags in (0, 2, 26, 16, 24):
        yield _analyze(
            f"allow list with flags {flags}",
            text,
            allow_list=["JOHN.*"],
            allow_list_match="regex",
            regex_flags=flags,
        )


def _ad_hoc() -> Iterator[Case]:
    text = "Mr. Smith and Dr. Who: zip code 12345, code 98765-4321, Mr.x, mr. small, id AB-12 ab-12"
    recognizer = {
        "supported_entity": "CODE",
        "patterns": [{"name": "code", "regex": r"[A-Z]{2}-\d+", "score": 0.4}],
    }
    recognizers: tuple[list[dict[str, Any]], ...] = (
        [ZIP],
        [TITLES],
        [ZIP, TITLES],
        [recognizer],
        [{**recognizer, "global_regex_flags": 0}],
        [{**recognizer, "global_regex_flags": 8}],
        [{**recognizer, "name": "Mine", "context": ["id"], "version": "1.0", "country_code": "US"}],
        [{**recognizer, "supported_language": "de"}],
        [{**recognizer, "supported_entity": "PERSON"}],
        [{**recognizer, "deny_list": ["Who", "nobody", "zip code"], "deny_list_score": 0.7}],
        [
            {
                "supported_entities": ["FIRST", "SECOND"],
                "deny_list": ["Smith", "12345"],
                "deny_list_score": 0.2,
            }
        ],
        [{"supported_entity": "DOT", "deny_list": ["(x", "Mr.", "", "]"]}],
        [
            {
                "supported_entity": "EMPTY",
                "patterns": [{"name": "", "regex": "x*", "score": 1}],
                "deny_list": None,
            }
        ],
        [{"supported_entity": "ZERO", "patterns": [{"name": "zero", "regex": "Who", "score": 0}]}],
        [{"supported_entity": "LOOK", "patterns": [{"name": "l", "regex": r"(?<=Dr\. )\w+", "score": 0.9}]}],
        [
            {
                "supported_entity": "FUZZY",
                "patterns": [{"name": "f", "regex": r"(?:Smyth){e<=1}", "score": 0.9}],
            }
        ],
        [{"supported_entity": "UNI", "patterns": [{"name": "u", "regex": r"\p{Lu}\p{Ll}+", "score": 0.5}]}],
    )
    for number, brought in enumerate(recognizers):
        yield _analyze(f"ad-hoc {number}", text, ad_hoc_recognizers=brought, return_decision_process=True)
        entities = [one.get("supported_entity", "FIRST") for one in brought]
        yield _analyze(
            f"ad-hoc {number}, named", text, ad_hoc_recognizers=brought, entities=[*entities, "PERSON"]
        )
    yield _analyze("ad-hoc, not named", text, ad_hoc_recognizers=[ZIP], entities=["PERSON"])
    yield _analyze("ad-hoc empty", text, ad_hoc_recognizers=[])
    yield _analyze("ad-hoc null", text, ad_hoc_recognizers=None)


def _generated() -> Iterator[Case]:
    rng = random.Random(2366)
    for number in range(GENERATED):
        fields: dict[str, Any] = {}
        if rng.random() < 0.3:
            fields["entities"] = rng.sample(ENTITIES, rng.randint(1, 6))
        if rng.random() < 0.3:
            fields["score_threshold"] = rng.choice((0, 0.2, 0.35, 0.5, 0.75, 0.99))
        if rng.random() < 0.5:
            fields["return_decision_process"] = rng.choice((True, False))
        if rng.random() < 0.3:
            fields["context"] = rng.sample(
                ("card", "Phone", "ssn", "bank", "passport", "name"), rng.randint(1, 3)
            )
        if rng.random() < 0.2:
            fields["ad_hoc_recognizers"] = rng.choice(([ZIP], [TITLES], [ZIP, TITLES]))
        if rng.random() < 0.2:
            fields["allow_list"] = rng.sample(("John", "London", "4111111111111111", "Maria Garcia"), 2)
            fields["allow_list_match"] = rng.choice(("exact", "regex"))
        text: Any = made_text(rng)
        if rng.random() < 0.15:
            text = [text, made_text(rng), rng.choice(SCRIPTS)]
        yield _analyze(f"generated {number}", text, **fields)


def _catalog() -> Iterator[Case]:
    for path in ("/recognizers", "/supportedentities"):
        yield Case(f"GET {path}", "GET", path, None)
        yield Case(f"GET {path} of a language", "GET", path, None, {"language": "en"})
    for path in ("/anonymizers", "/deanonymizers"):
        yield Case(f"GET {path}", "GET", path, None)


def _parity_cases() -> Iterator[Case]:
    from tests.support.parity_spans import span_cases

    for make in (_texts, _batches, _fields, _allow_lists, _ad_hoc, _generated, _catalog):
        yield from make()
    for name, path, body in span_cases():
        yield Case(name, "POST", path, body)


PARITY_CASES: tuple[Case, ...] = tuple(_parity_cases())
