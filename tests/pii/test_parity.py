"""Whatever stock Presidio answers, we answer; what it stumbles over is refused with the reason."""

from __future__ import annotations

import random

import pytest

from bench.texts import seed_text
from tests.support.engine_room import our_answer, stock_presidio
from tests.support.parity import comparable, is_same_refusal
from tests.support.parity_cases import ENTITIES, PARITY_CASES, Case
from tests.support.parity_faults import FAULT_CASES, LOOSE_CASES
from tests.support.parity_texts import ODD, SCRIPTS, made_text

FEWEST_CASES = 300
GENERATED_TEXTS = 500


def _answer(case: Case) -> tuple[int, object]:
    return stock_presidio().answer(case.method, case.path, case.body, case.query)


@pytest.mark.parametrize("case", PARITY_CASES, ids=lambda case: case.name)
def test_answers_are_stocks(case: Case) -> None:
    """The same status and, as JSON, the same body."""
    stock_status, stock_body = _answer(case)
    status, body = our_answer(case)
    assert status == stock_status, body
    if status == 200:
        assert comparable(case, body) == comparable(case, stock_body)
    else:
        assert is_same_refusal(stock_body, body), (stock_body, body)


def test_the_cases_cover_the_api() -> None:
    """At least 300 requests, most of them answered, over every route that stock has."""
    assert len(PARITY_CASES) >= FEWEST_CASES
    all_cases = (*PARITY_CASES, *FAULT_CASES, *LOOSE_CASES)
    assert len({case.name for case in all_cases}) == len(all_cases)
    assert {case.path for case in PARITY_CASES} == {
        "/analyze",
        "/anonymize",
        "/anonymizers",
        "/deanonymize",
        "/deanonymizers",
        "/recognizers",
        "/supportedentities",
    }


@pytest.mark.parametrize("case", FAULT_CASES, ids=lambda case: case.name)
def test_a_fault_of_the_client_is_a_4xx(case: Case) -> None:
    """Where stock fails, or reports a TypeError of its own, ours is a 400, 413 or 422."""
    stock_status, stock_body = _answer(case)
    assert stock_status in (400, 500), stock_body
    status, body = our_answer(case)
    assert status in (400, 413, 422), body
    assert body["error"]


@pytest.mark.parametrize("case", LOOSE_CASES, ids=lambda case: case.name)
def test_what_stock_takes_loosely_is_a_4xx(case: Case) -> None:
    """A type that is not the field's own is refused, though stock finds some meaning in it."""
    stock_status, _ = _answer(case)
    assert stock_status in (200, 422)
    status, body = our_answer(case)
    assert status in (400, 422), body


def test_generated_texts_have_the_same_findings_and_explanations() -> None:
    """Prose, templates, scripts and noise: spans, scores, order and explanations are equal."""
    rng = random.Random(20_240_229)
    for number in range(GENERATED_TEXTS):
        case = Case(f"text {number}", "POST", "/analyze", _generated_body(rng, number))
        status, body = our_answer(case)
        assert (status, comparable(case, body)) == _answer(case), case.body


def _generated_body(rng: random.Random, number: int) -> dict[str, object]:
    kind = number % 5
    text: object = seed_text(rng.choice((60, 230, 600)), 10_000 + number)
    if kind == 1:
        text = made_text(rng)
    elif kind == 2:
        words = " ".join(rng.sample((*SCRIPTS, *ODD[:20]), 4)).split(" ")
        rng.shuffle(words)
        text = " ".join(["x", *words[:50]])
    elif kind == 3:
        text = "".join(
            rng.choice("abcXYZ 0123456789.,-/@()'\"\n:+#€ß中😀") for _ in range(rng.randint(1, 150))
        )
    elif kind == 4:
        text = [made_text(rng), seed_text(100, number), "", rng.choice(ODD)]
    body: dict[str, object] = {"text": text, "language": "en", "return_decision_process": True}
    if rng.random() < 0.2:
        body["entities"] = rng.sample(ENTITIES, 3)
    return body
