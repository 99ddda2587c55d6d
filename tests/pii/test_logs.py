"""What Presidio logs arrives as a place in its source: no message, no argument, no traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from shared.pii.logs import LOUD, SILENT, TARGET, capture_logs
from shared.pii.requests import parse_analyze
from tests.support.engine_room import our_engine

CANARY = "canary-c3d8"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    capture_logs()


@pytest.mark.parametrize("name", LOUD)
def test_a_warning_leaves_its_place_and_level_alone(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Templates are not told from finished messages, so neither passes."""
    capture_logs()
    logger = logging.getLogger(name)
    logger.warning("found %s", CANARY)
    logger.error(f"found {CANARY}")
    try:
        raise ValueError(CANARY)
    except ValueError:
        logger.exception("failed on %s", CANARY, stack_info=True)
    assert CANARY not in caplog.text
    assert [(one.name, one.levelno) for one in caplog.records] == [
        (TARGET, logging.WARNING),
        (TARGET, logging.ERROR),
        (TARGET, logging.ERROR),
    ]
    assert f"{name}: message of test_logs:" in caplog.text
    assert "after ValueError" in caplog.text
    assert all(one.exc_info is None and one.stack_info is None for one in caplog.records)


@pytest.mark.parametrize("name", [*LOUD, *SILENT])
def test_debug_and_info_are_off(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Presidio's DEBUG writes context words, its INFO and its tracer whatever they see."""
    capture_logs()
    logger = logging.getLogger(name)
    with caplog.at_level(logging.DEBUG):  # the root logger, as a telemetry library would
        logger.debug("context list is: %s", CANARY)
        logger.info("[%s][%s]", CANARY, CANARY)
    assert caplog.records == []
    assert not logger.isEnabledFor(logging.INFO)


def test_the_tracer_writes_nothing_even_at_its_loudest(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """`decision_process` has lost its handler on stderr and passes nothing on."""
    capture_logs()
    logging.getLogger("decision_process").critical("nlp artifacts: %s", CANARY)
    assert caplog.records == []
    assert CANARY not in "".join(capfd.readouterr())


def test_loggers_below_are_captured_with_those_above(caplog: pytest.LogCaptureFixture) -> None:
    """A child logger with handlers of its own, or turned off, reports like its parent."""
    child = logging.getLogger("tldextract.cache")
    child.addHandler(logging.StreamHandler())
    child.setLevel(logging.DEBUG)
    child.disabled = True
    capture_logs()
    child.warning("fetched %s", CANARY)
    child.debug("fetched %s", CANARY)
    assert child.handlers == []
    assert [one.name for one in caplog.records] == [TARGET]
    assert CANARY not in caplog.text


def test_handlers_that_others_attached_are_taken_away() -> None:
    """A telemetry library's handler on Presidio's logger would see every value."""
    handler = logging.StreamHandler()
    for name in (*LOUD, *SILENT):
        logging.getLogger(name).addHandler(handler)
    capture_logs()
    assert all(handler not in logging.getLogger(name).handlers for name in (*LOUD, *SILENT))
    assert not any(logging.getLogger(name).propagate for name in (*LOUD, *SILENT))


def test_configuration_cannot_turn_the_tracer_on(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Our analysis has no tracing: even a stock engine that was told to trace is not asked."""
    body = {"text": f"John Smith, {CANARY}", "language": "en", "correlation_id": CANARY}
    with caplog.at_level(logging.DEBUG):
        our_engine().analyze(parse_analyze(body), None)
    assert CANARY not in caplog.text + "".join(capfd.readouterr())
