"""A language's spaCy pipeline: what a text needs of it, and nothing twice.

spaCy's English models run six steps. Named entities come from the last one, which looks at nothing of the
others but where sentences start, and only in order not to let an entity run from one sentence into the next.
So it goes first here. Where it finds no entity of several words, no sentence start could change what it
finds; where it does, the parser is asked for the sentences, and the step is run again if one of them starts
inside of an entity. Tags and lemmas are made for texts in which a pattern's finding needs context.
docs/decisions/0002 has the proof; models that are built in another way run as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spacy.language import Language
from spacy.pipeline import AttributeRuler, DependencyParser, Lemmatizer, Tagger, Tok2Vec
from spacy.pipeline import EntityRecognizer as NamedEntityPipe
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc

from shared.pii.affines import speed_up_affines
from shared.pii.attribute_rules import remember_rules
from shared.pii.budget import current_budget
from shared.pii.embeddings import reuse_rows
from shared.pii.encoders import fuse_layers
from shared.pii.tokenizing import bound_tokenizer

_KNOWN_STEPS = (Tok2Vec, Tagger, DependencyParser, AttributeRuler, Lemmatizer, NamedEntityPipe)


class TextWork:
    """One text on its way through a pipeline, as far as somebody has asked for it."""

    __slots__ = ("finished_doc", "named_doc", "parsed_doc", "pipeline", "text", "worded_doc")

    def __init__(self, pipeline: Pipeline, text: str) -> None:
        self.pipeline = pipeline
        self.text = text
        self.named_doc: Doc | None = None
        self.parsed_doc: Doc | None = None
        self.worded_doc: Doc | None = None
        self.finished_doc: Doc | None = None

    def named(self) -> Doc:
        """A document with the named entities that the whole pipeline finds."""
        if self.named_doc is None:
            self.pipeline.name([self])
        return _made(self.named_doc)

    def worded(self) -> Doc:
        """A document with the tokens and lemmas that the whole pipeline makes."""
        if self.worded_doc is None:
            self.pipeline.word([self])
        return _made(self.worded_doc)

    def finished(self) -> Doc:
        """The document of the whole pipeline."""
        if self.finished_doc is None:
            self.pipeline.finish([self])
        return _made(self.finished_doc)


class Pipeline:
    """The steps of one loaded model. What they find is what the model's own steps find, bit for bit."""

    def __init__(self, nlp: Language) -> None:
        bound_tokenizer(nlp)
        for _, step in nlp.pipeline:
            model = getattr(step, "model", None)
            if model is not None:
                reuse_rows(model)
                fuse_layers(model)
                speed_up_affines(model)
        self.nlp = nlp
        self._steps: list[Any] = [remember_rules(step) for _, step in nlp.pipeline]
        self.is_divisible = is_divisible(nlp)
        self._strings_at_start = len(nlp.vocab.strings)

    @property
    def learnt_strings(self) -> int:
        """Strings that have come with texts."""
        return len(self.nlp.vocab.strings) - self._strings_at_start

    def finish(self, works: Sequence[TextWork]) -> None:
        """Run every step, as `nlp(text)` and `nlp.pipe(texts)` do."""
        for work, doc in zip(works, self._run(self._steps, self._docs(works)), strict=True):
            work.named_doc = work.parsed_doc = work.worded_doc = work.finished_doc = doc

    def name(self, works: Sequence[TextWork]) -> None:
        """Find the named entities of texts."""
        if not self.is_divisible:
            self.finish(works)
            return
        *_, ner = self._steps
        scouts = self._run([ner], self._docs(works))
        for work, scout in zip(works, scouts, strict=True):
            work.named_doc = scout
        uncertain = [work for work in works if any(len(entity) > 1 for entity in _made(work.named_doc).ents)]
        self._parse(uncertain)
        crossed = [work for work in uncertain if _is_crossed(_made(work.named_doc), _made(work.parsed_doc))]
        for work, doc in zip(
            crossed, self._run([ner], [_made(work.parsed_doc) for work in crossed]), strict=True
        ):
            work.named_doc = doc

    def word(self, works: Sequence[TextWork]) -> None:
        """Make the lemmas of texts."""
        if not self.is_divisible:
            self.finish(works)
            return
        self._parse(works)
        _, tagger, _, rules, lemmatizer, _ = self._steps
        docs = self._run([tagger, rules, lemmatizer], [_made(work.parsed_doc) for work in works])
        for work, doc in zip(works, docs, strict=True):
            work.worded_doc = doc

    def _parse(self, works: Sequence[TextWork]) -> None:
        """Find where sentences start, where that is not known yet."""
        unparsed = [work for work in works if work.parsed_doc is None]
        tok2vec, _, parser, *_ = self._steps
        for work, doc in zip(unparsed, self._run([tok2vec, parser], self._docs(unparsed)), strict=True):
            work.parsed_doc = doc

    def _docs(self, works: Sequence[TextWork]) -> list[Doc]:
        return [self.nlp.make_doc(work.text) for work in works]

    @staticmethod
    def _run(steps: Sequence[Any], docs: list[Doc]) -> list[Doc]:
        """Run steps one after the other, with a look at the clock before each."""
        for step in steps:
            if docs:
                current_budget().seconds_left()
                docs = [step(docs[0])] if len(docs) == 1 else list(step.pipe(docs, batch_size=len(docs)))
        return docs


def is_divisible(nlp: Language) -> bool:
    """True where named entities depend on the other steps by sentence starts alone.

    That is known of pipelines with exactly spaCy's own six classes of steps, where the last has vectors of
    its own and decides greedily.
    """
    steps = [step for _, step in nlp.pipeline]
    if len(steps) != len(_KNOWN_STEPS):
        return False
    if any(
        type(step) is not known and not (known is Lemmatizer and isinstance(step, Lemmatizer))
        for step, known in zip(steps, _KNOWN_STEPS, strict=True)
    ):
        return False
    ner: Any = steps[-1]
    listens = any(isinstance(node, Tok2VecListener) for node in ner.model.walk())
    return not listens and ner.cfg["beam_width"] == 1


def _is_crossed(named: Doc, parsed: Doc) -> bool:
    """True where a sentence starts inside of an entity."""
    return any(
        parsed[place].is_sent_start for entity in named.ents for place in range(entity.start + 1, entity.end)
    )


def _made(doc: Doc | None) -> Doc:
    if doc is None:
        raise RuntimeError("a step of the pipeline did not run")
    return doc
