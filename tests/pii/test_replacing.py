"""Anonymizing and restoring: stock's answers in linear time, bounded, refused without quoting."""

from __future__ import annotations

import time
from typing import Any

import pytest
from presidio_anonymizer.entities import InvalidParamError

from shared.errors import InputTooLarge, SettingsError, Unprocessable
from shared.pii.engine import Engine
from shared.pii.files import EngineLimits
from shared.pii.loading import check_ahds
from shared.pii.replacing import BoundedAnonymizer, BoundedDeanonymizer, own_words
from shared.pii.requests import parse_anonymize, parse_deanonymize, parse_redact
from tests.support.engine_room import our_engine

KEY = "0123456789abcdef"
CANARY = "canary-19c7"


def _engine(**limits: Any) -> Engine:
    """The loaded engine with other limits."""
    bounds = EngineLimits(**limits)
    chars = bounds.max_output_chars
    return Engine(our_engine()._analyzer, BoundedAnonymizer(chars), BoundedDeanonymizer(chars), bounds)


def _spans(count: int, width: int, entity_type: str = "A") -> list[dict[str, Any]]:
    return [
        {
            "start": number * (width + 1),
            "end": number * (width + 1) + width,
            "score": 0.5,
            "entity_type": entity_type,
        }
        for number in range(count)
    ]


def test_a_hundred_thousand_spans_take_seconds() -> None:
    """Stock builds the text anew for each of them."""
    count = 100_000
    body = {"text": "x," * count, "analyzer_results": _spans(count, 1)}
    request = parse_anonymize(body)
    started_s = time.thread_time()
    done = our_engine().anonymize(request)
    assert time.thread_time() - started_s < 30
    assert done.answer["text"] == "<A>," * count
    assert done.entities == {"A": count}
    assert done.output_chars == 4 * count


