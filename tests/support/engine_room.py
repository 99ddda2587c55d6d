"""The engine over the project's own configuration, and its answers by method, path and body."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from shared.errors import (
    AnalysisTimedOut,
    EngineFailed,
    InputError,
    InputTooLarge,
    PresidioAccessError,
    Unprocessable,
)
from shared.pii.engine import Engine, load_engine
from shared.pii.files import EngineFiles, EngineLimits
from shared.pii.requests import (
    parse_analyze,
    parse_anonymize,
    parse_deanonymize,
    parse_json,
    parse_redact,
)
from tests.support.parity_cases import Case
from tests.support.stock_presidio import CONFIG, StockPresidio

FILES = EngineFiles(CONFIG / "analyzer.yaml", CONFIG / "nlp.yaml", CONFIG / "recognizers.yaml")
TEST_LIMITS = EngineLimits(analysis_timeout_ms=60_000, ad_hoc_timeout_ms=500)
"""More time than in service: tests share their machine."""

_STATUS: dict[type[PresidioAccessError], int] = {
    AnalysisTimedOut: 422,
    EngineFailed: 500,
    InputError: 400,
    InputTooLarge: 413,
    Unprocessable: 422,
}
"""As docs and doors have it."""


@cache
def our_engine() -> Engine:
    """One engine for all tests of a process."""
    return load_engine(FILES, TEST_LIMITS)


@cache
def stock_presidio() -> StockPresidio:
    """One oracle for all tests of a process."""
    return StockPresidio()


def our_answer(case: Case) -> tuple[int, Any]:
    """Status and body that the doors would send, without HTTP, tokens and records."""
    try:
        return 200, _run(our_engine(), case)
    except PresidioAccessError as error:
        return _STATUS[type(error)], {"error": error.message}


def _run(engine: Engine, case: Case) -> Any:
    if case.method == "GET":
        language = case.query.get("language")
        return {
            "/recognizers": lambda: engine.recognizers(language),
            "/supportedentities": lambda: engine.supported_entities(language),
            "/anonymizers": engine.anonymizers,
            "/deanonymizers": engine.deanonymizers,
        }[case.path]()
    body = parse_json(json.dumps(case.body).encode())
    if case.path == "/analyze":
        return engine.analyze(parse_analyze(body), None).answer
    if case.path == "/redact":
        return engine.redact(parse_redact(body), None).answer
    if case.path == "/anonymize":
        return engine.anonymize(parse_anonymize(body)).answer
    return engine.deanonymize(parse_deanonymize(body)).answer
