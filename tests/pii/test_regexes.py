"""Patterns that callers bring cannot take the service's time or memory, and never silence a finding."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import regex

from shared.errors import AnalysisTimedOut, Unprocessable
from shared.pii.budget import Budget, spending
from shared.pii.engine import Engine
from shared.pii.files import EngineLimits
from shared.pii.regexes import compile_bounded, guard, search_bounded
from shared.pii.requests import parse_analyze
from tests.support.engine_room import our_engine

BACKTRACKING = r"(a|aa)+$"
BACKTRACKING_TEXT = "a" * 60 + "b"

COMPILE_BOMBS = (
    r"(a{1000}){1000}",
    r"((?:abc|de){1000}){1000}",
    r"((a{100}){100}){100}",
    r"(((a{50}){50}){50}){50}",
    r"(?:(?:a{1000}+){1000}+){1000}+",
    r"a{4000000000}",
    r"a{1000000,}",
    r"[a-z]{60000}",
    r"(?<=(a{1000}){1000})b",
    r"(?V1)[[a-z]--[aeiou]]{50000}",
    r"(?x) ( a {500} ) {500}",
    r"(?i)(?:(?:ß{300}){300})",
    "(?if)((()([0-\U0010ffff]{100})){2}){30}",
    "(?:" * 900 + "a" + ")" * 900,
    r"(?R)?a",
    r"(a)(?1)*",
    r"(?P<n>a)(?&n)?",
    r"(?(DEFINE)(?P<x>a{1000}))(?&x){1000}",
)

ORDINARY = (
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"[A-Z]{2}\d{2}(?: ?\d{4}){3,7}",
    r"(?<!\w)(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
    r"(?i)a(?V1)b",
    r"(?:Smyth){e<=1}",
    "|".join(f"word{number}" for number in range(800)),
    r"\p{Lu}{1,1000}",
    r"(?P<a>x)(?P=a)",
)


def _with_limits(limits: EngineLimits) -> Engine:
    """The loaded engine with other limits."""
    engine = our_engine()
    return Engine(engine._analyzer, engine._anonymizer, engine._deanonymizer, limits)


def _ask(regex_text: str, text: str, **fields: Any) -> dict[str, Any]:
    pattern = {"name": "p", "regex": regex_text, "score": 0.5}
    brought = [{"supported_entity": "MINE", "patterns": [pattern]}]
    return {"text": text, "language": "en", "ad_hoc_recognizers": brought, **fields}


@pytest.mark.parametrize("pattern", COMPILE_BOMBS, ids=range(len(COMPILE_BOMBS)))
def test_a_pattern_that_grows_when_compiled_is_refused_before(pattern: str) -> None:
    """At once, without compiling it: compiled, these take 260 MB up to the process's life."""
    started_s = time.process_time()
    with pytest.raises(Unprocessable) as caught:
        compile_bounded(pattern, 26)
    assert time.process_time() - started_s < 0.5
    assert pattern[:10] not in caught.value.message


def test_patterns_of_one_request_are_bounded_together() -> None:
    """Four hundred patterns of 30 MB each would be one request of 12 GB."""
    patterns = [{"name": "p", "regex": f"(?:a{{80}}b){{1{number}0}}", "score": 0.5} for number in range(20)]
    brought = [{"supported_entity": "MINE", "patterns": patterns}] * 20
    with pytest.raises(Unprocessable, match="more than 150000 parts"):
        our_engine().analyze(
            parse_analyze({"text": "a", "language": "en", "ad_hoc_recognizers": brought}), None
        )


@pytest.mark.parametrize("pattern", ORDINARY, ids=range(len(ORDINARY)))
def test_an_ordinary_pattern_is_compiled(pattern: str) -> None:
    """Bounds leave room for what recognizers are made of."""
    assert compile_bounded(pattern, 26).pattern == pattern


def test_patterns_of_callers_stay_out_of_the_modules_cache() -> None:
    """`regex` caches what it compiles; a deny list of names must not stay there."""
    from regex import _main

    secret = "canary-name-of-a-person"
    compile_bounded(secret, 26)
    assert not any(secret in str(key) for key in _main._cache)  # type: ignore[attr-defined]


def test_a_pattern_that_times_out_is_a_failure() -> None:
    """Stock burns its time-out and answers that nothing was found."""
    started_s = time.monotonic()
    with pytest.raises(AnalysisTimedOut):
        our_engine().analyze(parse_analyze(_ask(BACKTRACKING, BACKTRACKING_TEXT)), None)
    assert time.monotonic() - started_s < 20


@pytest.mark.parametrize(
    "fields",
    [
        {"entities": ["MINE"]},
        {"entities": ["MINE", "PERSON"]},
        {"text": ["John Smith", BACKTRACKING_TEXT, "Jane Doe"]},
        {"score_threshold": 1.0},
    ],
    ids=range(4),
)
def test_no_way_of_asking_makes_it_an_empty_success(fields: dict[str, Any]) -> None:
    """Named, in a batch, or below the threshold: the call fails as a whole."""
    body = {**_ask(BACKTRACKING, BACKTRACKING_TEXT), **fields}
    with pytest.raises(AnalysisTimedOut):
        our_engine().analyze(parse_analyze(body), None)


