"""What the engine knows: Presidio's four lists, for any caller with a role."""

from __future__ import annotations

from collections.abc import Callable

from shared.errors import InputError
from shared.identity.decisions import Demand
from shared.pii.engine import Engine
from shared.usecases.calls import Call, Grant, Operation, Result, Work


def _language(call: Call, engine: Engine) -> str | None:
    language = call.query.get("language") or None
    if language is not None and language not in engine.languages:
        raise InputError(f"unknown language; expected one of: {', '.join(engine.languages)}")
    return language


def _list_operation(read: Callable[[Engine, Call], list[str]]) -> Operation:
    def parse(call: Call) -> Work:
        def run(grant: Grant) -> Result:
            return Result(body=read(grant.engine, call))

        return Work(Demand("catalog.read", language=call.query.get("language") or None), run)

    return Operation("catalog.read", parse)


RECOGNIZERS = _list_operation(lambda engine, call: engine.recognizers(_language(call, engine)))
SUPPORTED_ENTITIES = _list_operation(lambda engine, call: engine.supported_entities(_language(call, engine)))
ANONYMIZERS = _list_operation(lambda engine, _: engine.anonymizers())
DEANONYMIZERS = _list_operation(lambda engine, _: engine.deanonymizers())