def test_many_spans_that_merge_take_seconds() -> None:
    """Stock looks for each merged span from the start of the list."""
    count = 50_000
    types = [{**span, "entity_type": "AB"[number // 2 % 2]} for number, span in enumerate(_spans(count, 1))]
    started_s = time.thread_time()
    done = our_engine().anonymize(parse_anonymize({"text": "x " * count, "analyzer_results": types}))
    assert time.thread_time() - started_s < 30
    assert done.entities == {"A": count // 4, "B": count // 4}


def test_the_output_is_bounded() -> None:
    """A short request cannot ask for gigabytes by long replacements."""
    operators = {"DEFAULT": {"type": "replace", "new_value": "y" * 10_000}}
    body = {"text": "x," * 2_000, "analyzer_results": _spans(2_000, 1), "anonymizers": operators}
    with pytest.raises(InputTooLarge):
        our_engine().anonymize(parse_anonymize(body))
    texts = ["John Smith"] * 30
    with pytest.raises(InputTooLarge):
        _engine(max_output_chars=100).redact(parse_redact({"text": texts, "language": "en"}), None)


def test_encrypted_text_is_restored() -> None:
    """`items` of /anonymize are `anonymizer_results` of /deanonymize."""
    text = "My name is Jane Doe."
    span = {"start": 11, "end": 19, "score": 0.8, "entity_type": "NAME"}
    sealed = our_engine().anonymize(
        parse_anonymize(
            {
                "text": text,
                "analyzer_results": [span],
                "anonymizers": {"NAME": {"type": "encrypt", "key": KEY}},
            }
        )
    )
    assert sealed.operators == ("encrypt",)
    opened = our_engine().deanonymize(
        parse_deanonymize(
            {
                "text": sealed.answer["text"],
                "anonymizer_results": sealed.answer["items"],
                "deanonymizers": {"NAME": {"type": "decrypt", "key": KEY}},
            }
        )
    )
    assert opened.answer["text"] == text
    assert opened.operators == ("decrypt",)
    assert opened.entities == {"NAME": 1}


def test_a_wrong_key_is_the_callers_fault() -> None:
    """Whatever the cipher raises, the answer is one and the same, without text or key."""
    text = "My name is Jane Doe."
    span = {"start": 11, "end": 19, "score": 0.8, "entity_type": "NAME"}
    operators = {"NAME": {"type": "encrypt", "key": KEY}}
    sealed = our_engine().anonymize(
        parse_anonymize({"text": text, "analyzer_results": [span], "anonymizers": operators})
    )
    refused = 0
    for number in range(40):
        wrong = f"{CANARY}{number:05d}"
        body = {
            "text": sealed.answer["text"],
            "anonymizer_results": sealed.answer["items"],
            "deanonymizers": {"NAME": {"type": "decrypt", "key": wrong}},
        }
        try:
            our_engine().deanonymize(parse_deanonymize(body))
        except Unprocessable as error:
            refused += 1
            assert "cannot be decrypted" in error.message
            assert CANARY not in repr(error) + str(error.__context__)
    assert refused > 35  # AES-CBC is not authenticated: one wrong key of 256 gives well-formed noise


def test_the_service_never_goes_where_a_caller_says() -> None:
    """`surrogate_ahds` would send the service's identity token, and the text, to the caller's endpoint."""
    span = {"start": 0, "end": 4, "score": 0.8, "entity_type": "NAME"}
    for params in ({}, {"endpoint": "https://attacker.example"}):
        operators = {"NAME": {"type": "surrogate_ahds", **params}}
        body = {"text": "Jane", "analyzer_results": [span], "anonymizers": operators}
        with pytest.raises(Unprocessable, match="no endpoint"):
            our_engine().anonymize(parse_anonymize(body))
        with pytest.raises(Unprocessable, match="no endpoint"):
            our_engine().redact(
                parse_redact({"text": "Jane", "language": "en", "anonymizers": operators}), None
            )


def test_the_operators_own_endpoint_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an endpoint configured, the caller's is refused and the service's is used."""
    from presidio_anonymizer.operators import AHDSSurrogate

    used: list[Any] = []

    def operate(self: Any, text: str, params: dict[str, Any]) -> str:
        used.append(params["endpoint"])
        return "Janet"

    monkeypatch.setattr(AHDSSurrogate, "validate", lambda self, params: None)
    monkeypatch.setattr(AHDSSurrogate, "operate", operate)
    monkeypatch.setenv("AHDS_ENDPOINT", "https://other.example")
    engine = _engine(ahds_endpoint="https://ours.example")
    span = {"start": 0, "end": 4, "score": 0.8, "entity_type": "NAME"}
    body = {"text": "Jane", "analyzer_results": [span]}
    operator = {"type": "surrogate_ahds"}
    with pytest.raises(Unprocessable, match="takes no endpoint"):
        engine.anonymize(
            parse_anonymize(
                {**body, "anonymizers": {"NAME": {**operator, "endpoint": "https://attacker.example"}}}
            )
        )
    done = engine.anonymize(parse_anonymize({**body, "anonymizers": {"NAME": operator}}))
    assert (done.answer["text"], used) == ("Janet", ["https://ours.example"])


def test_an_endpoint_without_its_library_stops_the_start() -> None:
    """The setting is named."""
    check_ahds(EngineLimits())
    with pytest.raises(SettingsError, match="AHDS_ENDPOINT"):
        check_ahds(EngineLimits(ahds_endpoint="https://ours.example"))


@pytest.mark.parametrize(
    ("stock", "ours"),
    [
        ("Expected parameter key", "Expected parameter key"),
        ("Invalid parameter value for 'key'.", "Invalid parameter value for 'key'."),
        (f"Invalid operator class '{CANARY}'.", "Invalid operator class."),
        (
            f"Parameter hash_type value {CANARY} is not in range of values ['sha256', 'sha512']",
            "Parameter hash_type is not in range of values ['sha256', 'sha512']",
        ),
        (f"AHDS Surrogate operation failed: {CANARY}", "an operator's parameters cannot be used"),
        (f"Expected parameter {CANARY} {CANARY}", "an operator's parameters cannot be used"),
        (CANARY, "an operator's parameters cannot be used"),
    ],
)
def test_presidios_words_pass_where_they_quote_nothing(stock: str, ours: str) -> None:
    """Known messages as they are, the rest without what they quote."""
    assert own_words(InvalidParamError(stock)) == ours


def test_missing_deanonymizers_are_said_to_be_missing() -> None:
    """Stock fails on them with a 500."""
    span = {"start": 0, "end": 4, "entity_type": "NAME"}
    with pytest.raises(Unprocessable, match="no DEFAULT"):
        our_engine().deanonymize(parse_deanonymize({"text": "Jane", "anonymizer_results": [span]}))
