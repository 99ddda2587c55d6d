"""Context enhancement in linear time raises the scores that stock raises, by the same words."""

from __future__ import annotations

import copy
import random
import time
from typing import Any

import pytest
from presidio_analyzer import AnalysisExplanation, EntityRecognizer, PatternRecognizer, RecognizerResult
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer

from shared.errors import Unprocessable
from shared.pii.context import LinearContextEnhancer, linear
from tests.support.engine_room import stock_presidio
from tests.support.parity_texts import PLAIN, SCRIPTS, made_text

WORDS = ["card", "phone", "Ssn", "acc", "ß", "", "10"]


def _recognizers() -> list[PatternRecognizer]:
    rng = random.Random(3)
    return [
        PatternRecognizer(f"TYPE_{number}", deny_list=["x"], context=rng.sample(WORDS, rng.randint(0, 4)))
        for number in range(6)
    ]


def _result(recognizer: EntityRecognizer, start: int, end: int, score: float) -> RecognizerResult:
    return RecognizerResult(
        recognizer.supported_entities[0],
        start,
        end,
        score,
        AnalysisExplanation(str(recognizer.name), score),  # type: ignore[has-type]
        {"recognizer_identifier": recognizer.id},
    )


def _state(results: list[RecognizerResult]) -> list[Any]:
    return [{**vars(result), "analysis_explanation": vars(result.analysis_explanation)} for result in results]


def _texts(rng: random.Random) -> list[str]:
    return [
        *PLAIN,
        *SCRIPTS,
        *(made_text(rng) for _ in range(60)),
        "the of and , . 5 the of",
        "10:30 a:b card:x",
    ]


@pytest.mark.parametrize("mode", ["substring", "whole_word"])
@pytest.mark.parametrize(("before", "after"), [(5, 0), (0, 0), (2, 3), (100, 100), (-1, -1)])
def test_scores_and_words_are_stocks(mode: str, before: int, after: int) -> None:
    """Every place of a text, with and without context words of the request."""
    parameters: Any = {
        "context_prefix_count": before,
        "context_suffix_count": after,
        "context_matching_mode": mode,
    }
    stock, ours = LemmaContextAwareEnhancer(**parameters), LinearContextEnhancer(**parameters)
    recognizers: list[EntityRecognizer] = [*_recognizers()]
    rng = random.Random(11)
    engine = stock_presidio().analyzer.nlp_engine
    raised = 0
    for text in _texts(rng):
        artifacts = engine.process_text(text, "en")
        last = artifacts.tokens[-1].idx + len(artifacts.tokens[-1])
        results = []
        for _ in range(15):
            start = rng.randrange(last)
            end = rng.randint(start, len(text))
            results.append(_result(rng.choice(recognizers), start, end, rng.choice((0.01, 0.4, 0.9))))
        context = rng.choice((None, [], ["Card"], ["PHONE number", "ß"]))
        expected = stock.enhance_using_context(text, copy.deepcopy(results), artifacts, recognizers, context)
        actual = ours.enhance_using_context(text, results, artifacts, recognizers, context)
        assert _state(actual) == _state(expected)
        raised += sum(one.score != two.score for one, two in zip(results, expected, strict=True))
    assert raised > 0 or before < 0


def test_the_results_given_are_not_written_to() -> None:
    """As with stock's deep copy: a recognizer may keep the objects that it returned."""
    recognizer = PatternRecognizer("TYPE", deny_list=["x"], context=["card"])
    artifacts = stock_presidio().analyzer.nlp_engine.process_text("my card 4111", "en")
    given = _result(recognizer, 8, 12, 0.1)
    before = copy.deepcopy(vars(given.analysis_explanation))
    enhanced = LinearContextEnhancer().enhance_using_context(
        "my card 4111", [given, given], artifacts, [recognizer]
    )
    assert (given.score, vars(given.analysis_explanation)) == (0.1, before)
    assert enhanced[0] is enhanced[1]  # one object stays one, so its score is raised twice, as stock's
    assert enhanced[0].score == pytest.approx(0.8)


def test_a_place_behind_the_last_word_is_refused_without_quoting() -> None:
    """Stock raises an error that quotes what it did not find."""
    recognizer = PatternRecognizer("TYPE", deny_list=["x"], context=["card"])
    artifacts = stock_presidio().analyzer.nlp_engine.process_text("secretword ", "en")
    with pytest.raises(Unprocessable) as caught:
        LinearContextEnhancer().enhance_using_context(
            "secretword ", [_result(recognizer, 10, 11, 0.1)], artifacts, [recognizer]
        )
    assert "secretword" not in caught.value.message


def test_long_texts_take_linear_time() -> None:
    """Four times the text takes nowhere near sixteen times as long."""
    recognizer = PatternRecognizer("TYPE", deny_list=["x"], context=["nowhere to be found"])
    engine = stock_presidio().analyzer.nlp_engine
    times = []
    for copies in (50, 200):
        text = "his number is 4111 " * copies
        artifacts = engine.process_text(text, "en")
        results = [_result(recognizer, at * 19 + 14, at * 19 + 18, 0.1) for at in range(copies)]
        best_s = float("inf")
        for _ in range(3):
            started_s = time.thread_time()
            LinearContextEnhancer().enhance_using_context(text, results, artifacts, [recognizer])
            best_s = min(best_s, time.thread_time() - started_s)
        times.append(best_s)
    assert times[1] < times[0] * 10


def test_only_presidios_own_enhancer_is_replaced() -> None:
    """Another class keeps its own ways."""

    class Other(LemmaContextAwareEnhancer):
        """Somebody's own."""

    assert isinstance(linear(LemmaContextAwareEnhancer()), LinearContextEnhancer)
    other = Other()
    assert linear(other) is other
