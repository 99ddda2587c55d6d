"""Requests as values: what the policy and the record are told, bounds, and that nothing shows itself."""

from __future__ import annotations

from typing import Any

import pytest
import regex

from shared.errors import InputError, InputTooLarge, PresidioAccessError
from shared.pii.adhoc import DEFAULT_REGEX_FLAGS, USABLE_REGEX_FLAGS
from shared.pii.requests import (
    EngineRequest,
    parse_analyze,
    parse_anonymize,
    parse_deanonymize,
    parse_redact,
)

SPAN = {"start": 0, "end": 4, "score": 0.5, "entity_type": "NAME"}
CANARY = "canary-77aa"


def _analyze(**fields: Any) -> dict[str, Any]:
    return {"text": "John", "language": "en", **fields}


def _told(request: EngineRequest) -> dict[str, Any]:
    """What the rest of the service reads."""
    names = (
        "inputs", "texts", "chars", "language", "entities", "operators", "ad_hoc_recognizers",
        "decision_process", "correlation_id",
    )  # fmt: skip
    return {name: getattr(request, name) for name in names}


def test_an_analyze_request_tells_what_it_wants() -> None:
    """Entity types by name, once and sorted; characters are code points over all texts."""
    brought = [{"supported_entity": "A", "deny_list": ["x"]}]
    body = _analyze(
        text=["John 😀", "é"],
        entities=["URL", "PERSON", "URL"],
        return_decision_process=True,
        ad_hoc_recognizers=brought,
        correlation_id="c-1",
    )
    assert _told(parse_analyze(body)) == {
        "inputs": ("John 😀", "é"),
        "texts": 2,
        "chars": 7,
        "language": "en",
        "entities": ("PERSON", "URL"),
        "operators": (),
        "ad_hoc_recognizers": 1,
        "decision_process": True,
        "correlation_id": "c-1",
    }


def test_no_entities_are_none() -> None:
    """An empty list means all types, as in Presidio, so the policy must see None."""
    nothings: tuple[Any, ...] = (None, [], "", {})
    for value in nothings:
        assert parse_analyze(_analyze(entities=value)).entities is None


@pytest.mark.parametrize(
    ("anonymizers", "operators"),
    [
        (None, ("replace",)),
        ({"NAME": {"type": "mask"}}, ("mask",)),
        ({"OTHER": {"type": "mask"}}, ("mask", "replace")),
        ({"DEFAULT": {"type": "hash"}}, ("hash",)),
        ({"DEFAULT": {"type": "hash"}, "NAME": {"type": "keep"}}, ("hash", "keep")),
    ],
)
def test_an_anonymize_request_tells_its_operators(anonymizers: Any, operators: tuple[str, ...]) -> None:
    """Those that it names, and `replace` where a span has nothing else."""
    request = parse_anonymize({"text": "John", "analyzer_results": [SPAN], "anonymizers": anonymizers})
    assert request.operators == operators
    assert request.entities == ("NAME",)


def test_a_redact_request_falls_back_on_replace() -> None:
    """Which types will be found is not known yet: without a default, `replace` may run."""
    assert parse_redact(_analyze(anonymizers={"NAME": {"type": "mask"}})).operators == ("mask", "replace")
    assert parse_redact(_analyze(anonymizers={"DEFAULT": {"type": "mask"}})).operators == ("mask",)
    assert parse_redact(_analyze()).decision_process is False


def test_a_deanonymize_request_tells_types_and_operators() -> None:
    """The types of its spans are what it wants to see."""
    request = parse_deanonymize(
        {
            "text": "John",
            "anonymizer_results": [SPAN],
            "deanonymizers": {"NAME": {"type": "decrypt", "key": "k"}},
        }
    )
    assert (request.entities, request.operators, request.language) == (("NAME",), ("decrypt",), None)


