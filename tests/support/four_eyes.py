"""Calls about approvals as doors make them, over a bench: ask, decide, use, list, expire."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.records.model import AccessRecord, ApprovalRecord
from shared.usecases import presidio
from shared.usecases.approvals import operations as approval_calls
from shared.usecases.calls import Answer, Operation
from tests.support.policies import four_eyes_policy
from tests.support.services import Bench

SPAN = {"start": 0, "end": 4, "entity_type": "PERSON"}
REQUEST: dict[str, Any] = {
    "text": "John",
    "anonymizer_results": [SPAN],
    "deanonymizers": {"DEFAULT": {"type": "deanonymize_keep"}},
}
WHY = {"x-purpose": "customer-request", "x-justification": "the customer asks for her own file"}
SECOND_WRITER = "01JD0000000000000000000001"


def make_bench(**parts: Any) -> Bench:
    """A bench whose policy asks for four eyes on pii.deanonymize."""
    return Bench(**{"policy": four_eyes_policy(), **parts})


def make_twin(bench: Bench, **parts: Any) -> Bench:
    """A second process of the same service: its own log, clock and memory, the same storage."""
    shared = {"store": bench.store, "policy": bench.policy, "now": bench.now}
    return Bench(**{**shared, "writer": SECOND_WRITER, **parts})


@dataclass(slots=True)
class Desk:
    """Calls about one approval; each returns the answer."""

    bench: Bench

    def send(
        self,
        operation: Operation,
        body: Any = None,
        *,
        persona: str = "reidentifier",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        **claims: Any,
    ) -> Answer:
        """One call; `claims` change the token."""
        bearer = {"authorization": self.bench.bearer(persona, **claims)}
        call = self.bench.call(
            operation, body, persona=None, headers={**bearer, **(headers or {})}, params=params
        )
        return asyncio.run(call)

    def ask(self, request: Any = None, *, operation: str = "pii.deanonymize", **more: Any) -> Answer:
        """Ask for an approval of a call with this body."""
        body = {"operation": operation, "request": REQUEST if request is None else request}
        return self.send(approval_calls.ASK, body, **{"headers": WHY, **more})

    def asked(self, request: Any = None, **more: Any) -> str:
        """The name of an approval that was asked for."""
        answer = self.ask(request, **more)
        assert answer.status == 200, answer.body
        return str(answer.body["approval"])

    def decide(self, name: str, *, yes: bool = True, persona: str = "approver", **more: Any) -> Answer:
        """Approve or reject."""
        writer, _, index = name.partition("/")
        body = {"approve": yes, "justification": "seen the case, it is hers"}
        params = {"writer": writer, "index": index}
        return self.send(approval_calls.DECIDE, body, persona=persona, params=params, **more)

    def approved(self, request: Any = None, **more: Any) -> str:
        """The name of an approval that was asked for and approved."""
        name = self.asked(request, **more)
        answer = self.decide(name)
        assert answer.status == 200, answer.body
        return name

    def use(
        self, name: str | None, request: Any = None, *, headers: Mapping[str, str] = WHY, **more: Any
    ) -> Answer:
        """The call itself, with the approval of that name."""
        named = {} if name is None else {"x-approval": name}
        body = REQUEST if request is None else request
        return self.send(presidio.DEANONYMIZE, body, **{"headers": {**headers, **named}, **more})

    def open(self, persona: str = "approver") -> list[dict[str, Any]]:
        """What is open for a persona."""
        answer = self.send(approval_calls.READ, persona=persona)
        assert answer.status == 200, answer.body
        return list(answer.body["approvals"])

    def steps(self) -> list[str]:
        """The steps of approvals that were committed, in order."""
        return [record.step for record in self.bench.ledger.records if isinstance(record, ApprovalRecord)]

    def expire(self) -> int:
        """What the timer does."""
        bench = self.bench
        return bench.path.conditions.approvals.expire(lambda record: asyncio.run(bench.ledger.commit(record)))


def refused(desk: Desk, name: str, request: Any = None, **more: Any) -> str:
    """The reason why a use is refused; nothing is run and the approval is not used up by it."""
    before, steps = list(desk.bench.engine.calls), desk.steps()
    answer = desk.use(name, request, **more)
    assert answer.status == 403, answer.body
    assert desk.bench.engine.calls == before
    assert desk.steps() == steps
    last = desk.bench.ledger.records[-1]
    assert isinstance(last, AccessRecord)
    assert (last.decision.allowed, last.decision.reason) == (False, answer.body["reason"])
    return str(answer.body["reason"])
