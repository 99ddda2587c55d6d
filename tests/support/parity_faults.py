"""Requests at fault.

`FAULT_CASES`: stock Presidio answers a 500 (or stumbles into a 400), we say what is wrong.
`LOOSE_CASES`: stock takes them with a meaning that nobody can want, or they are answers of 422 on both sides
with other words; we refuse them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from presidio_anonymizer.operators import AESCipher

from tests.support.parity_cases import ZIP, Case
from tests.support.parity_spans import KEY, MASK, NAME, TEXT

_CODE = {"supported_entity": "CODE", "patterns": [{"name": "code", "regex": "[A-Z]+", "score": 0.4}]}


def _analyze(name: str, **fields: Any) -> Case:
    return Case(f"analyze: {name}", "POST", "/analyze", {"text": "John Smith", "language": "en", **fields})


def _texts_and_languages() -> Iterator[Case]:
    bodies: tuple[dict[str, str], ...] = ({}, {"language": "en"})
    for body in bodies:
        yield Case(f"analyze: {body}", "POST", "/analyze", body)
    for text in (None, "", [], 0, False, {}, {"a": 1}, [{"a": 1}], [["a"]]):
        yield _analyze(f"the text {text!r}", text=text)
    for language in (None, "", 0, "xx", "EN", "en-US", 5, ["en"], {"en": 1}):
        yield _analyze(f"the language {language!r}", language=language)
    others: tuple[Any, ...] = ([], [1], "text", 5, True, None)
    for other in others:
        yield Case(f"analyze: the body {other!r}", "POST", "/analyze", other)


def _fields() -> Iterator[Case]:
    for entities in (["NOSUCH"], ["person"], "PERSON", 5, True, [5], [None]):
        yield _analyze(f"the entities {entities!r}", entities=entities)
    for threshold in ("0.5", [0.5], {"a": 1}):
        yield _analyze(f"the threshold {threshold!r}", score_threshold=threshold)
    for context in (5, [5], [None], True):
        yield _analyze(f"the context {context!r}", context=context)
    for words in (5, True):
        yield _analyze(f"the allow list {words!r}", allow_list=words)
    for match in ("nonsense", None, 5):
        yield _analyze(f"the match {match!r}", allow_list=["John"], allow_list_match=match)
    for pattern in ("(", "*", "[", "(?P<a", "a{2,1}", "\\"):
        yield _analyze(f"the allow list pattern {pattern}", allow_list=[pattern], allow_list_match="regex")
    for flags in (0x100 | 0x2000, "26", [26], 0x80 | 0x20):
        yield _analyze(f"the flags {flags!r}", allow_list=["a"], allow_list_match="regex", regex_flags=flags)


def _ad_hoc() -> Iterator[Case]:
    all_brought: tuple[Any, ...] = (5, "x", [5], [None], ["x"], {"a": 1}, [[]])
    for brought in all_brought:
        yield _analyze(f"the recognizers {brought!r}", ad_hoc_recognizers=brought)
    changes: tuple[dict[str, Any], ...] = (
        {"patterns": None},
        {"patterns": []},
        {"patterns": 5},
        {"patterns": [5]},
        {"patterns": [{}]},
        {"patterns": [{"name": "a", "regex": "a"}]},
        {"patterns": [{"name": "a", "regex": "a", "score": 2}]},
        {"patterns": [{"name": "a", "regex": "a", "score": -0.1}]},
        {"patterns": [{"name": "a", "regex": "a", "score": "1"}]},
        {"patterns": [{"name": "a", "regex": "a", "score": None}]},
        {"patterns": [{"name": "a", "regex": "(", "score": 1}]},
        {"patterns": [{"name": "a", "regex": 5, "score": 1}]},
        {"patterns": [{"name": "a", "regex": None, "score": 1}]},
        {"patterns": [{"name": "a", "regex": "a", "score": 1, "flags": 2}]},
        {"supported_entity": ""},
        {"supported_entity": None},
        {"supported_entities": ["A"]},
        {"deny_list": 5},
        {"deny_list": [5]},
        {"deny_list": ["a"], "deny_list_score": 2},
        {"deny_list": ["a"], "deny_list_score": "high"},
        {"global_regex_flags": "26"},
        {"nosuch": 1},
    )
    for change in changes:
        yield _analyze(f"a recognizer with {change}", ad_hoc_recognizers=[{**_CODE, **change}])
    yield _analyze("a recognizer without entity", ad_hoc_recognizers=[{"deny_list": ["a"]}])
    yield _analyze("a finding behind the last word", text="zip 12345 ", ad_hoc_recognizers=[
        {**ZIP, "patterns": [{"name": "end", "regex": r"\s$", "score": 0.5}]}])  # fmt: skip


def _anonymize() -> Iterator[Case]:
    bodies: tuple[dict[str, Any], ...] = (
        {"text": None, "analyzer_results": []},
        {"text": 5, "analyzer_results": []},
        {"text": [TEXT], "analyzer_results": [[NAME]]},
        {"text": TEXT, "analyzer_results": 5},
        {"text": TEXT, "analyzer_results": "NAME"},
        {"text": TEXT, "analyzer_results": {"a": 1}},
        {"text": TEXT, "analyzer_results": [5]},
        {"text": TEXT, "analyzer_results": [[NAME]]},
        {"text": TEXT, "analyzer_results": [{**NAME, "entity_type": ["NAME"]}]},
        {"text": TEXT, "analyzer_results": [{**NAME, "start": ""}]},
        {"text": TEXT, "analyzer_results": [NAME, {**NAME, "score": "high"}]},
        {"text": TEXT, "analyzer_results": [NAME], "anonymizers": []},
        {"text": TEXT, "analyzer_results": [NAME], "anonymizers": "mask"},
        {"text": TEXT, "analyzer_results": [NAME], "anonymizers": {"NAME": "mask"}},
        {"text": TEXT, "analyzer_results": [NAME], "anonymizers": {"NAME": None}},
    )
    for body in bodies:
        yield Case(f"anonymize: {body}", "POST", "/anonymize", body)
    operators: tuple[dict[str, Any], ...] = (
        {"type": "hash", "salt": 5},
        {"type": "hash", "salt": None},
        {"type": "hash", "salt": ["a"] * 20},
        {"type": "encrypt", "key": 0},
        {"type": "encrypt", "key": False},
        {**MASK, "chars_to_mask": ""},
        {**MASK, "chars_to_mask": []},
        {"type": ["mask"]},
        {"type": "surrogate_ahds"},
    )
    for operator in operators:
        body = {"text": TEXT, "analyzer_results": [NAME], "anonymizers": {"NAME": operator}}
        yield Case(f"anonymize: the operator {operator}", "POST", "/anonymize", body)
    for other in ([1], "text", 5, True):
        yield Case(f"anonymize: the body {other!r}", "POST", "/anonymize", other)


def _deanonymize() -> Iterator[Case]:
    sealed = AESCipher.encrypt(KEY.encode(), "Jane Doe")
    span = {"start": 0, "end": len(sealed), "entity_type": "NAME"}
    decrypt = {"NAME": {"type": "decrypt", "key": KEY}}
    bodies: tuple[dict[str, Any], ...] = (
        {"text": sealed, "anonymizer_results": [span]},
        {"text": sealed, "anonymizer_results": [span], "deanonymizers": {"OTHER": decrypt["NAME"]}},
        {"text": sealed, "anonymizer_results": [{**span, "end": 20}], "deanonymizers": decrypt},
        {"text": "not base64 at all", "anonymizer_results": [{**span, "end": 10}], "deanonymizers": decrypt},
        {"text": "ü" * 44, "anonymizer_results": [{**span, "end": 44}], "deanonymizers": decrypt},
        {"text": sealed, "anonymizer_results": [{**span, "score": "high"}], "deanonymizers": decrypt},
        {"text": sealed, "anonymizer_results": 5, "deanonymizers": decrypt},
        {"text": sealed, "anonymizer_results": [5], "deanonymizers": decrypt},
        {"text": [sealed], "anonymizer_results": [[span]], "deanonymizers": decrypt},
        {"text": None, "anonymizer_results": [span], "deanonymizers": decrypt},
        {"text": sealed, "anonymizer_results": [span], "deanonymizers": [decrypt]},
    )
    for body in bodies:
        yield Case(f"deanonymize: {body}", "POST", "/deanonymize", body)


def _catalog() -> Iterator[Case]:
    for path in ("/recognizers", "/supportedentities"):
        yield Case(f"GET {path} of an unknown language", "GET", path, None, {"language": "xx"})


def _loose() -> Iterator[Case]:
    fields: tuple[dict[str, Any], ...] = (
        {"entities": {"PERSON": 1}},
        {"entities": ["PERSON", 5]},
        {"score_threshold": 1.5},
        {"score_threshold": -0.5},
        {"score_threshold": True},
        {"return_decision_process": "no"},
        {"return_decision_process": 1},
        {"context": "card"},
        {"allow_list": "John Smith"},
        {"allow_list": [5]},
        {"correlation_id": ["a"]},
        {"allow_list": ["a"], "allow_list_match": "regex", "regex_flags": 4},
        {"allow_list": ["a"], "allow_list_match": "regex", "regex_flags": True},
        {"ad_hoc_recognizers": [{**_CODE, "global_regex_flags": 0x4}]},
        {"ad_hoc_recognizers": [{**_CODE, "name": 5}]},
        {"ad_hoc_recognizers": [{**_CODE, "patterns": [{"name": 5, "regex": "a", "score": True}]}]},
        {"ad_hoc_recognizers": [{**_CODE, "patterns": [{"name": "a", "regex": "(?R)?a", "score": 1}]}]},
    )
    for change in fields:
        yield _analyze(f"loosely, {change}", **change)
    results: tuple[dict[str, Any], ...] = (
        {"entity_type": 5},
        {"start": True, "end": True},
        {"score": "0.5"},
        {"score": True},
    )
    for change in results:
        body: dict[str, Any] = {"text": TEXT, "analyzer_results": [{**NAME, **change}]}
        yield Case(f"anonymize: loosely, {change}", "POST", "/anonymize", body)
    yield Case(
        "anonymize: an object as text", "POST", "/anonymize", {"text": {"a": 1}, "analyzer_results": []}
    )
    operators: tuple[dict[str, Any], ...] = (
        {"type": "hash", "salt": {"a": 1}},
        {"type": "encrypt", "key": []},
        {"type": 5},
    )
    for operator in operators:
        body = {"text": TEXT, "analyzer_results": [NAME], "anonymizers": {"NAME": operator}}
        yield Case(f"anonymize: loosely, {operator}", "POST", "/anonymize", body)


LOOSE_CASES: tuple[Case, ...] = tuple(_loose())
FAULT_CASES: tuple[Case, ...] = tuple(
    case
    for make in (_texts_and_languages, _fields, _ad_hoc, _anonymize, _deanonymize, _catalog)
    for case in make()
)
