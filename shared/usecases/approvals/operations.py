"""The operations on approvals: ask for one, see what is open, decide about what somebody else asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.errors import AccessDenied, InputError, Unprocessable
from shared.identity.decisions import Decision, Demand, decide
from shared.identity.statements import (
    MAX_JUSTIFICATION_CHARS,
    MIN_JUSTIFICATION_CHARS,
    is_justification,
)
from shared.pii.fields import kind
from shared.records.canonical import format_time
from shared.usecases import presidio
from shared.usecases.approvals.proofs import Asked
from shared.usecases.approvals.steps import PERMISSION
from shared.usecases.calls import Call, Grant, Operation, Result, Work, check_allowed
from shared.usecases.conditions import taker_of, wish_of
from shared.usecases.presidio import read_json

ASKABLE = {
    operation.name: operation
    for operation in (presidio.ANALYZE, presidio.ANONYMIZE, presidio.DEANONYMIZE, presidio.REDACT)
}
"""The operations on texts: those that a policy may list under `four_eyes`."""

JUSTIFICATION = f"one line of {MIN_JUSTIFICATION_CHARS} to {MAX_JUSTIFICATION_CHARS} characters"


def _read_members(call: Call, known: tuple[str, ...]) -> Mapping[str, Any]:
    body = read_json(call)
    if not isinstance(body, dict) or not set(body) <= set(known):
        raise InputError(f"expected an object with {' and '.join(known)}, and nothing else")
    return body


# --- asking -------------------------------------------------------------------------------------------


def _parse_asking(call: Call) -> Work:
    body = _read_members(call, ("operation", "request"))
    operation = ASKABLE.get(str(body.get("operation")))
    if operation is None:
        raise InputError(f"expected operation to be one of: {', '.join(ASKABLE)}")
    if not isinstance(body.get("request"), dict):
        raise InputError(f"expected request to be the body of the call, got {kind(body.get('request'))}")
    wanted = operation.parse(replace(call, body=json.dumps(body["request"]).encode()))
    demand = replace(wanted.demand, operation="approval.request", entities=None)

    def run(grant: Grant) -> Result:
        return Result(body=_ask(call, grant, wanted))

    return Work(demand, run, wanted.inputs, wanted.correlation_id, needs_engine=False, reads_storage=True)


def _ask(call: Call, grant: Grant, wanted: Work) -> dict[str, Any]:
    decision = _decide_as_if_called(call, grant, wanted.demand)
    check_allowed(decision)
    if not decision.needs_approval:
        raise Unprocessable("this call needs no approval: send it as it is")
    if decision.justification is None:
        raise AccessDenied("justification_required", f"say why in X-Justification: {JUSTIFICATION}")
    wish, taker = wish_of(wanted, decision.purpose), taker_of(grant.caller, call)
    asked = grant.approvals.ask(wish, taker, decision.justification, grant.commit)
    return _render(asked, is_approved=False)


def _decide_as_if_called(call: Call, grant: Grant, demand: Demand) -> Decision:
    headers = call.headers
    stated = demand.with_purpose(
        headers.get("x-purpose"), headers.get("x-justification"), headers.get("x-ticket")
    )
    return decide(grant.caller, grant.policy, replace(stated, asks=True))


# --- seeing what is open ------------------------------------------------------------------------------


def _parse_reading(call: Call) -> Work:
    def run(grant: Grant) -> Result:
        sees_all = decide(grant.caller, grant.policy, Demand(PERMISSION)).allowed
        found = grant.approvals.list_open(taker_of(grant.caller, call).who, sees_all=sees_all)
        return Result(body={"approvals": [_render(asked, is_approved=yes) for asked, yes in found]})

    return Work(Demand("approval.read"), run, needs_engine=False, reads_storage=True)


def _render(asked: Asked, *, is_approved: bool) -> dict[str, Any]:
    """What an approver sees: who asks for what, why and until when. Never a text."""
    record = asked.record
    who = record.who
    return {
        "approval": asked.name,
        "state": "approved" if is_approved else "pending",
        "operation": record.operation,
        "purpose": record.purpose,
        "justification": record.justification,
        "asked_by": None if who is None else who.model_dump(include={"kind", "tenant", "principal", "app"}),
        "asked_at": record.time,
        "expires": record.expires,
        "texts": record.texts,
        "chars": record.chars,
        "operators": list(record.operators),
        "demand": list(record.demand.values),
    }


# --- deciding -----------------------------------------------------------------------------------------


def _parse_deciding(call: Call) -> Work:
    body = _read_members(call, ("approve", "justification"))
    yes, justification = body.get("approve"), body.get("justification")
    if not isinstance(yes, bool):
        raise InputError(f"expected approve to be true or false, got {kind(yes)}")
    if not isinstance(justification, str) or not is_justification(justification):
        raise InputError(f"expected justification to be {JUSTIFICATION}")
    name = f"{call.params.get('writer', '')}/{call.params.get('index', '')}"

    def run(grant: Grant) -> Result:
        taker = taker_of(grant.caller, call)
        asked = grant.approvals.decide(name, taker, justification, grant.commit, yes=yes)
        step = "approved" if yes else "rejected"
        return Result(body={"approval": asked.name, "state": step, "decided_at": format_time(call.received)})

    return Work(Demand(PERMISSION), run, needs_engine=False, reads_storage=True)


ASK = Operation("approval.request", _parse_asking)
READ = Operation("approval.read", _parse_reading)
DECIDE = Operation(PERMISSION, _parse_deciding)
