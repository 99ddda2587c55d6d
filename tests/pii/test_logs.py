"""What Presidio logs arrives as a place in its source: no message, no argument, no traceback."""

from __future__ import annotations

import io
import logging

import pytest

from shared.pii.logs import LOUD, SILENT, capture_logs
from shared.pii.requests import parse_analyze
from tests.support.engine_room import our_engine

CANARY = "canary-c3d8"


@pytest.fixture(autouse=True)
def _captured() -> None:
    capture_logs()


@pytest.mark.parametrize("name", [*LOUD, "tldextract.cache", "spacy.training"])
def test_a_warning_leaves_its_place_and_level_alone(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Templates are not told from finished messages, so neither passes."""
    logger = logging.getLogger(name)
    logger.warning("found %s", CANARY)
    logger.error(f"found {CANARY}")
    try:
        raise ValueError(CANARY)
    except ValueError:
        logger.exception("failed on %s", CANARY, stack_info=True)
    assert CANARY not in caplog.text
    assert not any(CANARY in repr(vars(record)) for record in caplog.records)
    own = [record for record in caplog.records if record.name == name]
    assert {record.levelno for record in own} == {logging.WARNING, logging.ERROR}
    assert all(record.getMessage().startswith("message of test_logs.py:") for record in own)
    assert own[-1].getMessage().endswith("withheld after ValueError")
    assert all(record.exc_info is None and record.stack_info is None for record in own)


@pytest.mark.parametrize("name", [*LOUD, *SILENT])
def test_debug_and_info_are_off(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Presidio's DEBUG writes context words, its INFO and its tracer whatever they see."""
    logger = logging.getLogger(name)
    with caplog.at_level(logging.DEBUG):  # the root logger, as a telemetry library would
        logger.debug("context list is: %s", CANARY)
        logger.info("[%s][%s]", CANARY, CANARY)
    assert caplog.records == []
    assert not logger.isEnabledFor(logging.INFO)


@pytest.mark.parametrize("name", [*LOUD, *SILENT])
def test_a_handler_that_somebody_attaches_sees_no_more(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it help to turn the level down: the record is made without its content."""
    seen = io.StringIO()
    handler = logging.StreamHandler(seen)
    logger = logging.getLogger(name)
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    logger.debug("nlp artifacts: %s", CANARY)
    logger.info(f"[{CANARY}]")
    assert "message of test_logs.py:" in seen.getvalue()
    assert CANARY not in seen.getvalue()


def test_the_tracer_has_lost_its_handler() -> None:
    """Presidio's import gives it one on stderr."""
    import presidio_analyzer

    assert presidio_analyzer.decision_process_logger.name == "decision_process"
    assert logging.getLogger("decision_process").handlers == []


def test_loggers_of_others_are_as_they_were(caplog: pytest.LogCaptureFixture) -> None:
    """The service's own messages pass, arguments and exceptions included."""
    logger = logging.getLogger("presidio_access.somewhere")
    logger.warning("%s of %d", "three", 4)
    assert caplog.messages == ["three of 4"]


def test_capturing_twice_is_capturing_once() -> None:
    """The factory is not wrapped in itself."""
    factory = logging.getLogRecordFactory()
    capture_logs()
    assert logging.getLogRecordFactory() is factory


def test_analysis_writes_nothing_about_texts(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the root logger at DEBUG and a correlation id, which Presidio's tracer would write."""
    body = {"text": f"John Smith, {CANARY}", "language": "en", "correlation_id": CANARY}
    with caplog.at_level(logging.DEBUG):
        our_engine().analyze(parse_analyze(body), None)
    assert CANARY not in caplog.text + "".join(capfd.readouterr())
