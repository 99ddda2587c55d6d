"""The operations on texts: what each reads from a call, demands of the policy, runs and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.errors import UnsupportedMedia
from shared.identity.decisions import Demand
from shared.identity.terms import OPERATORS
from shared.pii.engine import Engine
from shared.pii.requests import (
    AnalyzeRequest,
    AnonymizeRequest,
    DeanonymizeRequest,
    EngineRequest,
    RedactRequest,
    parse_analyze,
    parse_anonymize,
    parse_deanonymize,
    parse_json,
    parse_redact,
)
from shared.pii.values import REMOTE_OPERATOR
from shared.usecases.calls import Call, Grant, Operation, Result, Work

RESTORING = frozenset({"decrypt", "deanonymize_keep"})
REPLACING = OPERATORS - RESTORING
"""Presidio's operators, by the route that has them."""

REVEALING_OPERATORS = frozenset({"keep", "deanonymize_keep"})
"""Operators that leave a value as it was: what they touch is released."""


def read_json(call: Call) -> object:
    """The decoded body. Raises UnsupportedMedia for another content type, InputError for bad JSON."""
    content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise UnsupportedMedia("expected a JSON body with Content-Type: application/json")
    return parse_json(call.body)


def _demand(operation: str, request: EngineRequest) -> Demand:
    """What the policy decides about. An operator that is none there is for the engine to refuse (422)."""
    known = RESTORING if operation == "pii.deanonymize" else REPLACING
    return Demand(
        operation=operation,
        entities=request.entities,
        operators=tuple(name for name in request.operators if name in known),
        language=request.language,
        texts=request.texts,
        chars=request.chars,
        ad_hoc_recognizers=request.ad_hoc_recognizers,
        decision_process=request.decision_process,
    )


def _work(operation: str, request: EngineRequest, body: object, run: Callable[[Grant], Result]) -> Work:
    return Work(
        _demand(operation, request),
        run,
        request.inputs,
        request.correlation_id,
        is_open_ended=request.has_own_patterns or REMOTE_OPERATOR in request.operators,
        asked=body,
    )


def _searched(grant: Grant, request: AnalyzeRequest) -> tuple[str, ...] | None:
    """The types that a request which names none may have searched; None where all may be."""
    brought = [recognizer.supported_entity for recognizer in request.ad_hoc]
    return grant.decision.searched([*grant.engine.supported_entities(request.language), *brought])


def _parse_analyze(call: Call) -> Work:
    body = read_json(call)
    request = parse_analyze(body)

    def run(grant: Grant) -> Result:
        return _analyze(grant, request)

    return _work("pii.analyze", request, body, run)


def _analyze(grant: Grant, request: AnalyzeRequest) -> Result:
    analysis = grant.engine.analyze(request, _searched(grant, request))
    return Result(
        body=analysis.answer,
        found=analysis.found,
        released=analysis.found,
        recognizers=analysis.recognizers,
        searched=analysis.searched,
    )


def _parse_redact(call: Call) -> Work:
    body = _read_redact(call)
    request = parse_redact(body)

    def run(grant: Grant) -> Result:
        return _redact(grant, request)

    return _work("pii.redact", request, body, run)


def _read_redact(call: Call) -> object:
    content_type = call.headers.get("content-type", "").lower()
    if content_type.startswith(("multipart/", "image/")):
        raise UnsupportedMedia("images are not redacted by this version; send JSON with a text")
    body = read_json(call)
    if isinstance(body, dict) and "image" in body:
        raise UnsupportedMedia("images are not redacted by this version; send JSON with a text")
    return body


def _redact(grant: Grant, request: RedactRequest) -> Result:
    redaction = grant.engine.redact(request, _searched(grant, request.analysis))
    return Result(
        body=redaction.answer,
        found=redaction.found,
        released=_kept(redaction.answer),
        recognizers=redaction.recognizers,
        operators=redaction.operators,
        searched=redaction.searched,
        output_chars=redaction.output_chars,
    )


def _parse_anonymize(call: Call) -> Work:
    body = read_json(call)
    request = parse_anonymize(body)

    def run(grant: Grant) -> Result:
        return _anonymize(grant.engine, request)

    return _work("pii.anonymize", request, body, run)


def _anonymize(engine: Engine, request: AnonymizeRequest) -> Result:
    done = engine.anonymize(request)
    return Result(
        body=done.answer,
        found=done.entities,
        released=_kept(done.answer),
        operators=done.operators,
        output_chars=done.output_chars,
    )


def _parse_deanonymize(call: Call) -> Work:
    body = read_json(call)
    request = parse_deanonymize(body)

    def run(grant: Grant) -> Result:
        return _deanonymize(grant.engine, request)

    return _work("pii.deanonymize", request, body, run)


def _deanonymize(engine: Engine, request: DeanonymizeRequest) -> Result:
    done = engine.deanonymize(request)
    return Result(
        body=done.answer,
        found=done.entities,
        released=done.entities,
        operators=done.operators,
        output_chars=done.output_chars,
    )


def _kept(answer: Mapping[str, Any] | list[Any]) -> dict[str, int]:
    """Items by entity type whose operator left the value as it was."""
    kept: dict[str, int] = {}
    for part in answer if isinstance(answer, list) else [answer]:
        for item in part["items"]:
            if item.get("operator") in REVEALING_OPERATORS:
                kept[item["entity_type"]] = kept.get(item["entity_type"], 0) + 1
    return kept


ANALYZE = Operation("pii.analyze", _parse_analyze)
ANONYMIZE = Operation("pii.anonymize", _parse_anonymize)
DEANONYMIZE = Operation("pii.deanonymize", _parse_deanonymize, reveals=True)
REDACT = Operation("pii.redact", _parse_redact)
