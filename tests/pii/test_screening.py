"""What is screened away would have been found by nobody."""

from __future__ import annotations

import random
import re
import time
from typing import Any

import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from presidio_analyzer import Pattern, PatternRecognizer

from bench.texts import seed_text
from shared.errors import AnalysisTimedOut
from shared.pii.budget import Budget, spending
from shared.pii.regexes import guard
from shared.pii.screening import GATE_FLAGS, GATES, Gate, digest_of, screens_of
from tests.support.engine_room import our_engine
from tests.support.parity_texts import ODD, PLAIN, SCRIPTS, made_text

_PATTERNS = {
    digest_of(pattern.regex): pattern.regex
    for recognizer in our_engine()._analyzer.registry.recognizers
    if isinstance(recognizer, PatternRecognizer)
    for pattern in recognizer.patterns  # type: ignore[has-type]
}
_COMPILED = {digest: regex.compile(pattern, GATE_FLAGS) for digest, pattern in _PATTERNS.items()}
_GATED = sorted(GATES)


def _budget(timeout_s: float = 60) -> Budget:
    return Budget(timeout_s=timeout_s, ad_hoc_s=10, matches=1_000)


def _recognizer(pattern: str, flags: int = int(GATE_FLAGS)) -> Any:
    made = PatternRecognizer("X", patterns=[Pattern("x", pattern, 0.5)], global_regex_flags=flags)
    made.patterns = [guard(one, flags) for one in made.patterns]  # type: ignore[has-type]
    return made


def _is_silent(recognizer: Any, text: str) -> bool:
    with spending(_budget()):
        return screens_of([recognizer])[recognizer.id].is_silent(text, {})


def test_every_gate_stands_before_a_pattern_of_presidios() -> None:
    """An upgrade that changes a pattern makes this fail: see whether its gate still holds, or take it out."""
    assert set(GATES) <= set(_PATTERNS)


@pytest.mark.parametrize("digest", _GATED)
def test_whatever_matches_passes_its_gate(digest: str) -> None:
    """Texts made from the pattern itself, and changed at random places."""
    gate = GATES[digest]
    compiled = _COMPILED[digest]
    flags = re.DOTALL | re.MULTILINE | re.IGNORECASE
    made = st.from_regex(re.compile(_PATTERNS[digest].replace("(?i)", ""), flags))
    matched = 0

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(made, st.text(max_size=3), st.integers(0, 60))
    def check(text: str, inserted: str, place: int) -> None:
        nonlocal matched
        for one in (text, text[:place] + inserted + text[place:]):
            if compiled.search(one) is not None:
                matched += 1
                assert gate(one)

    check()
    assert matched > 0


@pytest.mark.parametrize("digest", _GATED)
def test_gates_hold_on_texts(digest: str) -> None:
    """Prose, made-up data in many scripts, and digits, letters and marks in any order."""
    rng = random.Random(int(digest, 16))
    alphabet = "0123456789aAfFzZ\u017f\u212a:.-/ ]٣"
    texts = [*PLAIN, *SCRIPTS, *(text for text in ODD if len(text) < 1_000)]
    texts += [made_text(rng) for _ in range(200)]
    texts += [seed_text(230, 90_000 + number) for number in range(100)]
    texts += ["".join(rng.choices(alphabet, k=rng.randint(1, 40))) for _ in range(3_000)]
    for text in texts:
        assert GATES[digest](text) or _COMPILED[digest].search(text) is None, text


def test_silence_is_what_the_recognizer_would_have_said() -> None:
    """Each recognizer of the service on every text: silent where, and only where, no pattern matches."""
    rng = random.Random(7)
    texts = [*PLAIN, *SCRIPTS, "", *(made_text(rng) for _ in range(100))]
    configured = our_engine()._analyzer.registry.recognizers
    screens = screens_of(configured)
    assert len(screens) >= 14
    for recognizer in configured:
        screen = screens.get(recognizer.id)
        if screen is None:
            continue
        heard = 0
        for text in texts:
            opened: dict[Gate, bool] = {}
            with spending(_budget()):
                is_silent = screen.is_silent(text, opened)
                found = recognizer.analyze(text, recognizer.supported_entities, None)  # type: ignore[arg-type]
            patterns: Any = recognizer.patterns  # type: ignore[attr-defined]
            matches = any(_COMPILED[digest_of(one.regex)].search(text) for one in patterns)
            assert is_silent is not matches
            assert not (is_silent and found)
            heard += not is_silent
        assert heard < len(texts)


def test_a_match_of_nothing_is_no_silence() -> None:
    """Presidio itself decides what an empty match means."""
    assert not _is_silent(_recognizer("x*"), "abc")
    assert _is_silent(_recognizer("xy"), "abc")


def test_a_pattern_with_other_flags_has_no_gate() -> None:
    """Gates are for the flags that Presidio's recognizers have."""
    digits = next(one for one in _PATTERNS.values() if one == r"(\b[0-9]{9}\b)")
    assert not _is_silent(_recognizer(digits, int(regex.DOTALL)), "123456789")
    assert screens_of([_recognizer(digits, int(regex.DOTALL))])


def test_recognizers_that_do_more_are_never_screened() -> None:
    """A call of its own, patterns of a request, and patterns that nobody guards."""

    class Own(PatternRecognizer):
        def analyze(self, *_: Any, **__: Any) -> list[Any]:
            return []

    own = Own("X", patterns=[Pattern("x", "x", 0.5)])
    unguarded = PatternRecognizer("X", patterns=[Pattern("x", "x", 0.5)])
    brought = _recognizer("x")
    brought.patterns[0].is_ad_hoc = True
    others = [
        one for one in our_engine()._analyzer.registry.recognizers if not isinstance(one, PatternRecognizer)
    ]
    assert screens_of([own, unguarded, brought, *others]) == {}


def test_a_pattern_that_runs_out_of_time_fails_the_call() -> None:
    """As in Presidio's way round: nothing is reported as not found."""
    slow = _recognizer("(a|aa)+$")
    screen = screens_of([slow])[slow.id]
    with spending(_budget(0.05)), pytest.raises(AnalysisTimedOut):
        screen.is_silent("a" * 60 + "b", {})
    with spending(_budget(0.001)), pytest.raises(AnalysisTimedOut):
        time.sleep(0.005)
        screen.is_silent("", {})
