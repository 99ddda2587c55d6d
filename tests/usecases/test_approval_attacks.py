"""Cheating four eyes: replays, two at once, approving for oneself, approving twice, dying in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from devstack.personas import CLIENT_APP_ID
from shared.errors import AuditUnavailable
from shared.identity.policy import parse_policy
from shared.records.model import AccessRecord, Record, Who
from shared.usecases.approvals.proofs import is_other_person, is_same_person
from shared.usecases.ports import Receipt
from tests.support.four_eyes import Desk, make_bench, make_twin, refused
from tests.support.identities import ROOT
from tests.support.policies import with_four_eyes
from tests.support.services import Bench

ROUNDS = 20
DEFAULT = (ROOT / "config/policy.yaml").read_text("utf-8")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = make_bench()
    yield made
    made.close()


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk(bench)


@pytest.fixture
def twin(bench: Bench) -> Iterator[Bench]:
    made = make_twin(bench)
    yield made
    made.close()


# --- replay ------------------------------------------------------------------------------------------


def test_a_used_approval_is_used(desk: Desk, twin: Bench) -> None:
    """Here, in another process, and in one that starts afterwards: its record says which was tried."""
    name = desk.approved()
    assert desk.use(name).status == 200
    for other in (desk, Desk(twin)):
        assert refused(other, name) == "approval_used"
    last = desk.bench.ledger.records[-1]
    assert isinstance(last, AccessRecord) and last.decision.approval == name


def test_two_processes_at_once(desk: Desk, twin: Bench) -> None:
    """Twenty rounds, both at the same moment: one is served, one is refused, one use is recorded."""
    desks = (desk, Desk(twin))
    for _ in range(ROUNDS):
        name = desk.approved()
        gate = threading.Barrier(2)

        def use(one: Desk, name: str = name, gate: threading.Barrier = gate) -> int:
            gate.wait()
            return one.use(name).status

        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(use, desks))
        assert statuses == [200, 403]
    assert (desk.steps() + Desk(twin).steps()).count("used") == ROUNDS
    assert len(desk.bench.engine.calls) + len(twin.engine.calls) == ROUNDS


def test_use_and_rejection_at_once(desk: Desk, twin: Bench) -> None:
    """One of the two ends it: never is a call served that the ledger says was rejected before."""
    other = Desk(twin)
    for _ in range(ROUNDS):
        name = desk.approved()
        jobs: list[Callable[[], int]] = [
            lambda name=name: desk.use(name).status,  # type: ignore[misc]
            lambda name=name: other.decide(name, yes=False).status,  # type: ignore[misc]
        ]
        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(lambda job: job(), jobs))
        assert statuses == [200, 403]
    ends = [step for step in desk.steps() + other.steps() if step in ("used", "rejected")]
    assert len(ends) == ROUNDS
    assert ends.count("used") == len(desk.bench.engine.calls)


# --- approval by oneself -----------------------------------------------------------------------------

BOTH = {"roles": ["Pii.Reidentifier", "Pii.Approver"]}


@pytest.mark.parametrize(
    "claims",
    [BOTH, {**BOTH, "azp": "99999999-9999-4999-8999-999999999999"}, {**BOTH, "uti": "another-token"}],
    ids=["both roles", "another app", "another token"],
)
def test_nobody_approves_what_he_asked_for(desk: Desk, claims: dict[str, Any]) -> None:
    """Tenant and principal are what makes a person: not the token, not the app, not the role in use."""
    name = desk.asked()
    answer = desk.decide(name, persona="reidentifier", **claims)
    assert (answer.status, answer.body["reason"]) == (403, "approval_self")
    assert desk.decide(name, persona="reidentifier", yes=False, **claims).body["reason"] == "approval_self"
    assert refused(desk, name) == "approval_pending"
    assert CLIENT_APP_ID != "99999999-9999-4999-8999-999999999999"


def test_an_app_approves_nothing(desk: Desk) -> None:
    """Whatever roles its token carries: an approval is a person's."""
    answer = desk.decide(desk.asked(), persona="pipeline", roles=["Pii.Approver"])
    assert (answer.status, answer.body["reason"]) == (403, "wrong_kind")


