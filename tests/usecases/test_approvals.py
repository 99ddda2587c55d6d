"""Four eyes: asked for, decided by somebody else, used once, ended; and what the ledger says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.identity.decisions import Demand
from shared.ledger.notes import parse_vkey
from shared.records.canonical import format_time
from shared.records.model import AccessRecord, ApprovalRecord, ClosedRecord, IntentRecord
from shared.usecases import presidio
from shared.usecases.approvals import operations as approval_calls
from shared.usecases.calls import Call, Grant, Operation, Result, Work
from shared.usecases.proving import prove_record
from tests.support.committers import LOG, SERVICE_KEY
from tests.support.four_eyes import REQUEST, SPAN, WHY, Desk, make_bench, make_twin
from tests.support.records import SERVICE
from tests.support.services import Bench
from tests.support.stores import FaultyStore, MemoryStore


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = make_bench()
    yield made
    made.close()


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk(bench)


def test_a_call_that_needs_a_second_person_says_so(desk: Desk) -> None:
    """It is refused before its body is read, with the way to an approval; nothing is run."""
    answer = desk.use(None)
    assert (answer.status, answer.body["reason"]) == (403, "approval_required")
    assert "POST /approvals" in answer.body["error"]
    assert desk.bench.engine.calls == []


def test_an_approved_call_is_served_once(desk: Desk) -> None:
    """Asked, approved, used: each step is a record, the use before the intent, the intent before the data."""
    name = desk.approved()
    answer = desk.use(name)
    assert answer.status == 200, answer.body
    kinds = [type(record) for record in desk.bench.ledger.records]
    assert kinds == [
        *(ApprovalRecord, AccessRecord),
        *(ApprovalRecord, AccessRecord),
        *(ApprovalRecord, IntentRecord, AccessRecord),
    ]
    intent, access = desk.bench.ledger.records[-2:]
    assert isinstance(intent, IntentRecord) and isinstance(access, AccessRecord)
    assert intent.decision.approval == access.decision.approval == name
    assert desk.steps() == ["requested", "approved", "used"]


def test_the_records_say_who_asked_and_who_approved(desk: Desk) -> None:
    """All steps carry the digest of what was asked for, the time it ends, and the name of the first."""
    name = desk.approved()
    desk.use(name)
    steps = [record for record in desk.bench.ledger.records if isinstance(record, ApprovalRecord)]
    first, second, third = steps
    assert (first.approval, second.approval, third.approval) == (None, name, name)
    assert first.who is not None and second.who is not None and third.who is not None
    assert first.who.principal == third.who.principal != second.who.principal
    assert len({(step.demand, step.expires, step.operation, step.policy) for step in steps}) == 1
    assert (first.texts, first.chars, first.operators) == (1, 4, ("deanonymize_keep",))
    assert (first.justification, second.justification) == (
        WHY["x-justification"],
        "seen the case, it is hers",
    )
    assert "John" not in "".join(step.model_dump_json() for step in steps)


def test_each_step_is_proven_by_the_ledger(desk: Desk) -> None:
    """The name of an approval is the name of a record, with a proof for a third party."""
    name = desk.approved()
    writer, index = name.split("/")
    evidence = prove_record(desk.bench.store, LOG, [parse_vkey(SERVICE_KEY.vkey)], (writer, int(index)))
    assert b'"step":"requested"' in evidence.record


def test_what_an_approver_sees(desk: Desk) -> None:
    """Who asks for what, why and until when; sizes and digests; never a text."""
    name = desk.asked()
    (seen,) = desk.open()
    assert (seen["approval"], seen["state"], seen["operation"]) == (name, "pending", "pii.deanonymize")
    assert (seen["purpose"], seen["justification"]) == (WHY["x-purpose"], WHY["x-justification"])
    assert (seen["texts"], seen["chars"], seen["operators"]) == (1, 4, ["deanonymize_keep"])
    assert seen["asked_by"]["principal"] and len(seen["demand"]) == 1
    assert "John" not in str(seen)
    desk.decide(name)
    assert [entry["state"] for entry in desk.open()] == ["approved"]
    desk.use(name)
    assert desk.open() == []


def test_others_see_their_own(desk: Desk) -> None:
    """Who asked sees it; who may not decide and did not ask sees nothing."""
    name = desk.asked()
    assert [entry["approval"] for entry in desk.open("reidentifier")] == [name]
    assert desk.open("analyst") == desk.open("breakglass") == []


def test_asking_needs_what_the_call_needs(desk: Desk) -> None:
    """Permission, purpose, and a reason for whoever decides; a call that needs nobody is told so."""
    assert desk.ask(persona="analyst").body["reason"] == "not_permitted"
    assert desk.ask(headers={"x-justification": "because, because"}).body["reason"] == "purpose_required"
    assert desk.ask(headers={"x-purpose": "customer-request"}).body["reason"] == "justification_required"
    text = {"text": "John", "language": "en"}
    assert desk.ask(text, operation="pii.analyze", persona="analyst").status == 422
    assert desk.steps() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"operation": "audit.read", "request": {}}, 400),
        ({"operation": ["pii.deanonymize"], "request": REQUEST}, 400),
        ({"operation": "pii.deanonymize"}, 400),
        ({"operation": "pii.deanonymize", "request": "text"}, 400),
        ({"operation": "pii.deanonymize", "request": {}}, 400),
        ({"operation": "pii.deanonymize", "request": REQUEST, "expires": "never"}, 400),
        ({"operation": "pii.deanonymize", "request": {**REQUEST, "n": 2**60}}, 400),
        ({"operation": "pii.deanonymize", "request": {**REQUEST, "text": "x" * 200_001}}, 413),
    ],
)
def test_bad_requests(desk: Desk, body: object, status: int) -> None:
    """What could not be served is not approved either, and no step is recorded for it."""
    answer = desk.send(approval_calls.ASK, body, headers=WHY)
    assert answer.status == status, answer.body
    assert desk.steps() == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"approve": "yes", "justification": "seen, and it is right"},
        {"approve": 1, "justification": "seen, and it is right"},
        {"approve": True},
        {"approve": True, "justification": "ok"},
        {"approve": True, "justification": "two\nlines of reasons"},
        {"approve": True, "justification": "seen, and it is right", "for": "all"},
    ],
)
def test_bad_decisions(desk: Desk, body: object) -> None:
    """A decision is a yes or a no with a reason."""
    writer, index = desk.asked().split("/")
    params = {"writer": writer, "index": index}
    answer = desk.send(approval_calls.DECIDE, body, persona="approver", params=params)
    assert answer.status == 400
    assert desk.steps() == ["requested"]


def test_pending_and_rejected(desk: Desk) -> None:
    """Undecided it opens nothing; rejected it is over, and stays so."""
    name = desk.asked()
    assert desk.use(name).body["reason"] == "approval_pending"
    assert desk.decide(name, yes=False).body["state"] == "rejected"
    assert desk.use(name).body["reason"] == "approval_rejected"
    assert desk.decide(name).body["reason"] == "approval_rejected"
    assert desk.steps() == ["requested", "rejected"]


def test_what_was_approved_can_be_taken_back_until_it_is_used(desk: Desk) -> None:
    """The first to end it wins: a rejection before the use, or the use."""
    name = desk.approved()
    assert desk.decide(name, yes=False).status == 200
    assert desk.use(name).body["reason"] == "approval_rejected"
    other = desk.approved()
    assert desk.use(other).status == 200
    assert desk.decide(other, yes=False).body["reason"] == "approval_used"


def test_another_process_serves_it(desk: Desk) -> None:
    """Asked here, approved there, used here: the ledger is what they share."""
    twin = make_twin(desk.bench)
    try:
        name = desk.asked()
        assert Desk(twin).decide(name).status == 200
        assert desk.use(name).status == 200
        assert Desk(twin).use(name).body["reason"] == "approval_used"
    finally:
        twin.close()


def test_expired_ones_are_ended_in_the_ledger(desk: Desk) -> None:
    """By a timer, once, after their time and a minute for clocks; used ones are left alone."""
    first, used = desk.asked(), desk.approved()
    desk.use(used)
    assert desk.expire() == 0
    desk.bench.now += timedelta(minutes=61)
    assert desk.expire() == 1
    assert desk.expire() == 0
    last = [record for record in desk.bench.ledger.records if isinstance(record, ApprovalRecord)][-1]
    assert (last.step, last.approval, last.who, last.request_id) == ("expired", first, None, None)
    assert desk.use(first).body["reason"] == "approval_expired"


def test_only_calls_that_need_one_pay() -> None:
    """Another operation of the same role touches no claim, whatever it sends."""
    store = MemoryStore()
    claims = FaultyStore(store, lambda *_: None)
    bench = make_bench(store=store, claim_store=claims)
    try:
        body = {"text": "John", "analyzer_results": [{**SPAN, "score": 0.9}]}
        answer = Desk(bench).send(presidio.ANONYMIZE, body, headers={"x-approval": "nonsense"})
        assert answer.status == 200, answer.body
        assert claims.operations == []
        assert len(bench.ledger.records) == 1
    finally:
        bench.close()


def test_work_on_the_event_loop_cannot_commit(bench: Bench) -> None:
    """It would wait for itself; it is told so at once, and the call is a recorded failure."""

    def run(grant: Grant) -> Result:
        grant.commit(ClosedRecord(time=format_time(bench.now), service=SERVICE))
        return Result(body={})

    def parse(_: Call) -> Work:
        return Work(Demand("identity.read"), run, needs_engine=False)

    answer = asyncio.run(bench.call(Operation("identity.read", parse)))
    assert answer.status == 500
    assert [type(record) for record in bench.ledger.records] == [AccessRecord]
