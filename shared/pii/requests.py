"""Strict parsers from decoded JSON to the frozen requests of the four calls.

Whatever Presidio's own servers accept and answer is accepted here with the same meaning; what they answer
with a 500 although the client is at fault is a 400 (the shape is wrong), 413 (too much) or 422 (the shape
is right, a value cannot be used). Messages that existing clients match on are kept.

Errors: `InputError`, `InputTooLarge`, `Unprocessable`. No message quotes the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import InputError, InputTooLarge
from shared.pii.adhoc import read_ad_hoc_recognizers, read_regex_flags
from shared.pii.fields import kind, read_bool, read_score, read_string, read_strings
from shared.pii.payload import INVALID_JSON, parse_json
from shared.pii.replacements import read_analyzer_results, read_anonymizer_results, read_operators
from shared.pii.values import (
    AdHocPattern,
    AdHocRecognizer,
    AnalyzeRequest,
    AnonymizeRequest,
    DeanonymizeRequest,
    EngineRequest,
    Operator,
    RedactRequest,
    Span,
)

__all__ = [
    "AdHocPattern",
    "AdHocRecognizer",
    "AnalyzeRequest",
    "AnonymizeRequest",
    "DeanonymizeRequest",
    "EngineRequest",
    "Operator",
    "RedactRequest",
    "Span",
    "parse_analyze",
    "parse_anonymize",
    "parse_deanonymize",
    "parse_json",
    "parse_redact",
]

MAX_TEXTS = 10_000
MAX_ENTITIES = 500
MAX_WORDS = 10_000
MAX_WORD_CHARS = 2_000
MAX_ALLOW_REGEX_CHARS = 20_000
CUSTOM_UNSUPPORTED = "Custom type anonymizer is not supported"


def parse_analyze(body: object) -> AnalyzeRequest:
    """The body of POST /analyze.

    As in Presidio, numbers and booleans as texts are analysed as Python writes them, and an empty list of
    entities means all of them.
    """
    return _read_analysis(_read_body(body), is_strict=False)


def parse_redact(body: object) -> RedactRequest:
    """The body of POST /redact: the fields of /analyze but `return_decision_process`, and `anonymizers`.

    Texts must be strings: what is not text would come back as text.
    """
    fields = _read_body(body)
    if read_bool(fields.get("return_decision_process"), "return_decision_process"):
        raise InputError("return_decision_process has no place in /redact: its answer holds no findings")
    analysis = _read_analysis(fields, is_strict=True)
    choices = read_operators(fields.get("anonymizers"), "anonymizers")
    _refuse_custom(choices)
    return RedactRequest(analysis.inputs, analysis, choices)


def parse_anonymize(body: object) -> AnonymizeRequest:
    """The body of POST /anonymize. As in Presidio, a text that is left out is the empty text."""
    fields = _read_filled_body(body)
    choices = read_operators(fields.get("anonymizers"), "anonymizers")
    _refuse_custom(choices)
    spans = read_analyzer_results(fields.get("analyzer_results"))
    return AnonymizeRequest((_read_text(fields),), spans, choices)


def parse_deanonymize(body: object) -> DeanonymizeRequest:
    """The body of POST /deanonymize. Every type of the results needs a deanonymizer, or `DEFAULT`."""
    fields = _read_filled_body(body)
    text = _read_text(fields)
    choices = read_operators(fields.get("deanonymizers"), "deanonymizers")
    spans = read_anonymizer_results(fields.get("anonymizer_results"))
    return DeanonymizeRequest((text,), spans, choices)


def _read_body(body: object) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise InputError(INVALID_JSON)
    return body


def _read_filled_body(body: object) -> Mapping[str, Any]:
    """An empty object is no request for Presidio's anonymizer."""
    fields = _read_body(body)
    if not fields:
        raise InputError(INVALID_JSON)
    return fields


def _read_text(fields: Mapping[str, Any]) -> str:
    text = fields.get("text", "")
    if not isinstance(text, str):
        raise InputError(f"text must be a string, got {kind(text)}")
    return text


def _refuse_custom(choices: tuple[Operator, ...]) -> None:
    """A custom operator is a Python function: it cannot come by HTTP."""
    if any(choice.name == "custom" for choice in choices):
        raise InputError(CUSTOM_UNSUPPORTED)


def _read_analysis(fields: Mapping[str, Any], is_strict: bool) -> AnalyzeRequest:
    text = fields.get("text")
    if not text:
        raise InputError("No text provided")
    inputs = _read_inputs(text, is_strict)
    language = fields.get("language")
    if not language:
        raise InputError("No language provided")
    allow_list = read_strings(fields.get("allow_list"), "allow_list", MAX_WORDS, MAX_WORD_CHARS)
    entities = read_strings(fields.get("entities"), "entities", MAX_ENTITIES, MAX_WORD_CHARS)
    threshold = fields.get("score_threshold")
    return AnalyzeRequest(
        inputs=inputs,
        is_batch=isinstance(text, list),
        language=read_string(language, "language", 20),
        entities=tuple(sorted(set(entities))) or None,
        score_threshold=None if threshold is None else read_score(threshold, "score_threshold"),
        decision_process=read_bool(fields.get("return_decision_process"), "return_decision_process"),
        ad_hoc=read_ad_hoc_recognizers(fields.get("ad_hoc_recognizers")),
        context=read_strings(fields.get("context"), "context", MAX_WORDS, MAX_WORD_CHARS),
        allow_list=allow_list,
        allow_list_match=_read_allow_list_match(fields, allow_list),
        regex_flags=read_regex_flags(fields.get("regex_flags"), "regex_flags"),
        correlation_id=_read_correlation_id(fields.get("correlation_id")),
    )


def _read_inputs(text: object, is_strict: bool) -> tuple[str, ...]:
    if isinstance(text, list):
        if len(text) > MAX_TEXTS:
            raise InputTooLarge(f"text may have at most {MAX_TEXTS} items, got {len(text)}")
        return tuple(_read_input(item, "each of text", is_strict) for item in text)
    return (_read_input(text, "text", is_strict),)


def _read_input(value: object, name: str, is_strict: bool) -> str:
    if isinstance(value, str):
        return value
    if is_strict or isinstance(value, list | dict):
        raise InputError(f"{name} must be a string, got {kind(value)}")
    return str(value)


def _read_allow_list_match(fields: Mapping[str, Any], allow_list: tuple[str, ...]) -> str:
    """How to match; only looked at where there is a list to match, as in Presidio."""
    match = fields.get("allow_list_match", "exact")
    if not allow_list:
        return "exact"
    if match not in ("exact", "regex"):
        raise InputError("allow_list_match must either be set to 'exact' or 'regex'.")
    if match == "regex" and sum(map(len, allow_list)) > MAX_ALLOW_REGEX_CHARS:
        raise InputTooLarge(
            f"the patterns of allow_list may have {MAX_ALLOW_REGEX_CHARS} characters together"
        )
    return str(match)


def _read_correlation_id(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value if value is None else read_string(value, "correlation_id", MAX_WORD_CHARS)
    if isinstance(value, bool | list | dict):
        raise InputError(f"correlation_id must be a string, got {kind(value)}")
    return str(value)
