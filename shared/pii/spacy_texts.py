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
from spacy.language import Language
from spacy.pipeline import EntityRecognizer as NamedEntityPipe
from spacy.tokens import Doc

from shared.pii.budget import current_budget

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
        self._doc: Doc | None = None
        self._context_view: NlpArtifacts | None = None

    def __getattr__(self, name: str) -> Any:
        """Called only for what is not there yet."""
        if name not in _LAZY:
            raise AttributeError(name)
        self.complete()
        return self.__dict__[name]

    def complete(self) -> None:
        """Run what is left of the pipeline."""
        if "entities" not in self.__dict__:
            doc = self.nlp_engine.finish(self.tagged(), self.language)
            self._fill(doc)

    def tagged(self) -> Doc:
        """The document after every step but the last one, if that is named entity recognition."""
        if self._doc is None:
            self._doc = self.nlp_engine.begin(self._text, self.language)
        return self._doc

    def accept(self, doc: Doc) -> None:
        """Take a document that went through the pipeline with others."""
        self._doc = doc
        self._fill(doc)

    def for_context(self) -> NlpArtifacts:
        """Tokens and lemmas for context enhancement, without named entities where they are not there yet."""
        if "entities" in self.__dict__:
            return self
        if self._context_view is None:
            self._context_view = self.nlp_engine.words_of(self.tagged(), self.language)
        return self._context_view

    def to_json(self) -> str:
        """As stock: for tracing, which this service never turns on."""
        self.complete()
        return str(self.nlp_engine.stock_artifacts(self.tagged(), self.language).to_json())

    def _fill(self, doc: Doc) -> None:
        stock = self.nlp_engine.stock_artifacts(doc, self.language)
        self.__dict__.update({name: getattr(stock, name) for name in _LAZY})


class LazySpacyEngine(SpacyNlpEngine):
    """SpacyNlpEngine over the models that stock has loaded."""

    def __init__(self, stock: SpacyNlpEngine) -> None:
        super().__init__(stock.models, stock.ner_model_configuration)
        self.nlp: dict[str, Language] = stock.nlp  # type: ignore[assignment]  # None until it is loaded
        self._steps = {language: list(nlp.pipeline) for language, nlp in self.nlp.items()}

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Artifacts that are computed when they are needed."""
        return LazyArtifacts(self, text, language)

    def process_texts(
        self, texts: Sequence[str], language: str, needs_entities: bool
    ) -> Iterator[LazyArtifacts]:
        """Artifacts of each text; several texts at a time go through the models where all of it is needed."""
        if len(texts) == 1 or not needs_entities:
            yield from (LazyArtifacts(self, text, language) for text in texts)
            return
        rest = iter(texts)
        while group := list(_group(rest)):
            for text, doc in zip(group, self._run(self._steps[language], group, language), strict=True):
                made = LazyArtifacts(self, text, language)
                made.accept(doc)
                yield made

    def begin(self, text: str, language: str) -> Doc:
        """Every step but named entity recognition, where that comes last."""
        return self._run(self._first_steps(language), [text], language)[0]

    def finish(self, doc: Doc, language: str) -> Doc:
        """The steps that `begin` left out."""
        for _, step in self._steps[language][len(self._first_steps(language)) :]:
            current_budget().seconds_left()
            doc = step(doc)
        return doc

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

    def _first_steps(self, language: str) -> list[tuple[str, Any]]:
        steps = self._steps[language]
        return steps[:-1] if steps and isinstance(steps[-1][1], NamedEntityPipe) else steps

    def _run(self, steps: list[tuple[str, Any]], texts: Sequence[str], language: str) -> list[Doc]:
        """What `nlp(text)` does, with a look at the clock before each step."""
        docs = [self.nlp[language].make_doc(text) for text in texts]
        for _, step in steps:
            current_budget().seconds_left()
            docs = [step(docs[0])] if len(docs) == 1 else list(step.pipe(docs, batch_size=len(docs)))
        return docs


def _group(texts: Iterator[str]) -> Iterator[str]:
    """The next texts, up to BATCH_TEXTS and about BATCH_CHARS (one long text may exceed it)."""
    chars = 0
    for text in islice(texts, BATCH_TEXTS):
        yield text
        chars += len(text)
        if chars >= BATCH_CHARS:
            return
