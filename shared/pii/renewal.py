"""A fresh pipeline before the old one grows too large.

spaCy keeps every word that it has ever seen (in its string store, in its lemmatizer's and its tokenizer's
caches). In a service that means memory that grows with every name and number that callers send, and words of
theirs that stay until the process ends. So a pipeline that has learnt many words is replaced by one freshly
loaded from disk, in the background.
"""

from __future__ import annotations

import gc
import logging
import threading

import spacy
from spacy.language import Language

from shared.pii.pipelines import Pipeline

logger = logging.getLogger("presidio_access.engine")

RENEW_AFTER_STRINGS = 200_000
"""New strings after which a pipeline is replaced: about 90 MB."""


class Renewal:
    """Holds a language's pipeline and replaces it when it has learnt too much."""

    def __init__(self, loaded: dict[str, Language], language: str, model_name: str) -> None:
        """`loaded` holds the models by language: the fresh one takes the old one's place there too."""
        self._loaded = loaded
        self._language = language
        self._model_name = model_name
        self._lock = threading.Lock()
        self.pipeline = Pipeline(loaded[language])

    def check(self) -> None:
        """Start a replacement where one is due and none is under way. Returns at once."""
        if self.pipeline.learnt_strings > RENEW_AFTER_STRINGS and self._lock.acquire(blocking=False):
            threading.Thread(target=self._replace, name="pipeline-renewal", daemon=True).start()

    def _replace(self) -> None:
        try:
            fresh = Pipeline(spacy.load(self._model_name))
            self.pipeline, self._loaded[self._language] = fresh, fresh.nlp
            _collect()
        except Exception as error:  # noqa: BLE001 - the old pipeline goes on; its message could quote a path
            logger.error("a language pipeline could not be renewed: %s", type(error).__name__)
        finally:
            self._lock.release()


def _collect() -> None:
    """Free the old pipeline, whose parts refer to each other, also where the service has frozen it."""
    was_frozen = gc.get_freeze_count() > 0
    gc.unfreeze()
    gc.collect()
    if was_frozen:
        gc.freeze()