@pytest.mark.parametrize("roles", [[], ["Pii.Reidentifier"], ["Pii.BreakGlass"], ["Audit.Reviewer"]])
def test_a_role_that_was_withdrawn_approves_nothing(desk: Desk, roles: list[str]) -> None:
    """The token of the moment decides; the emergency role has everything but this."""
    answer = desk.decide(desk.asked(), persona="approver", roles=roles)
    assert answer.status == 403
    assert desk.steps() == ["requested"]


def test_who_somebody_is() -> None:
    """A guest is another principal; who is unknown is neither the same person nor another."""
    one = Who(kind="person", tenant="t", principal="p", app="a", roles=("x",))
    assert is_same_person(one, one.model_copy(update={"app": "b", "roles": (), "issuer": "other"}))
    assert is_other_person(one, one.model_copy(update={"tenant": "u"}))
    for unknown in (None, Who(kind="anonymous"), one.model_copy(update={"tenant": None})):
        assert not is_same_person(one, unknown) and not is_other_person(one, unknown)


# --- twice -------------------------------------------------------------------------------------------


def test_approved_twice(desk: Desk) -> None:
    """One yes is enough; a second one changes nothing and prolongs nothing."""
    name = desk.approved()
    other = desk.decide(name, oid="bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb", sub="y")
    assert (other.status, other.body["reason"]) == (403, "approval_decided")
    assert desk.steps() == ["requested", "approved"]


def test_two_approvers_at_once(desk: Desk, twin: Bench) -> None:
    """Both may say yes; the call is served once all the same."""
    other, name = Desk(twin), desk.asked()
    with ThreadPoolExecutor(2) as pool:
        statuses = {answer.status for answer in pool.map(lambda one: one.decide(name), (desk, other))}
    assert 200 in statuses
    assert desk.use(name).status == 200
    assert refused(other, name) == "approval_used"


# --- storage and ledger away -------------------------------------------------------------------------


class Away:
    """A ledger that takes nothing for a while."""

    async def commit(self, record: Record) -> Receipt:
        raise AuditUnavailable("not stored")

    def is_writable(self) -> bool:
        return False


def test_a_use_that_cannot_be_recorded_is_used_up(desk: Desk) -> None:
    """The claim comes first: what dies between it and the record has used the approval, and got nothing."""
    name = desk.approved()
    ledger, desk.bench.ledger.ledger = desk.bench.ledger.ledger, Away()
    assert desk.use(name).status == 503
    desk.bench.ledger.ledger = ledger
    assert refused(desk, name) == "approval_used"
    assert desk.bench.engine.calls == []


def test_an_engine_that_fails_has_used_it_up(desk: Desk) -> None:
    """One approval, one attempt: what failed is asked for again."""
    name = desk.approved()
    desk.bench.engine.failure = RuntimeError("canary")
    assert desk.use(name).status == 500
    desk.bench.engine.failure = None
    assert refused(desk, name) == "approval_used"


# --- an emergency role that needs a second person, too -------------------------------------------------


def test_an_emergency_that_is_over_uses_no_approval_up() -> None:
    """Where a role asks for both: the approval is looked at first, and used last."""
    text = with_four_eyes(DEFAULT).replace("justification, ticket]", "justification, ticket, approval]")
    bench = Bench(policy=parse_policy(text, "policy.yaml"))
    desk = Desk(bench)
    why = {"x-purpose": "incident-response", "x-justification": "mail server broken", "x-ticket": "INC-1"}
    try:
        first = desk.approved(persona="breakglass", headers=why)
        assert desk.use(first, persona="breakglass", headers=why).status == 200
        bench.now += timedelta(hours=4)
        second = desk.approved(persona="breakglass", headers=why)
        assert refused(desk, second, persona="breakglass", headers=why) == "emergency_over"
        again = {**why, "x-ticket": "INC-2"}
        assert desk.use(second, persona="breakglass", headers=again).status == 200
        assert refused(desk, second, persona="breakglass", headers=again) == "approval_used"
    finally:
        bench.close()
