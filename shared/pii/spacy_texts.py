"""spaCy behind Presidio's NlpEngine, run only as far as something asks for it.

The artifacts of a text are the same as stock's. What differs is when they are made: recognizers that only
match patterns never look at them, named entities are recognized where somebody asks for them, and lemmas are
made where a finding needs context.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine
from spacy.tokens import Doc

from shared.pii.pipelines import Pipeline, TextWork
from shared.pii.renewal import Renewal

BATCH_TEXTS = 64
BATCH_CHARS = 20_000
"""Texts of a batch that go through the models together: enough to be fast, few enough to stop in time."""

_OF_ENTITIES = frozenset({"entities", "scores"})
_OF_WORDS = frozenset({"tokens", "tokens_indices", "lemmas", "keywords"})


class LazyArtifacts(NlpArtifacts):
    """NlpArtifacts whose values come into being at the first look at any of them.

    `is_whole`: everything at once, for recognizers that are not Presidio's own and may look at anything.
    """

    def __init__(self, engine: LazySpacyEngine, work: TextWork, language: str, is_whole: bool) -> None:
        # Not the parent's: it would compute everything now.
        self.nlp_engine = engine
        self.language = language
        self._work = work
        self._is_whole = is_whole

    def __getattr__(self, name: str) -> Any:
        """Called only for what is not there yet."""
        if name not in _OF_ENTITIES and name not in _OF_WORDS:
            raise AttributeError(name)
        made: NlpArtifacts
        if self._is_whole:
            made = self.nlp_engine.stock_artifacts(self._work.finished(), self.language)
            names = _OF_ENTITIES | _OF_WORDS
        elif name in _OF_ENTITIES:
            made = self.nlp_engine.artifacts_of_entities(self._work.named(), self.language)
            names = _OF_ENTITIES
        else:
            made = self.nlp_engine.artifacts_of_words(self._work.worded(), self.language)
            names = _OF_WORDS
        self.__dict__.update({one: getattr(made, one) for one in names})
        return self.__dict__[name]

    def to_json(self) -> str:
        """As stock: for tracing, which this service never turns on."""
        return str(self.nlp_engine.stock_artifacts(self._work.finished(), self.language).to_json())


class LazySpacyEngine(SpacyNlpEngine):
    """SpacyNlpEngine over the models that stock has loaded."""

    def __init__(self, stock: SpacyNlpEngine) -> None:
        super().__init__(stock.models, stock.ner_model_configuration)
        loaded: Any = stock.nlp
        self.nlp = loaded
        self._renewals = {
            model["lang_code"]: Renewal(loaded, model["lang_code"], model["model_name"])
            for model in stock.models
        }

    def pipeline(self, language: str) -> Pipeline:
        """The language's pipeline as it is now."""
        return self._renewals[language].pipeline

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Artifacts that are computed when they are needed."""
        return LazyArtifacts(self, TextWork(self.pipeline(language), text), language, is_whole=True)

    def process_texts(
        self, texts: Sequence[str], language: str, needs_entities: bool, is_whole: bool
    ) -> Iterator[LazyArtifacts]:
        """Artifacts of each text; where all will be needed, several texts at a time go through the models."""
        self._renewals[language].check()
        rest = iter(texts)
        while group := list(_group(rest)):
            pipeline = self.pipeline(language)
            works = [TextWork(pipeline, text) for text in group]
            if len(works) > 1 and is_whole:
                pipeline.finish(works)
            elif len(works) > 1 and needs_entities:
                pipeline.name(works)
            yield from (LazyArtifacts(self, work, language, is_whole) for work in works)

    def is_stopword(self, word: str, language: str) -> bool:
        """As stock, with the vocabulary of the pipeline in use."""
        return bool(self.pipeline(language).nlp.vocab[word].is_stop)

    def is_punct(self, word: str, language: str) -> bool:
        """As stock, with the vocabulary of the pipeline in use."""
        return bool(self.pipeline(language).nlp.vocab[word].is_punct)

    def stock_artifacts(self, doc: Doc, language: str) -> NlpArtifacts:
        """Presidio's own artifacts of a finished document."""
        return self._doc_to_nlp_artifact(doc, language)

    def artifacts_of_entities(self, doc: Doc, language: str) -> NlpArtifacts:
        """Presidio's choice among a document's named entities, without words."""
        entities, scores = self._get_updated_entities(
            self._get_entities(doc), self._get_scores_for_entities(doc)
        )
        return NlpArtifacts(entities, doc, [], [], self, language, scores)

    def artifacts_of_words(self, doc: Doc, language: str) -> NlpArtifacts:
        """A document's tokens, lemmas and keywords, without entities."""
        indices = [token.idx for token in doc]
        return NlpArtifacts([], doc, indices, [token.lemma_ for token in doc], self, language)


def _group(texts: Iterator[str]) -> Iterator[str]:
    """The next texts, up to BATCH_TEXTS and about BATCH_CHARS (one long text may exceed it)."""
    chars = 0
    for text in islice(texts, BATCH_TEXTS):
        yield text
        chars += len(text)
        if chars >= BATCH_CHARS:
            return
