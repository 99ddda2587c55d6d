"""The engine: what is searched, what is counted, and how it fails."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from presidio_analyzer import EntityRecognizer, RecognizerResult

from shared.errors import EngineFailed, InputTooLarge, Unprocessable
from shared.pii.engine import Engine
from shared.pii.files import EngineLimits
from shared.pii.requests import parse_analyze, parse_anonymize, parse_redact
from tests.support.engine_room import our_engine
from tests.support.parity_texts import PLAIN, SCRIPTS

TEXT = "John Smith lives in Boston; mail jane@example.com, card 4111 1111 1111 1111."
TITLES = {"name": "Titles", "supported_entity": "TITLE", "deny_list": ["card"]}


def _analyze(**fields: Any) -> dict[str, Any]:
    return {"text": TEXT, "language": "en", **fields}


def test_everything_is_searched_without_a_restriction() -> None:
    """Findings by type and by recognizer; recognizers without findings are named too."""
    analysis = our_engine().analyze(parse_analyze(_analyze()), None)
    assert analysis.found == {
        "CREDIT_CARD": 1,
        "DATE_TIME": 1,
        "EMAIL_ADDRESS": 1,
        "LOCATION": 1,
        "PERSON": 1,
        "URL": 1,
    }
    assert analysis.searched == tuple(our_engine().supported_entities("en"))
    assert sum(analysis.recognizers.values()) == sum(analysis.found.values())
    assert analysis.recognizers["CreditCardRecognizer"] == 1
    assert analysis.recognizers["UsSsnRecognizer"] == 0
    assert set(analysis.recognizers) == set(our_engine().recognizers("en"))


def test_a_restriction_is_what_a_request_for_these_types_finds() -> None:
    """Where a request names no types, those of the policy are searched and nothing else runs."""
    types = ("PERSON", "EMAIL_ADDRESS")
    restricted = our_engine().analyze(parse_analyze(_analyze()), types)
    named = our_engine().analyze(parse_analyze(_analyze(entities=list(types))), None)
    assert restricted.answer == named.answer
    assert restricted.searched == named.searched == ("EMAIL_ADDRESS", "PERSON")
    assert set(restricted.recognizers) == {"EmailRecognizer", "SpacyRecognizer"}


def test_named_types_are_searched_whatever_the_restriction() -> None:
    """Whether they may be is decided before: the engine does not drop what was asked for and allowed."""
    request = parse_analyze(_analyze(entities=["CREDIT_CARD"]))
    assert our_engine().analyze(request, ("PERSON",)).found == {"CREDIT_CARD": 1}


def test_recognizers_of_the_request_run_under_a_restriction() -> None:
    """Their patterns are the caller's own."""
    request = parse_analyze(_analyze(ad_hoc_recognizers=[TITLES]))
    analysis = our_engine().analyze(request, ("PERSON",))
    assert analysis.found == {"PERSON": 1, "TITLE": 1}
    assert analysis.searched == ("PERSON", "TITLE")
    assert analysis.recognizers == {"SpacyRecognizer": 1, "Titles": 1}


def test_nothing_allowed_finds_nothing() -> None:
    """An empty restriction runs no recognizer."""
    analysis = our_engine().analyze(parse_analyze(_analyze()), ())
    assert (analysis.answer, analysis.found, analysis.recognizers) == ([], {}, {})


def test_a_recognizer_cannot_report_more_than_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of your own that finds several types at once does not get around a restriction."""

    class Talkative(EntityRecognizer):
        """Finds everything, whatever it is asked for."""

        def load(self) -> None:
            """Nothing to load."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any) -> list[RecognizerResult]:
            """Two types; looks at tokens and entities like a recognizer of somebody's own may."""
            assert [token.text for token in nlp_artifacts.tokens][:2] == ["John", "Smith"]
            assert nlp_artifacts.tokens[0].ent_type_ == "PERSON"
            assert "john" in nlp_artifacts.keywords
            return [RecognizerResult("SECRET", 0, 4, 0.9), RecognizerResult("PUBLIC", 0, 4, 0.9)]

    registry = our_engine()._analyzer.registry
    talkative = Talkative(supported_entities=["SECRET", "PUBLIC"], name="Talkative")
    monkeypatch.setattr(registry, "recognizers", [*registry.recognizers, talkative])
    restricted = our_engine().analyze(parse_analyze(_analyze()), ("PUBLIC", "PERSON"))
    assert restricted.found == {"PERSON": 1, "PUBLIC": 1}
    assert restricted.recognizers["Talkative"] == 1


