"""spaCy behind Presidio's NlpEngine: run only when something asks for it, and between deadlines.

The artifacts of a text are the same as stock's. What differs is when they are made: recognizers that only
match patterns never look at them, so a text in which nothing needs context is not processed at all, and
named entities are recognized only where somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine
from spacy.tokens import Doc

from shared.pii.pipelines import Pipeline, Renewal

BATCH_TEXTS = 64
BATCH_CHARS = 20_000
"""Texts of a batch that go through the models together: enough to be fast, few enough to stop in time."""

_LAZY = frozenset({"entities", "tokens", "tokens_indices", "lemmas", "keywords", "scores"})


class LazyArtifacts(NlpArtifacts):
    """NlpArtifacts whose values come into being at the first look at any of them."""

    def __init__(self, engine: LazySpacyEngine, text: str, language: str) -> None:
        # Not the parent's: it would compute everything now.
        self.nlp_engine = engine
        self.language = language
        self._text = text
        self._pipeline: Pipeline = engine.pipeline(language)
        self._doc: Doc | None = None
        self._context_view: NlpArtifacts | None = None

    def __getattr__(self, name: str) -> Any:
        """Called only for what is not there yet."""
        if name not in _LAZY:
            raise AttributeError(name)
        self.fill(self._pipeline.name(self._tagged()))
        return self.__dict__[name]

    def fill(self, doc: Doc) -> None:
        """Take everything from a document that went through the whole pipeline."""
        self._doc = doc
        stock = self.nlp_engine.stock_artifacts(doc, self.language)
        self.__dict__.update({name: getattr(stock, name) for name in _LAZY})

    def for_context(self) -> NlpArtifacts:
        """Tokens and lemmas for context enhancement, without named entities where they are not there yet."""
        if "entities" in self.__dict__:
            return self
        if self._context_view is None:
            self._context_view = self.nlp_engine.words_of(self._tagged(), self.language)
        return self._context_view

    def to_json(self) -> str:
        """As stock: for tracing, which this service never turns on."""
        doc = self.tokens
        return str(self.nlp_engine.stock_artifacts(doc, self.language).to_json())

    def _tagged(self) -> Doc:
        if self._doc is None:
            self._doc = self._pipeline.tag(self._text)
        return self._doc


class LazySpacyEngine(SpacyNlpEngine):
    """SpacyNlpEngine over the models that stock has loaded."""

    def __init__(self, stock: SpacyNlpEngine) -> None:
        super().__init__(stock.models, stock.ner_model_configuration)
        loaded: Any = stock.nlp
        self.nlp = loaded
        self._renewals = {
            model["lang_code"]: Renewal(loaded[model["lang_code"]], model["model_name"])
            for model in stock.models
        }

    def pipeline(self, language: str) -> Pipeline:
        """The language's pipeline as it is now."""
        return self._renewals[language].pipeline

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Artifacts that are computed when they are needed."""
        return LazyArtifacts(self, text, language)

    def process_texts(
        self, texts: Sequence[str], language: str, needs_entities: bool
    ) -> Iterator[LazyArtifacts]:
        """Artifacts of each text; several texts at a time go through the models where all of it is needed."""
        self._renewals[language].check()
        if len(texts) == 1 or not needs_entities:
            yield from (LazyArtifacts(self, text, language) for text in texts)
            return
        rest = iter(texts)
        while group := list(_group(rest)):
            for text, doc in zip(group, self.pipeline(language).process(group), strict=True):
                made = LazyArtifacts(self, text, language)
                made.fill(doc)
                yield made

    def is_stopword(self, word: str, language: str) -> bool:
        """As stock, with the vocabulary of the pipeline in use."""
        return bool(self.pipeline(language).nlp.vocab[word].is_stop)

    def is_punct(self, word: str, language: str) -> bool:
        """As stock, with the vocabulary of the pipeline in use."""
        return bool(self.pipeline(language).nlp.vocab[word].is_punct)

    def stock_artifacts(self, doc: Doc, language: str) -> NlpArtifacts:
        """Presidio's own artifacts of a finished document."""
        return self._doc_to_nlp_artifact(doc, language)

    def words_of(self, doc: Doc, language: str) -> NlpArtifacts:
        """Artifacts without entities."""
        return NlpArtifacts(
            entities=[],
            tokens=doc,
            tokens_indices=[token.idx for token in doc],
            lemmas=[token.lemma_ for token in doc],
            nlp_engine=self,
            language=language,
        )


def _group(texts: Iterator[str]) -> Iterator[str]:
    """The next texts, up to BATCH_TEXTS and about BATCH_CHARS (one long text may exceed it)."""
    chars = 0
    for text in islice(texts, BATCH_TEXTS):
        yield text
        chars += len(text)
        if chars >= BATCH_CHARS:
            return