def test_an_allow_list_pattern_that_times_out_is_a_failure() -> None:
    """Stock keeps the finding; whether it was allowed is not known, so this fails."""
    text = f"http://example.com/{'a' * 60}b"
    body = {"text": text, "language": "en", "allow_list": [r"(a|aa)+$"], "allow_list_match": "regex"}
    with pytest.raises(AnalysisTimedOut):
        our_engine().analyze(parse_analyze(body), None)


def test_time_is_counted_over_all_patterns_of_a_request() -> None:
    """Twenty slow patterns get no twenty time-outs."""
    slow = {"supported_entity": "MINE", "patterns": [{"name": "p", "regex": BACKTRACKING, "score": 0.5}] * 20}
    body = {"text": "a" * 24 + "b", "language": "en", "ad_hoc_recognizers": [slow] * 20}
    started_s = time.monotonic()
    with pytest.raises(AnalysisTimedOut):
        our_engine().analyze(parse_analyze(body), None)
    assert time.monotonic() - started_s < 20


def test_too_many_matches_are_refused_before_they_become_objects() -> None:
    """A pattern that matches every character of a large text would take gigabytes."""
    few = _with_limits(EngineLimits(max_matches=1_000))
    with pytest.raises(Unprocessable, match="more matches"):
        few.analyze(parse_analyze(_ask(".", "x" * 150_000, entities=["MINE"])), None)


def test_others_are_served_while_a_pattern_backtracks() -> None:
    """`regex` gives up Python's lock: a catastrophic pattern does not hold up another thread's call."""
    engine = our_engine()
    outcome: list[type[Exception]] = []

    def attack() -> None:
        try:
            engine.analyze(parse_analyze(_ask(BACKTRACKING, BACKTRACKING_TEXT)), None)
        except AnalysisTimedOut as error:
            outcome.append(type(error))

    attacker = threading.Thread(target=attack)
    attacker.start()
    served = 0
    while attacker.is_alive():
        assert engine.analyze(parse_analyze({"text": "John Smith", "language": "en"}), None).found == {
            "PERSON": 1
        }
        served += 1
    assert outcome == [AnalysisTimedOut]
    assert served > 3


def test_budgets_of_threads_are_their_own() -> None:
    """One call's exhausted budget does not end another's."""
    spent = Budget(timeout_s=-1, ad_hoc_s=1, matches=1)
    compiled = regex.compile("a")
    with spending(spent), pytest.raises(AnalysisTimedOut):
        search_bounded(compiled, "a")
    with spending(Budget(timeout_s=60, ad_hoc_s=1, matches=1)):
        assert search_bounded(compiled, "ba")


def test_operators_own_patterns_are_guarded_too() -> None:
    """Every pattern of every configured recognizer matches under the call's budget."""
    from presidio_analyzer import Pattern

    pattern = guard(Pattern("slow", BACKTRACKING, 0.5), 26)
    assert pattern.compiled_regex is not None
    with spending(Budget(timeout_s=0.3, ad_hoc_s=1, matches=10)), pytest.raises(AnalysisTimedOut):
        list(pattern.compiled_regex.finditer(BACKTRACKING_TEXT, timeout=60))
    # Presidio compiles a pattern anew where it wants other flags: that one is guarded as well.
    pattern.compiled_regex = regex.compile(BACKTRACKING)
    with spending(Budget(timeout_s=0.3, ad_hoc_s=1, matches=10)), pytest.raises(AnalysisTimedOut):
        list(pattern.compiled_regex.finditer(BACKTRACKING_TEXT))


def test_every_configured_pattern_is_guarded() -> None:
    """None was forgotten when the engine was loaded."""
    from shared.pii.regexes import GuardedPattern

    recognizers = our_engine()._analyzer.registry.recognizers
    patterns = [pattern for one in recognizers for pattern in getattr(one, "patterns", [])]
    assert len(patterns) > 40
    assert all(isinstance(pattern, GuardedPattern) for pattern in patterns)


def test_a_time_out_that_presidio_swallows_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The IBAN recognizer times and skips its pattern by itself: it has then taken the time-out's time."""
    analyzer = our_engine()._analyzer
    monkeypatch.setattr(analyzer, "_regex_timeout_s", 0.0)
    with pytest.raises(AnalysisTimedOut):
        body = {"text": "DE89370400440532013000", "language": "en", "entities": ["IBAN_CODE"]}
        our_engine().analyze(parse_analyze(body), None)


def test_the_whole_analysis_has_a_deadline() -> None:
    """Between recognizers, steps of the language model, and inside of the tokenizer."""
    hasty = _with_limits(EngineLimits(analysis_timeout_ms=1))
    with pytest.raises(AnalysisTimedOut):
        hasty.analyze(parse_analyze({"text": "John Smith lives in Boston. " * 200, "language": "en"}), None)
