"""A language's spaCy pipeline: its steps with less repeated work, and a fresh one before it grows too large.

spaCy keeps every word that it has ever seen (in its string store, in its lemmatizer's and its tokenizer's
caches). In a service that means memory that grows with every name and number that callers send, and words of
theirs that stay until the process ends. So a pipeline that has learnt many words is replaced by one freshly
loaded from disk, in the background.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import spacy
from spacy.language import Language
from spacy.pipeline import EntityRecognizer as NamedEntityPipe
from spacy.tokens import Doc

from shared.pii.attribute_rules import remember_rules
from shared.pii.budget import current_budget
from shared.pii.embeddings import reuse_rows
from shared.pii.encoders import fuse_layers

logger = logging.getLogger("presidio_access.engine")

RENEW_AFTER_STRINGS = 200_000
"""New strings after which a pipeline is replaced: about 90 MB."""


class Pipeline:
    """The steps of one loaded model. What they find is what the model's own steps find, bit for bit."""

    def __init__(self, nlp: Language) -> None:
        for _, step in nlp.pipeline:
            model = getattr(step, "model", None)
            if model is not None:
                reuse_rows(model)
                fuse_layers(model)
        self.nlp = nlp
        self._steps: list[Any] = [remember_rules(step) for _, step in nlp.pipeline]
        ends_with_names = bool(self._steps) and isinstance(self._steps[-1], NamedEntityPipe)
        self._tagging = self._steps[:-1] if ends_with_names else self._steps
        self._naming = self._steps[len(self._tagging) :]
        self._strings_at_start = len(nlp.vocab.strings)

    def tag(self, text: str) -> Doc:
        """Every step but named entity recognition, where that comes last."""
        return self._run(self._tagging, [self.nlp.make_doc(text)])[0]

    def name(self, doc: Doc) -> Doc:
        """The step that `tag` left out, if any."""
        return self._run(self._naming, [doc])[0]

    def process(self, texts: Sequence[str]) -> list[Doc]:
        """Every step, on several texts at a time."""
        return self._run(self._steps, [self.nlp.make_doc(text) for text in texts])

    @property
    def learnt_strings(self) -> int:
        """Strings that have come with texts."""
        return len(self.nlp.vocab.strings) - self._strings_at_start

    @staticmethod
    def _run(steps: Sequence[Any], docs: list[Doc]) -> list[Doc]:
        """What `nlp(text)` and `nlp.pipe(texts)` do, with a look at the clock before each step."""
        for step in steps:
            current_budget().seconds_left()
            docs = [step(docs[0])] if len(docs) == 1 else list(step.pipe(docs, batch_size=len(docs)))
        return docs


class Renewal:
    """Holds a language's pipeline and replaces it when it has learnt too much."""

    def __init__(self, nlp: Language, model_name: str) -> None:
        self._model_name = model_name
        self._lock = threading.Lock()
        self.pipeline = Pipeline(nlp)

    def check(self) -> None:
        """Start a replacement where one is due and none is under way. Returns at once."""
        if self.pipeline.learnt_strings > RENEW_AFTER_STRINGS and self._lock.acquire(blocking=False):
            threading.Thread(target=self._replace, name="pipeline-renewal", daemon=True).start()

    def _replace(self) -> None:
        try:
            self.pipeline = Pipeline(spacy.load(self._model_name))
        except Exception as error:  # noqa: BLE001 - the old pipeline goes on; its message could quote a path
            logger.error("a language pipeline could not be renewed: %s", type(error).__name__)
        finally:
            self._lock.release()
