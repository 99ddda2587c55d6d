"""Marked values go in by every field and come out of nothing but the answer."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

from shared.errors import PresidioAccessError
from shared.pii.engine import Engine
from shared.pii.files import EngineLimits
from shared.pii.payload import parse_json
from shared.pii.requests import parse_analyze, parse_anonymize, parse_deanonymize, parse_redact
from tests.support.engine_room import our_engine

MARK = "kanarienvogel"
"""One lower-case word: it survives tokenizing, lemmatizing and escaping."""

TEXT = f"{MARK} John {MARK}@example.com 4111 1111 1111 1111"
SPAN = {"start": 0, "end": 5, "score": 0.5, "entity_type": MARK}


def _analyze(**fields: Any) -> dict[str, Any]:
    return {"text": TEXT, "language": "en", "correlation_id": MARK, "context": [MARK], **fields}


def _pattern(regex: str, **fields: Any) -> dict[str, Any]:
    pattern = {"name": MARK, "regex": regex, "score": 0.5}
    return {"supported_entity": MARK, "name": MARK, "patterns": [pattern], **fields}


ANALYSES: tuple[dict[str, Any], ...] = (
    _analyze(),
    _analyze(return_decision_process=True, entities=["PERSON", MARK]),
    _analyze(ad_hoc_recognizers=[_pattern(MARK, context=[MARK])]),
    _analyze(allow_list=[MARK], allow_list_match="regex"),
    _analyze(entities=[MARK]),
    _analyze(language=MARK),
    _analyze(text={MARK: MARK}),
    _analyze(text=[[MARK]]),
    _analyze(entities={MARK: MARK}),
    _analyze(context=[{MARK: 1}]),
    _analyze(allow_list=[MARK], allow_list_match=MARK),
    _analyze(allow_list=[f"({MARK}"], allow_list_match="regex"),
    _analyze(allow_list=[MARK], allow_list_match="regex", regex_flags=MARK),
    _analyze(ad_hoc_recognizers=[{MARK: MARK}]),
    _analyze(ad_hoc_recognizers=[_pattern(f"({MARK}")]),
    _analyze(ad_hoc_recognizers=[_pattern(f"({MARK}{{1000}}){{1000}}")]),
    _analyze(ad_hoc_recognizers=[_pattern(f"(?:{MARK})?(a|aa)+$")], text=f"{MARK}{'a' * 60}b"),
    _analyze(ad_hoc_recognizers=[_pattern(r"\s$", context=[MARK])], text=f"{MARK} "),
    _analyze(ad_hoc_recognizers=[_pattern(".")], text=MARK * 12_000, entities=[MARK]),
)

REPLACEMENTS: tuple[dict[str, Any], ...] = (
    {"text": TEXT, "analyzer_results": [SPAN]},
    {"text": TEXT, "analyzer_results": [SPAN], "anonymizers": {MARK: {"type": MARK}}},
    {"text": TEXT, "analyzer_results": [SPAN], "anonymizers": {MARK: {"type": "hash", "hash_type": MARK}}},
    {"text": TEXT, "analyzer_results": [SPAN], "anonymizers": {MARK: {"type": "encrypt", "key": MARK}}},
    {
        "text": TEXT,
        "analyzer_results": [SPAN],
        "anonymizers": {MARK: {"type": "encrypt", "key": f"abc{MARK}"}},
    },
    {"text": TEXT, "analyzer_results": [SPAN], "anonymizers": {MARK: {"type": "hash", "salt": [MARK]}}},
    {"text": TEXT, "analyzer_results": [SPAN], "anonymizers": {MARK: {"type": "mask", "masking_char": MARK}}},
    {"text": TEXT, "analyzer_results": [{**SPAN, "end": 5000}]},
    {"text": TEXT, "analyzer_results": [{**SPAN, "start": MARK}]},
    {"text": TEXT, "analyzer_results": [{**SPAN, "score": MARK}]},
    {"text": TEXT, "analyzer_results": MARK},
    {"text": [TEXT], "analyzer_results": [SPAN]},
    {"text": TEXT, "analyzer_results": [SPAN], "anonymizers": {MARK: MARK}},
)

RESTORATIONS: tuple[dict[str, Any], ...] = (
    {"text": TEXT, "anonymizer_results": [SPAN], "deanonymizers": {MARK: {"type": "deanonymize_keep"}}},
    {
        "text": TEXT,
        "anonymizer_results": [SPAN],
        "deanonymizers": {MARK: {"type": "decrypt", "key": f"abc{MARK}"}},
    },
    {"text": TEXT, "anonymizer_results": [SPAN], "deanonymizers": {MARK: {"type": "decrypt", "key": MARK}}},
    {"text": TEXT, "anonymizer_results": [SPAN], "deanonymizers": {MARK: {"type": MARK}}},
    {"text": TEXT, "anonymizer_results": [SPAN]},
)

BODIES = (
    f'{{"text": "{MARK}'.encode(),
    f'{{"{MARK}": 1, "{MARK}": 2}}'.encode(),
    f'"{MARK} \\ud800"'.encode(),
    MARK.encode() + b"\xff",
    f'["{MARK}", NaN]'.encode(),
    f"[1e{'9' * 30}, {MARK}]".encode(),
)


def _outcomes(engine: Engine) -> list[PresidioAccessError | None]:
    calls: list[Any] = [lambda body=body: parse_json(body) for body in BODIES]
    for body in ANALYSES:
        calls.append(lambda body=body: engine.analyze(parse_analyze(body), None))
        redaction = {key: value for key, value in body.items() if key != "return_decision_process"}
        calls.append(lambda body=redaction: engine.redact(parse_redact(body), ("PERSON",)))
    calls += [lambda body=body: engine.anonymize(parse_anonymize(body)) for body in REPLACEMENTS]
    calls += [lambda body=body: engine.deanonymize(parse_deanonymize(body)) for body in RESTORATIONS]
    outcomes: list[PresidioAccessError | None] = []
    for call in calls:
        try:
            call()
        except PresidioAccessError as error:
            outcomes.append(error)
        else:
            outcomes.append(None)
    return outcomes


def _everything_said(error: BaseException | None) -> str:
    """Messages, arguments, notes and tracebacks of an exception and of all that hang on it."""
    said = ""
    while error is not None:
        said += "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return said


def test_nothing_leaks(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """With every logger at DEBUG: not in logs, streams, messages, or what hangs on an exception."""
    engine = our_engine()
    caplog.handler.setLevel(logging.NOTSET)
    with caplog.at_level(logging.DEBUG):
        outcomes = _outcomes(engine)
        hasty = Engine(
            engine._analyzer, engine._anonymizer, engine._deanonymizer, EngineLimits(1, 1, 10, 1, 1)
        )
        outcomes += _outcomes(hasty)
    failures = [error for error in outcomes if error is not None]
    assert len(failures) > 60
    assert len(outcomes) - len(failures) > 10
    for error in failures:
        assert MARK not in _everything_said(error)
    assert MARK not in caplog.text
    assert not any(MARK in repr(vars(record)) for record in caplog.records)
    assert MARK not in "".join(capfd.readouterr())


def test_answers_do_carry_what_was_found() -> None:
    """The mark is in the input of the test above, and the engine works on it."""
    found = our_engine().analyze(parse_analyze(_analyze(ad_hoc_recognizers=[_pattern(MARK)])), None)
    assert found.found[MARK] >= 1
    assert MARK not in repr(found)


def test_a_failure_inside_presidio_leaks_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each part of the engine fails once with the mark in its exception."""
    engine = our_engine()
    recognizers: Any = engine._analyzer.registry.recognizers
    parts: list[tuple[Any, str]] = [
        (recognizers[0], "analyze"),
        (engine._analyzer._nlp_engine, "process_texts"),
        (engine._analyzer._nlp_engine, "artifacts_of_entities"),
        (engine._analyzer._enhancer, "enhance_using_context"),
        (engine._anonymizer, "anonymize"),
    ]
    for part, name in parts:

        def fail(*_: Any, **__: Any) -> None:
            try:
                raise KeyError(MARK)
            except KeyError as error:
                raise ValueError(f"did not find {MARK}") from error

        with monkeypatch.context() as patch, caplog.at_level(logging.DEBUG):
            patch.setattr(part, name, fail)
            with pytest.raises(PresidioAccessError) as caught:
                engine.redact(parse_redact(_analyze()), None)
        assert caught.value.code == "engine_failed"
        assert MARK not in str(caught.value) + repr(vars(caught.value))
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None
    assert MARK not in caplog.text + "".join(capfd.readouterr())
