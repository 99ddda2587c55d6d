"""The audited path: the only way from a request to an answer.

    token -> caller            no caller: counted refusal, 401
    permission for the operation
    body -> work               bad input: recorded, 4xx
    policy -> decision         refused: recorded, 403
    limit of the policy        over it: 429, recorded once a burst
    conditions                 an approval used up, an emergency's window opened: each a record of its own
    (intent committed first, where the operation reveals data)
    engine -> result
    record committed           cannot be: 503, and nothing that was found leaves
    answer with its receipt

Every way out of `answer` but one has a committed record behind it; the one is `audit_unavailable`.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import threading
import time
from dataclasses import dataclass, replace

from shared.errors import (
    AccessDenied,
    AuditUnavailable,
    AuthenticationError,
    InputTooLarge,
    KeysUnavailable,
    PresidioAccessError,
    RateLimited,
)
from shared.identity.caller import Caller
from shared.identity.decisions import Decision, Demand, decide
from shared.identity.issuers import Issuer
from shared.identity.policy import Policy
from shared.identity.tokens import parse_bearer, read_header, verify_token
from shared.records.model import Outcome, Record
from shared.usecases.approvals.steps import Commit
from shared.usecases.bursts import BurstCounter, LimitedCall
from shared.usecases.calls import Answer, Call, Grant, Operation, Work, check_allowed
from shared.usecases.conditions import Conditions
from shared.usecases.engines import EngineRoom
from shared.usecases.limiting import Limiter
from shared.usecases.ports import Clock, Ledger, Receipt, TokenKeys
from shared.usecases.questions import Questions
from shared.usecases.recording import Draft, Recorder, Vocabulary, identify, locate_call
from shared.usecases.refusals import Refusal, RefusalCounter
from shared.usecases.reviews.recorded import Reviews
from shared.usecases.statuses import problem_answer, status_of
from shared.usecases.traffic import Traffic

logger = logging.getLogger("presidio_access.path")

STATEMENTS = ("x-purpose", "x-justification", "x-ticket", "x-approval")
"""What callers say for themselves, in the order in which a demand takes it."""

QUICK_BODY_BYTES = 2 * 1024
"""Bodies up to this keep an engine thread busy for milliseconds, unless their work is open-ended."""

LARGE_BODY_BYTES = 64 * 1024
"""Bodies above this are parsed on an engine thread, so that the event loop keeps answering others."""


@dataclass(frozen=True, slots=True)
class AuditedPath:
    """Everything that a call passes through, joined once at start."""

    issuers: tuple[Issuer, ...]
    keys: TokenKeys
    policy: Policy
    engines: EngineRoom
    ledger: Ledger
    refusals: RefusalCounter
    limiter: Limiter
    bursts: BurstCounter
    recorder: Recorder
    conditions: Conditions
    questions: Questions
    reviews: Reviews
    traffic: Traffic
    clock: Clock
    max_body_bytes: int

    async def answer(self, call: Call, operation: Operation) -> Answer:
        """Serve one call. Never raises for anything that a caller or the engine did."""
        with self.traffic:
            return await self._answer(call, operation)

    async def _answer(self, call: Call, operation: Operation) -> Answer:
        draft = Draft(call=call, operation=operation.name, where=locate_call(call))
        try:
            draft.caller = await self._authenticate(call)
        except (AuthenticationError, KeysUnavailable) as error:
            return await self._refuse_unknown(draft, error)
        try:
            answer, code = await self._attempt(draft, operation)
        except RateLimited as error:
            return await self._refuse_over_limit(draft, error)
        return await self._release(draft, answer, code)

    async def _authenticate(self, call: Call) -> Caller:
        token = parse_bearer(call.headers.get("authorization"))
        header = read_header(token, self.issuers)
        key = self.keys.find_cached(header.issuer, header.kid)
        if key is None:
            key = await asyncio.to_thread(self.keys.find, header.issuer, header.kid)
        if key is None:
            raise AuthenticationError("unknown_key", "the token names a key that its issuer does not publish")
        return verify_token(token, key, header.issuer, self.clock())

    async def _attempt(self, draft: Draft, operation: Operation) -> tuple[Answer, str | None]:
        """Decide and do it. Whatever goes wrong becomes an answer, which is recorded like any other.

        But for RateLimited, which is raised: calls over a limit are recorded once a burst.
        """
        try:
            result_body = await self._serve(draft, operation)
        except RateLimited:
            raise
        except PresidioAccessError as error:
            self._take_refused(draft)
            draft.result = None
            if isinstance(error, AccessDenied) and draft.decision is not None:
                draft.decision = replace(draft.decision, allowed=False, reason=error.reason, role=None)
            return problem_answer(error, draft.call.request_id), error.code
        except Exception as error:  # noqa: BLE001 - a defect of ours must leave a record too
            self._take_refused(draft)
            # The type and place only: the message could quote what the caller sent.
            logger.error("unexpected %s in %s", type(error).__name__, draft.operation)
            draft.result = None
            failure = PresidioAccessError("the service failed; the request id finds it in the service's log")
            return problem_answer(failure, draft.call.request_id), failure.code
        told = {} if draft.decision is None else self.conditions.tell(_require(draft.caller), draft.decision)
        return Answer(200, result_body, told), None

    async def _serve(self, draft: Draft, operation: Operation) -> object:
        caller = _require(draft.caller)
        call = draft.call
        stated = [call.headers.get(name) for name in STATEMENTS]
        draft.decision = decide(caller, self.policy, Demand(operation.name).with_purpose(*stated))
        check_allowed(draft.decision)
        draft.work = await self._parse(call, operation)
        draft.decision = decide(caller, self.policy, draft.work.demand.with_purpose(*stated))
        check_allowed(draft.decision)
        # Here and no later: what is over a limit leaves no intent, uses up no approval and reaches no engine.
        # The role that grants the whole request pays: the one found before the body was read may be faster.
        self.limiter.take(caller, operation.name, draft.decision.role)
        draft.has_token = True
        if not self.conditions.is_met(caller, draft.decision):
            meet, commit = self.conditions.meet, self._committing()
            await asyncio.to_thread(meet, caller, call, draft.work, draft.decision, commit)
        if operation.reveals or draft.decision.intent_first:
            await self._commit(self.recorder.intent(draft, self._vocabulary()))
        return await self._run(draft, caller, draft.work, draft.decision)

    def _take_refused(self, draft: Draft) -> None:
        """A call that ended before it took a token takes one of those for refusals. Raises RateLimited."""
        if not draft.has_token and draft.caller is not None:
            self.limiter.take_refused(draft.caller)

    async def _parse(self, call: Call, operation: Operation) -> Work:
        size = len(call.body)
        if size > self.max_body_bytes:
            raise InputTooLarge(f"the body has {size} bytes; at most {self.max_body_bytes} are served")
        if size > LARGE_BODY_BYTES:
            return await self.engines.run(lambda: operation.parse(call))
        return operation.parse(call)

    async def _run(self, draft: Draft, caller: Caller, work: Work, decision: Decision) -> object:
        engine = self.engines.engine if work.needs_engine else None
        started_ns, approvals = time.monotonic_ns(), self.conditions.approvals
        commit = self._committing()

        def timed() -> object:
            nonlocal started_ns
            started_ns = time.monotonic_ns()
            try:
                grant = Grant(
                    caller, decision, self.policy, self.questions, approvals, self.reviews, commit, engine
                )
                draft.result = work.run(grant)
                return draft.result.body
            finally:
                draft.engine_us = _us_since(started_ns)

        if engine is not None:
            is_quick = len(draft.call.body) <= QUICK_BODY_BYTES and not work.is_open_ended
            return await self.engines.run(timed, is_quick=is_quick)
        return await asyncio.to_thread(timed) if work.reads_storage else timed()

    async def _release(self, draft: Draft, answer: Answer, code: str | None) -> Answer:
        """Commit the record; only then hand the answer out."""
        outcome = Outcome(
            status=answer.status,
            code=code,
            total_us=_us_since(draft.call.started_ns),
            engine_us=draft.engine_us,
        )
        try:
            receipt = await self._commit(self.recorder.access(draft, self._vocabulary(), outcome))
        except AuditUnavailable as error:
            return problem_answer(error, draft.call.request_id)
        return _with_receipt(answer, draft.call.request_id, receipt)

    async def _refuse_unknown(self, draft: Draft, error: AuthenticationError | KeysUnavailable) -> Answer:
        answer = problem_answer(error, draft.call.request_id)
        refusal = Refusal(
            request_id=draft.call.request_id,
            operation=draft.operation,
            received=draft.call.received,
            where=draft.where,
            reason=error.reason if isinstance(error, AuthenticationError) else error.code,
            status=status_of(error),
            code=error.code,
        )
        try:
            receipt = await self.refusals.commit(refusal)
        except AuditUnavailable as unavailable:
            return problem_answer(unavailable, draft.call.request_id)
        return _with_receipt(answer, draft.call.request_id, receipt)

    async def _refuse_over_limit(self, draft: Draft, error: RateLimited) -> Answer:
        call = draft.call
        limited = LimitedCall(
            call.request_id, draft.operation, call.received, identify(draft.caller), draft.where
        )
        try:
            receipt = await self.bursts.commit(limited)
        except AuditUnavailable as unavailable:
            return problem_answer(unavailable, call.request_id)
        return _with_receipt(problem_answer(error, call.request_id), call.request_id, receipt)

    async def _commit(self, record: Record) -> Receipt:
        return await self.ledger.commit(record)

    def _committing(self) -> Commit:
        """`commit` for work on a thread: the commit is made on the event loop, which must not wait for it."""
        loop, loop_thread = asyncio.get_running_loop(), threading.get_ident()

        def commit(record: Record) -> Receipt:
            if threading.get_ident() == loop_thread:
                raise RuntimeError("work that commits records runs on a thread of its own")
            return asyncio.run_coroutine_threadsafe(self._commit(record), loop).result()

        return commit

    def _vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.engines.engine if self.engines.state == "ready" else None)


def _require(caller: Caller | None) -> Caller:
    if caller is None:
        raise AuthenticationError("missing", "no caller")
    return caller


def _us_since(started_ns: int) -> int:
    return max(0, (time.monotonic_ns() - started_ns) // 1_000)


def _with_receipt(answer: Answer, request_id: str, receipt: Receipt) -> Answer:
    headers = {
        **answer.headers,
        "X-Request-Id": request_id,
        "X-Audit-Record": f"{receipt.writer}/{receipt.index}",
        "X-Audit-Checkpoint": base64.b64encode(receipt.checkpoint.encode()).decode(),
    }
    return Answer(answer.status, answer.body, headers)
