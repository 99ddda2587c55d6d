"""What is written about a call: the allow-listed facts, with every made-up word replaced."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared.identity.caller import Caller
from shared.identity.decisions import Decision, Demand
from shared.identity.roles import MAX_TEXTS
from shared.identity.terms import OPERATOR_OPERATIONS
from shared.pii.engine import Engine
from shared.records.canonical import format_time
from shared.records.digests import DigestKey
from shared.records.model import (
    AccessRecord,
    DecisionPart,
    EnginePart,
    IntentRecord,
    KeyedDigests,
    Outcome,
    ServicePart,
    What,
    Where,
    Who,
)
from shared.records.vocabulary import AD_HOC, OTHER, known_counts, known_words, opaque_id, trace_ids
from shared.usecases.calls import Call, Result, Work

ANONYMOUS = Who(kind="anonymous")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that a record may carry: those of the engine that is configured."""

    entities: Collection[str] = ()
    recognizers: Collection[str] = ()
    operators: Collection[str] = ()
    languages: Collection[str] = ()

    @classmethod
    def of(cls, engine: Engine | None) -> Vocabulary:
        """The engine's vocabulary; nothing while there is no engine, so that every word is replaced."""
        if engine is None:
            return cls()
        return cls(
            engine.entity_vocabulary,
            engine.recognizer_vocabulary,
            engine.operator_vocabulary,
            engine.languages,
        )


@dataclass(slots=True)
class Draft:
    """What is known of a call so far; a record can be made of it at any moment."""

    call: Call
    operation: str
    where: Where
    caller: Caller | None = None
    decision: Decision | None = None
    work: Work | None = None
    result: Result | None = None
    has_token: bool = False
    engine_us: int = 0


def locate_call(call: Call) -> Where:
    """Address, gateway id and trace ids of a call; ids that do not look like ids are left out."""
    trace_id, span_id = trace_ids(call.headers.get("traceparent"))
    gateway_id = opaque_id(call.headers.get("x-request-id")) or opaque_id(call.headers.get("x-arr-log-id"))
    return Where(address=call.address, gateway_id=gateway_id, trace_id=trace_id, span_id=span_id)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Makes records of drafts."""

    digest_key: DigestKey
    engine: EnginePart
    service: ServicePart
    policy: str

    def intent(self, draft: Draft, vocabulary: Vocabulary) -> IntentRecord:
        """What is about to be done, committed before it is done."""
        return IntentRecord(
            time=format_time(draft.call.received),
            request_id=draft.call.request_id,
            who=identify(draft.caller),
            what=self._what(draft, vocabulary),
            where=draft.where,
            decision=self._decision(draft.decision),
            engine=self.engine,
            service=self.service,
        )

    def access(self, draft: Draft, vocabulary: Vocabulary, outcome: Outcome) -> AccessRecord:
        """How the call ended."""
        return AccessRecord(
            time=format_time(draft.call.received),
            request_id=draft.call.request_id,
            who=identify(draft.caller),
            what=self._what(draft, vocabulary),
            where=draft.where,
            decision=self._decision(draft.decision),
            outcome=outcome,
            engine=self.engine,
            service=self.service,
        )

    def _what(self, draft: Draft, words: Vocabulary) -> What:
        demand = draft.work.demand if draft.work else Demand(operation=draft.operation)
        result = draft.result or Result(body=None)
        brought = AD_HOC if demand.ad_hoc_recognizers else OTHER
        return What(
            operation=draft.operation,
            texts=demand.texts,
            input_chars=demand.chars,
            input_bytes=len(draft.call.body),
            output_chars=result.output_chars,
            language=_known(demand.language, words.languages),
            entities_requested=_known_tuple(demand.entities, words.entities, brought),
            entities_searched=_known_tuple(result.searched, words.entities, brought),
            entities_found=known_counts(dict(result.found), words.entities, brought),
            entities_released=known_counts(dict(result.released), words.entities, brought),
            recognizers=known_counts(dict(result.recognizers), words.recognizers, brought),
            operators=known_words(result.operators or demand.operators, words.operators),
            operators_requested=_known_tuple(_requested(draft, demand), words.operators, OTHER),
            ad_hoc_recognizers=demand.ad_hoc_recognizers,
            decision_process=demand.decision_process,
            input_digests=self._digests(draft.work.inputs if draft.work else ()),
            correlation_digest=self._digests(_correlation(draft.work)),
        )

    def _digests(self, texts: tuple[str, ...]) -> KeyedDigests | None:
        """None also for more texts than any policy allows: such a call was refused, and ran nothing."""
        return self.digest_key.digest_all(texts) if 0 < len(texts) <= MAX_TEXTS else None

    def _decision(self, decision: Decision | None) -> DecisionPart:
        if decision is None:
            return DecisionPart(allowed=False, reason="not_decided", policy=self.policy)
        return DecisionPart(
            allowed=decision.allowed,
            reason=decision.reason,
            role=decision.role,
            purpose=decision.purpose,
            justification=decision.justification,
            policy=self.policy,
            ticket=decision.ticket,
            approval=decision.approval,
        )


def identify(caller: Caller | None) -> Who:
    """The caller as a record names it."""
    if caller is None:
        return ANONYMOUS
    return Who(
        kind=caller.kind,
        issuer=caller.issuer,
        tenant=caller.tenant,
        principal=caller.principal,
        app=caller.app,
        roles=caller.roles,
        token_id=caller.token_id,
    )


def _requested(draft: Draft, demand: Demand) -> tuple[str, ...] | None:
    """The operators that were asked for, None where the request was not read or has none to ask for."""
    return demand.operators if draft.work is not None and draft.operation in OPERATOR_OPERATIONS else None


def _correlation(work: Work | None) -> tuple[str, ...]:
    return (work.correlation_id,) if work is not None and work.correlation_id else ()


def _known(word: str | None, vocabulary: Collection[str]) -> str | None:
    return word if word is None or word in vocabulary else OTHER


def _known_tuple(
    words: tuple[str, ...] | None, vocabulary: Collection[str], other: str
) -> tuple[str, ...] | None:
    return None if words is None else known_words(words, vocabulary, other)