def test_redaction_is_analysis_and_anonymization() -> None:
    """The same findings, replaced by the same operators, without the findings in the answer."""
    engine = our_engine()
    texts = [*PLAIN, *SCRIPTS, ""]
    operators = {"PERSON": {"type": "mask", "masking_char": "*", "chars_to_mask": 3, "from_end": False}}
    redaction = engine.redact(parse_redact(_analyze(text=texts, anonymizers=operators)), None)
    assert isinstance(redaction.answer, list)
    items = 0
    for text, answer in zip(texts, redaction.answer, strict=True):
        findings = engine.analyze(parse_analyze(_analyze(text=[text])), None).answer[0]
        body = {"text": text, "analyzer_results": findings, "anonymizers": operators}
        expected = engine.anonymize(parse_anonymize(body)).answer if text else {"text": "", "items": []}
        assert answer == expected
        items += len(answer["items"])
    assert sum(redaction.entities.values()) == items
    assert redaction.operators == ("mask", "replace")
    assert redaction.output_chars == sum(len(answer["text"]) for answer in redaction.answer)
    assert sum(redaction.found.values()) >= items


def test_one_text_is_answered_with_one_object() -> None:
    """A list only for a list."""
    redaction = our_engine().redact(parse_redact(_analyze(text="I am John Smith.")), ("PERSON",))
    assert redaction.answer == {
        "items": [
            {
                "start": 5,
                "end": 13,
                "entity_type": "PERSON",
                "text": "<PERSON>",
                "operator": "replace",
                "score": 0.85,
            }
        ],
        "text": "I am <PERSON>.",
    }


def test_the_vocabulary_is_the_configurations() -> None:
    """Words that may stand in records: types, recognizers, operators."""
    engine = our_engine()
    assert {"PERSON", "US_SSN", "UUID"} <= engine.entity_vocabulary
    assert {"SpacyRecognizer", "PhoneRecognizer", "EmailRecognizer"} <= engine.recognizer_vocabulary
    assert engine.operator_vocabulary == {
        "custom", "deanonymize_keep", "decrypt", "encrypt", "hash", "keep", "mask", "redact", "replace",
        "surrogate_ahds",
    }  # fmt: skip
    assert engine.languages == ("en",)
    assert len(engine.recognizers(None)) == 18


def test_an_unknown_language_is_unprocessable() -> None:
    """For analysis and for the lists, in Presidio's words."""
    engine = our_engine()
    for ask in (
        lambda: engine.analyze(parse_analyze(_analyze(language="xx")), None),
        lambda: engine.recognizers("xx"),
        lambda: engine.supported_entities("xx"),
    ):
        with pytest.raises(Unprocessable, match="No matching recognizers were found to serve the request"):
            ask()


def test_a_text_above_the_limit_is_refused_before_it_is_looked_at() -> None:
    """spaCy refuses texts of more than a million characters, with an error of its own."""
    limits = EngineLimits(max_text_chars=100)
    small = Engine(our_engine()._analyzer, our_engine()._anonymizer, our_engine()._deanonymizer, limits)
    with pytest.raises(InputTooLarge, match="at most 100 characters, got 101"):
        small.analyze(parse_analyze(_analyze(text=["a", "x" * 101])), None)
    assert small.analyze(parse_analyze(_analyze(text="x" * 100)), None).answer == []


def test_whatever_presidio_raises_is_an_engine_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its class is named; its text, which may quote what it saw, is gone for good."""
    recognizers: Any = our_engine()._analyzer.registry.recognizers
    email = next(one for one in recognizers if one.name == "EmailRecognizer")
    for error in (ValueError("canary"), KeyError("canary"), MemoryError("canary"), RecursionError("canary")):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(email, "analyze", fail)
        with pytest.raises(EngineFailed) as caught:
            our_engine().analyze(parse_analyze(_analyze()), None)
        assert caught.value.message == f"the engine failed ({type(error).__name__})"
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None


def test_an_engine_serves_many_threads() -> None:
    """Eight threads at once get the answers that each would get alone."""
    engine = our_engine()
    bodies = [_analyze(text=text, return_decision_process=True) for text in (*PLAIN, *SCRIPTS)]
    bodies += [_analyze(text=text, ad_hoc_recognizers=[TITLES], allow_list=["John"]) for text in PLAIN]
    expected = [engine.analyze(parse_analyze(body), None).answer for body in bodies]
    wrong: list[int] = []

    def work_through(seed: int) -> None:
        for number in random.Random(seed).sample(range(len(bodies)), len(bodies)):
            if engine.analyze(parse_analyze(bodies[number]), None).answer != expected[number]:
                wrong.append(number)

    threads = [threading.Thread(target=work_through, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