@pytest.mark.parametrize(
    "body",
    [
        _analyze(text=["a"] * 10_001),
        _analyze(entities=["A"] * 501),
        _analyze(entities=["A" * 2_001]),
        _analyze(language="e" * 21),
        _analyze(context=["a"] * 10_001),
        _analyze(context=["a" * 2_001]),
        _analyze(allow_list=["a"] * 10_001),
        _analyze(allow_list=["a" * 1_999] * 11, allow_list_match="regex"),
        _analyze(correlation_id="c" * 2_001),
        _analyze(ad_hoc_recognizers=[{"supported_entity": "A", "deny_list": ["x"]}] * 21),
        _analyze(ad_hoc_recognizers=[{"supported_entity": "A", "deny_list": ["x"] * 1_001}]),
        _analyze(ad_hoc_recognizers=[{"supported_entity": "A", "deny_list": ["x" * 201]}]),
        _analyze(
            ad_hoc_recognizers=[
                {"supported_entity": "A", "patterns": [{"name": "a", "regex": "a" * 2_001, "score": 1}]}
            ]
        ),
        _analyze(
            ad_hoc_recognizers=[
                {"supported_entity": "A", "patterns": [{"name": "a", "regex": "a", "score": 1}] * 21}
            ]
        ),
    ],
    ids=range(14),
)
def test_lists_and_words_are_bounded(body: dict[str, Any]) -> None:
    """Each field has a most, and the message says which."""
    with pytest.raises(InputTooLarge):
        parse_analyze(body)


def test_spans_and_operators_are_bounded() -> None:
    """100,000 spans, 500 operators, 20 parameters of 10,000 characters."""
    many_operators = {str(number): {"type": "mask"} for number in range(501)}
    many_params = {"A": {"type": "mask", **dict.fromkeys("abcdefghijklmnopqrst", 1)}}
    long_param = {"A": {"type": "replace", "new_value": "x" * 10_001}}
    bodies: list[dict[str, Any]] = [{"text": "", "analyzer_results": [SPAN] * 100_001}]
    bodies += [
        {"text": "", "analyzer_results": [], "anonymizers": operators}
        for operators in (many_operators, many_params, long_param)
    ]
    for body in bodies:
        with pytest.raises(InputTooLarge):
            parse_anonymize(body)


def test_redact_takes_text_alone() -> None:
    """A number would come back as a string, and explanations have no place in the answer."""
    for body in (_analyze(text=5), _analyze(text=[None]), _analyze(return_decision_process=True)):
        with pytest.raises(InputError):
            parse_redact(body)


def test_flags_are_those_of_the_regex_module() -> None:
    """All of them but the ones that print, mean bytes, or mean nothing."""
    usable = (
        regex.A | regex.B | regex.E | regex.F | regex.I | regex.M | regex.P | regex.R | regex.S | regex.U
        | regex.V0 | regex.V1 | regex.W | regex.X
    )  # fmt: skip
    assert int(usable) == USABLE_REGEX_FLAGS
    assert int(regex.DOTALL | regex.MULTILINE | regex.IGNORECASE) == DEFAULT_REGEX_FLAGS
    assert not USABLE_REGEX_FLAGS & (regex.DEBUG | regex.LOCALE)


def test_no_request_shows_itself() -> None:
    """`repr` of a request and its parts names classes only: logs and debuggers get no text and no key."""
    brought = [{"supported_entity": CANARY, "patterns": [{"name": CANARY, "regex": CANARY, "score": 1}]}]
    operators = {CANARY: {"type": "encrypt", "key": CANARY}}
    analysis = _analyze(text=CANARY, ad_hoc_recognizers=brought, allow_list=[CANARY], correlation_id=CANARY)
    requests: list[Any] = [
        parse_analyze(analysis),
        parse_redact({**analysis, "anonymizers": operators}),
        parse_anonymize({"text": CANARY, "analyzer_results": [SPAN], "anonymizers": operators}),
        parse_deanonymize({"text": CANARY, "anonymizer_results": [SPAN], "deanonymizers": operators}),
    ]
    parts = [
        *requests,
        requests[0].ad_hoc,
        requests[0].ad_hoc[0].patterns,
        requests[2].choices,
        requests[2].spans,
    ]
    assert CANARY not in repr(parts) + str(parts)


@pytest.mark.parametrize(
    "field", ["text", "language", "entities", "context", "allow_list", "ad_hoc_recognizers"]
)
def test_no_message_quotes_the_request(field: str) -> None:
    """A wrong value is described by its JSON type."""
    for value in ({CANARY: CANARY}, [{CANARY: CANARY}], [[CANARY]]):
        with pytest.raises(PresidioAccessError) as caught:
            parse_analyze(_analyze(**{field: value}))
        assert CANARY not in str(caught.value)
