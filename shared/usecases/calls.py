"""A call as the doors hand it over, and the answer that they render. No HTTP library in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.errors import AccessDenied, EngineStarting, InputTooLarge
from shared.identity.caller import Caller
from shared.identity.decisions import Decision, Demand
from shared.identity.policy import Policy
from shared.pii.engine import Engine
from shared.usecases.approvals.steps import Approvals, Commit
from shared.usecases.questions import Questions
from shared.usecases.reviews.recorded import Reviews


@dataclass(frozen=True, slots=True)
class Call:
    """One request, before anything in it is believed.

    `request_id` is ours (a ULID), never the caller's. `headers` has lower-case names. `received` is UTC;
    `started_ns` comes from a monotonic clock and serves durations only.
    """

    request_id: str
    received: datetime
    started_ns: int
    headers: Mapping[str, str]
    query: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes
    address: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves: anything JSON can carry, a str that leaves as plain text, or a Page as HTML."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation found and gives back: the body for the caller, the facts for the record.

    `found` counts findings by entity type; `released` those whose place or value the caller now sees;
    `searched` names the entity types that were looked for where that was narrowed.
    """

    body: Any
    found: Mapping[str, int] = field(default_factory=dict)
    released: Mapping[str, int] = field(default_factory=dict)
    recognizers: Mapping[str, int] = field(default_factory=dict)
    operators: tuple[str, ...] = ()
    searched: tuple[str, ...] | None = None
    output_chars: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """What allowed work runs with: who asked, what the policy said, the ledger's answers, and the engine.

    `approvals` are what second persons are asked for, `reviews` the access reviews. `commit` stores a further
    record of this call and returns once it is stored; it raises AuditUnavailable. It is for work on a thread
    (`reads_storage`, or with an engine): work that is done at once must not wait. `lent` is None for work
    that said that it needs no engine.
    """

    caller: Caller
    decision: Decision
    policy: Policy
    questions: Questions
    approvals: Approvals
    reviews: Reviews
    commit: Commit
    lent: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine. Raises EngineStarting where work that said it needs none asks for it."""
        if self.lent is None:
            raise EngineStarting("this operation was not given an engine")
        return self.lent


@dataclass(frozen=True, slots=True)
class Work:
    """A parsed request: what it demands of the policy, what it brings, and how it is done once allowed.

    `run` is called on an engine thread where it needs the engine, on a thread of its own where it reads
    storage, and else at once, so it must be quick. `inputs` are the texts whose
    keyed digests are recorded. `asked` is the decoded body, where an approval can be asked for the call.
    `is_open_ended`: how long it takes does not follow from the size of the body.
    """

    demand: Demand
    run: Callable[[Grant], Result]
    inputs: tuple[str, ...] = ()
    correlation_id: str | None = None
    needs_engine: bool = True
    reads_storage: bool = False
    asked: Any = None
    is_open_ended: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of call. `parse` raises InputError; `reveals` asks for an intent record beforehand."""

    name: str
    parse: Callable[[Call], Work]
    reveals: bool = False


def check_allowed(decision: Decision) -> None:
    """Raises AccessDenied with the decision's reason, InputTooLarge where it is the size."""
    if decision.allowed:
        return
    if decision.reason == "too_large":
        raise InputTooLarge(decision.message)
    raise AccessDenied(decision.reason, decision.message)
