"""Uses of the emergency role over a bench, as the door would make them."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.records.model import AccessRecord, EmergencyRecord
from shared.usecases import presidio
from shared.usecases.calls import Answer
from tests.support.services import Bench

TEXT = {"text": "John lives here", "language": "en"}
REASON = "the mail server was broken into, lists are on the web"


def enter(bench: Bench, ticket: str | None = "INC-4711", **claims: Any) -> Answer:
    """One call of the emergency role; `claims` change the token."""
    headers = {
        "authorization": bench.bearer("breakglass", **claims),
        "x-purpose": "incident-response",
        "x-justification": REASON,
        **({} if ticket is None else {"x-ticket": ticket}),
    }
    return asyncio.run(bench.call(presidio.ANALYZE, TEXT, persona=None, headers=headers))


def emergencies(*benches: Bench) -> list[EmergencyRecord]:
    return [r for bench in benches for r in bench.ledger.records if isinstance(r, EmergencyRecord)]


def reason(bench: Bench, ticket: str | None = "INC-4711") -> str:
    """Why a use is refused: with a record, and without anything being run."""
    calls = list(bench.engine.calls)
    answer = enter(bench, ticket)
    assert answer.status == 403, answer.body
    last = bench.ledger.records[-1]
    assert isinstance(last, AccessRecord)
    assert (last.decision.allowed, last.decision.reason) == (False, answer.body["reason"])
    assert bench.engine.calls == calls
    return str(answer.body["reason"])
