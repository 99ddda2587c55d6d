"""Storage that fails at any step of four eyes and emergencies: nothing served twice, nothing unrecorded."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import ObjectExists, StoreUnavailable
from shared.ledger.findings import Kind
from shared.ledger.notes import parse_vkey
from shared.ledger.sideobjects import Claim, ClaimKind
from shared.ledger.verifier import Question, verify_ledger
from shared.records.canonical import format_time
from shared.usecases.once import Claims
from tests.support.committers import SERVICE_KEY
from tests.support.emergencies import enter
from tests.support.four_eyes import Desk, make_bench, make_twin
from tests.support.identities import NOW
from tests.support.services import Bench
from tests.support.stores import Fault, FaultyStore, MemoryStore, Script, at_operation

AWAY = StoreUnavailable("scripted: away")
FAULTS = {
    "no answer, not done": Fault(before=AWAY),
    "no answer, done": Fault(after=AWAY),
    "no answer, done later": Fault(late=1),
}
CLAIM = Claim(ClaimKind.APPROVAL, "01JD0000000000000000000001-7", format_time(NOW), {"by": "one"})


def count_operations(run: object) -> int:
    """Storage operations of a run without faults."""
    claims = FaultyStore(MemoryStore(), lambda *_: None)
    bench = make_bench(store=claims.inner, claim_store=claims)
    try:
        run(bench)  # type: ignore[operator]
    finally:
        bench.close()
    return len(claims.operations)


def four_eyes(bench: Bench) -> list[int]:
    """One approval from its beginning to its end; the statuses."""
    desk = Desk(bench)
    asked = desk.ask()
    if asked.status != 200:
        return [asked.status]
    name = asked.body["approval"]
    return [200, desk.decide(name).status, desk.use(name).status, desk.use(name).status]


def emergency(bench: Bench) -> list[int]:
    """The first two uses of an emergency role."""
    return [enter(bench).status, enter(bench).status]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_four_eyes_with_a_fault_at_each_step(fault: Fault) -> None:
    """Whatever storage does: a call is served at most once, and each that is served has its use on record."""
    operations = count_operations(four_eyes)
    assert operations >= 8
    for number in range(operations):
        store = MemoryStore()
        bench = make_bench(store=store, claim_store=FaultyStore(store, at_operation(number, fault)))
        twin = make_twin(bench)
        try:
            statuses = four_eyes(bench)
            assert set(statuses) <= {200, 403, 503}
            for entry in Desk(twin).open():
                Desk(twin).use(entry["approval"])
            served = len(bench.engine.calls) + len(twin.engine.calls)
            assert served <= 1
            assert (Desk(bench).steps() + Desk(twin).steps()).count("used") == served
        finally:
            bench.close()
            twin.close()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_emergencies_with_a_fault_at_each_step(fault: Fault) -> None:
    """No call is served without its window on record, and the next attempt finds the same window."""
    for number in range(count_operations(emergency)):
        store = MemoryStore()
        bench = make_bench(store=store, claim_store=FaultyStore(store, at_operation(number, fault)))
        try:
            statuses = emergency(bench)
            assert statuses in ([200, 200], [503, 200])
            windows = {r.until for r in bench.ledger.records if r.type == "emergency"}
            assert len(windows) == 1
            assert len([*store.list("v1/once/emergency/")]) == 1
            assert len([*store.list("v1/once/emergency-slot/")]) == 1
        finally:
            bench.close()


def away(name: str, path: str) -> Fault | None:
    return Fault(before=AWAY)


def test_without_claims_nothing_is_served() -> None:
    """503, recorded, and nothing is run: neither an emergency nor a call that needs four eyes."""
    bench = make_bench()
    desk = Desk(bench)
    name = desk.approved()
    store = FaultyStore(bench.store, away)
    cut = make_twin(bench, claim_store=store)
    try:
        for answer in (Desk(cut).use(name), enter(cut), Desk(cut).ask(), Desk(cut).decide(name)):
            assert (answer.status, answer.body["code"]) == (503, "store_unavailable")
        assert cut.engine.calls == []
    finally:
        bench.close()
        cut.close()


@pytest.mark.parametrize(
    ("script", "made"),
    [
        (at_operation(0, Fault(after=AWAY)), True),
        (at_operation(0, Fault(before=ObjectExists("x"))), False),
    ],
    ids=["lost answer", "exists"],
)
def test_a_lost_answer_is_told_from_another_s_claim(script: Script, made: bool) -> None:
    """The claim is read back: its bytes name who made it."""
    assert Claims(FaultyStore(MemoryStore(), script)).make(CLAIM) is made


def test_another_s_claim_behind_a_lost_answer() -> None:
    """Where somebody else was first, a lost answer is no claim of ours."""
    store = MemoryStore()
    assert Claims(store).make(Claim(CLAIM.kind, CLAIM.key, CLAIM.time, {"by": "two"}))
    assert not Claims(FaultyStore(store, at_operation(0, Fault(before=AWAY)))).make(CLAIM)


def test_unclear_is_an_error() -> None:
    """Not done as far as can be seen, and perhaps on its way: neither made nor another's."""
    with pytest.raises(StoreUnavailable):
        Claims(FaultyStore(MemoryStore(), at_operation(0, Fault(before=AWAY)))).make(CLAIM)


def test_the_verifier_finds_nothing_wrong_with_what_is_made() -> None:
    """Claims, slots and records of a day of four eyes and emergencies agree with each other."""
    bench = make_bench()
    twin = make_twin(bench)
    desk = Desk(bench)
    try:
        four_eyes(bench)
        desk.decide(desk.asked(), yes=False)
        late = desk.asked()
        for one in (bench, twin):
            assert enter(one).status == 200
        bench.now += timedelta(hours=2)
        assert desk.expire() == 1
        assert desk.use(late).body["reason"] == "approval_expired"
    finally:
        bench.close()
        twin.close()
    keys = (parse_vkey(SERVICE_KEY.vkey),)
    report = verify_ledger(Question(bench.store, keys, bench.now + timedelta(hours=1)))
    weighty = [f for f in report.findings if f.object.startswith("v1/once/")]
    assert weighty == []
    bench.store.tamper_delete(next(bench.store.list("v1/once/approval/")).path)
    bench.store.tamper_delete(next(bench.store.list("v1/once/emergency/")).path)
    report = verify_ledger(Question(bench.store, keys, bench.now + timedelta(hours=1)))
    assert [f.kind for f in report.findings if f.object.startswith("v1/once/")] == [Kind.CLAIM_MISSING] * 2
