"""Cheating four eyes: replays, approving for oneself, other requests under an approved name, forgeries."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devstack.personas import CLIENT_APP_ID
from shared.errors import AuditUnavailable
from shared.identity.policy import parse_policy
from shared.ledger.notes import Ed25519NoteKey
from shared.ledger.sideobjects import Claim, ClaimKind, claim_path
from shared.records.canonical import format_time
from shared.records.model import AccessRecord, ApprovalRecord, Record, Who
from shared.usecases import presidio
from shared.usecases.approval_proofs import is_other_person, is_same_person
from shared.usecases.committing import Committer
from shared.usecases.ports import Receipt
from tests.support.committers import LOG, QUICK, ManualClock, make_writer
from tests.support.four_eyes import REQUEST, WHY, Desk, make_bench, make_twin
from tests.support.identities import ROOT
from tests.support.policies import four_eyes_policy, with_four_eyes
from tests.support.records import SERVICE
from tests.support.services import Bench

ROUNDS = 20
DEFAULT = (ROOT / "config/policy.yaml").read_text("utf-8")
BATCH = {"text": ["John", "Mary"], "language": "en"}


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


# --- another request ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Jane"},
        {"text": "John "},
        {"text": " John"},
        {"text": "John\u200b"},
        {"text": "J\u006fhn\n"},
        {"anonymizer_results": [{**REQUEST["anonymizer_results"][0], "end": 3}]},
        {"anonymizer_results": REQUEST["anonymizer_results"] * 2},
        {"deanonymizers": {"DEFAULT": {"type": "decrypt", "key": "WmZq4t7w!z%C&F)J"}}},
        {"deanonymizers": {"PERSON": {"type": "deanonymize_keep"}}},
        {"more": 1},
    ],
    ids=str,
)
def test_another_text_or_operator(desk: Desk, change: dict[str, Any]) -> None:
    """One request is approved: each character, span, operator and member of it."""
    name = desk.approved()
    assert refused(desk, name, {**REQUEST, **change}) == "approval_mismatch"
    assert desk.use(name).status == 200


def test_the_same_request_in_other_bytes(desk: Desk) -> None:
    """Spacing between JSON's values and the order of keys are not part of what is asked."""
    name = desk.approved()
    raw = json.dumps(dict(reversed(list(REQUEST.items()))), indent=3).encode()
    call = desk.bench.call(
        presidio.DEANONYMIZE, persona="reidentifier", raw=raw, headers={**WHY, "x-approval": name}
    )
    assert asyncio.run(call).status == 200


def test_another_purpose(desk: Desk) -> None:
    """What was approved for a customer is not approved for a court."""
    name = desk.approved()
    assert refused(desk, name, headers={**WHY, "x-purpose": "legal-obligation"}) == "approval_mismatch"


def test_another_caller(desk: Desk) -> None:
    """An approval is its asker's: a colleague with the same role cannot use it."""
    name = desk.approved()
    oid = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
    assert refused(desk, name, oid=oid, sub="x") == "approval_mismatch"
    assert desk.use(name, azp="99999999-9999-4999-8999-999999999999").status == 200


def test_another_order_or_operation() -> None:
    """Texts of a batch in another order, or under another operation, are another request."""
    bench = make_bench(policy=four_eyes_policy("pii.analyze", "pii.redact"))
    desk, roles = Desk(bench), ["Pii.Analyst", "Pii.Redactor"]
    try:
        name = desk.approved(BATCH, operation="pii.analyze", persona="engineer", roles=roles)
        headers = {**WHY, "x-approval": name}

        def send(operation: Any, body: Any) -> Any:
            return desk.send(operation, body, persona="engineer", roles=roles, headers=headers)

        for operation, body in (
            (presidio.ANALYZE, {**BATCH, "text": ["Mary", "John"]}),
            (presidio.ANALYZE, {**BATCH, "text": ["John"]}),
            (presidio.ANALYZE, {**BATCH, "entities": ["PERSON"]}),
            (presidio.ANALYZE, {**BATCH, "score_threshold": 0}),
            (presidio.REDACT, BATCH),
        ):
            assert send(operation, body).body["reason"] == "approval_mismatch"
        assert send(presidio.ANALYZE, BATCH).status == 200
    finally:
        bench.close()


def test_numbers_that_are_read_as_text(desk: Desk) -> None:
    """1 and 1.0 are one number in JSON, and two texts for Presidio: they are two requests."""
    bench = make_bench(policy=four_eyes_policy("pii.analyze"))
    desk = Desk(bench)
    try:
        request = {"text": 1, "language": "en"}
        name = desk.approved(request, operation="pii.analyze", persona="engineer")
        headers = {**WHY, "x-approval": name}
        other = desk.send(presidio.ANALYZE, {**request, "text": 1.0}, persona="engineer", headers=headers)
        assert other.body["reason"] == "approval_mismatch"
    finally:
        bench.close()


def test_another_policy(desk: Desk) -> None:
    """What was approved under other rules is neither decided about nor used under these."""
    asked, approved = desk.asked(), desk.approved()
    changed = desk.bench.policy.model_copy(update={"approval_minutes": 30})
    del changed.__dict__["digest"]  # pydantic copies what was computed before
    later = make_twin(desk.bench, policy=changed)
    try:
        assert later.policy.digest != desk.bench.policy.digest
        assert Desk(later).decide(asked).body["reason"] == "approval_mismatch"
        assert refused(Desk(later), approved) == "approval_mismatch"
    finally:
        later.close()


# --- time --------------------------------------------------------------------------------------------


def test_an_hour_and_not_longer(desk: Desk) -> None:
    """To the microsecond, for deciding and for using."""
    start = desk.bench.now
    used, late, undecided = desk.approved(), desk.approved(), desk.asked()
    desk.bench.now = start + timedelta(minutes=60) - timedelta(microseconds=1)
    assert desk.use(used).status == 200
    desk.bench.now = start + timedelta(minutes=60)
    assert refused(desk, late) == "approval_expired"
    assert desk.decide(undecided).body["reason"] == "approval_expired"
    assert desk.decide(late, yes=False).body["reason"] == "approval_expired"


@pytest.mark.parametrize(("ahead_s", "reason"), [(59, None), (61, "approval_mismatch")])
def test_asked_on_a_clock_that_is_ahead(desk: Desk, twin: Bench, ahead_s: int, reason: str | None) -> None:
    """A minute between two processes is forgiven, more is not: it was asked for in the future."""
    twin.now = desk.bench.now + timedelta(seconds=ahead_s)
    name = Desk(twin).approved()
    if reason is None:
        assert desk.use(name).status == 200
    else:
        assert refused(desk, name) == reason


def test_decided_on_a_clock_that_is_behind_or_ahead(desk: Desk, twin: Bench) -> None:
    """Long before the question, or after its end, nobody can decide about it."""
    for minutes, reason in ((-2, "approval_mismatch"), (61, "approval_expired")):
        name = desk.asked()
        twin.now = desk.bench.now + timedelta(minutes=minutes)
        assert Desk(twin).decide(name).body["reason"] == reason
        assert refused(desk, name) == "approval_pending"


def test_used_on_a_clock_that_is_ahead(desk: Desk, twin: Bench) -> None:
    """A clock that runs ahead ends it early, and not late."""
    name = desk.approved()
    twin.now = desk.bench.now + timedelta(minutes=61)
    assert refused(Desk(twin), name) == "approval_expired"


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


# --- names -------------------------------------------------------------------------------------------


TRICKS = (
    *("..", "../{0}", "{0}/..", "{0}/../../x", "{0}%2f0", "{0}.json", "{0}/", "/{0}", "{0}\\..", "{0}?x"),
    *("{0},{0}", "{0} {0}", "0{0}", "{0}0000000000000000000", "{0}-0", "v1/once/approval/{0}"),
    *("*", "\x00", "%", "{0}#", "{0}\x00", "{0}\r\nX-Ticket: INC-1"),
)


@pytest.mark.parametrize("trick", TRICKS)
def test_names_that_are_paths(desk: Desk, trick: str) -> None:
    """A name is a ULID and a number, and finds a record of the ledger or nothing."""
    assert refused(desk, trick.format(desk.approved())) == "approval_unknown"


@pytest.mark.parametrize("index", ["0", "2", "3", "4", "5", "999"])
def test_names_of_other_records(desk: Desk, index: str) -> None:
    """The genesis, a record of a call, a decision, one that is not there: nobody asked by these names."""
    writer, first = desk.approved().split("/")
    assert first == "1"
    assert refused(desk, f"{writer}/{index}") == "approval_unknown"


# --- forged objects ----------------------------------------------------------------------------------


def forget(desk: Desk) -> None:
    """As in a process that has just started."""
    proofs = desk.bench.path.conditions.approvals._proofs
    proofs._proven.clear()
    proofs._hints.clear()


def forge(desk: Desk, kind: ClaimKind, name: str, **members: str) -> None:
    claim = Claim(kind, name.replace("/", "-"), format_time(desk.bench.now), {"by": "x", **members})
    desk.bench.store.create(claim.path, claim.encode())


def test_a_forged_yes(desk: Desk) -> None:
    """An object that says `approved` without a record behind it counts for nothing, wherever it points."""
    other = desk.approved({**REQUEST, "text": "Jane"})
    writer = other.split("/")[0]
    for index in range(6):
        name = desk.asked()
        forge(desk, ClaimKind.APPROVED, name, record=f"{writer}/{index}")
        assert refused(desk, name) == "approval_mismatch"
    for nonsense in ("", "../x", f"{writer}/999", other):
        name = desk.asked()
        forge(desk, ClaimKind.APPROVED, name, record=nonsense)
        assert refused(desk, name) == "approval_mismatch"


@pytest.mark.parametrize("data", [b"", b"{}", b"\x00\xff", b'{"v":1}', b"[" * 5_000])
def test_claims_that_cannot_be_read(desk: Desk, data: bytes) -> None:
    """Junk in the place of a claim opens nothing: not as a yes, and as an end it is an end."""
    name = desk.asked()
    desk.bench.store.create(claim_path(ClaimKind.APPROVED, name.replace("/", "-")), data)
    assert refused(desk, name) == "approval_mismatch"
    assert [entry["state"] for entry in desk.open()] == ["approved"]
    ended = desk.approved()
    desk.bench.store.create(claim_path(ClaimKind.APPROVAL, ended.replace("/", "-")), data)
    assert refused(desk, ended) == "approval_used"
    assert desk.bench.engine.calls == []


def test_forged_questions(desk: Desk) -> None:
    """Objects among the open approvals that no record asked for are shown to nobody and decided by nobody."""
    name = desk.asked()
    writer = name.split("/")[0]
    for fake in (f"{writer}/0", f"{writer}/777", "01JD0000000000000000000009/1"):
        forge(desk, ClaimKind.OPEN_APPROVAL, fake, expires="2000-01-01T00:00:00.000000Z")
        assert desk.decide(fake).body["reason"] == "approval_unknown"
        assert refused(desk, fake) == "approval_unknown"
    assert [entry["approval"] for entry in desk.open()] == [name]
    assert desk.expire() == 0


def test_records_of_another_ledger(desk: Desk) -> None:
    """A whole log with a yes in it, under a key that the service's key does not vouch for: no yes."""
    name = desk.approved()
    yes = next(r for r in desk.bench.ledger.records if isinstance(r, ApprovalRecord) and r.step == "approved")
    foreign = Ed25519NoteKey(LOG, Ed25519PrivateKey.generate())
    service = SERVICE.model_copy(update={"writer": "01JD0000000000000000000009"})
    writer = make_writer(key=Ed25519PrivateKey.generate(), service=service)
    forger = Committer(desk.bench.store, writer, [foreign], ManualClock(), QUICK)
    forger.open()
    try:
        target = desk.asked()
        record = yes.model_copy(update={"approval": target})
        receipt = asyncio.run(forger.commit(record))
    finally:
        forger.close()
    assert receipt.proof is not None
    named = f"{receipt.writer}/{receipt.index}"
    forge(desk, ClaimKind.APPROVED, target, record=named, proof=receipt.proof.decode())
    assert refused(desk, target) == "approval_mismatch"
    forge(desk, ClaimKind.OPEN_APPROVAL, named, proof=receipt.proof.decode())
    assert refused(desk, named) == "approval_unknown"
    assert desk.use(name).status == 200


def test_a_proof_of_another_record(desk: Desk) -> None:
    """A proof that holds, for a record that says yes to something else, in the claim of this one."""
    other, target = desk.approved({**REQUEST, "text": "Jane"}), desk.asked()
    store = desk.bench.store
    proofs = [
        json.loads(store.read(claim_path(kind, other.replace("/", "-"))))["proof"]
        for kind in (ClaimKind.APPROVED, ClaimKind.OPEN_APPROVAL)
    ]
    forget(desk)
    writer = target.split("/")[0]
    for index in range(8):
        for proof in proofs:
            store.create(*_yes(target, f"{writer}/{index}", proof, format_time(desk.bench.now)))
            forget(desk)
            assert refused(desk, target) == "approval_mismatch"
            store.tamper_delete(claim_path(ClaimKind.APPROVED, target.replace("/", "-")))


def _yes(name: str, record: str, proof: str, time: str) -> tuple[str, bytes]:
    claim = Claim(
        ClaimKind.APPROVED, name.replace("/", "-"), time, {"by": "x", "record": record, "proof": proof}
    )
    return claim.path, claim.encode()


@pytest.mark.parametrize(
    "change",
    [
        {"approval": None},
        {"step": "requested"},
        {"step": "rejected"},
        {"operation": "pii.analyze"},
        {"purpose": "legal-obligation"},
        {"policy": "00" * 32},
        {"expires": "2099-01-01T00:00:00.000000Z"},
        {"time": "2001-01-01T00:00:00.000000Z"},
        {"time": "2099-01-01T00:00:00.000000Z"},
        {"who": None},
        {"roles": ("Pii.Reidentifier",)},
        {"roles": ()},
        {"kind": "app"},
        {"tenant": None},
    ],
    ids=str,
)
def test_a_yes_that_is_not_quite_one(desk: Desk, change: dict[str, Any]) -> None:
    """Each part of an `approved` record counts, even where this ledger itself holds it."""
    other, target = desk.approved(), desk.asked()
    yes = next(r for r in desk.bench.ledger.records if isinstance(r, ApprovalRecord) and r.step == "approved")
    record = yes.model_copy(update={"approval": target})
    assert yes.who is not None
    if change.keys() & {"roles", "kind", "tenant"}:
        change = {"who": yes.who.model_copy(update=change)}
    record = record.model_copy(update=change)
    receipt = asyncio.run(desk.bench.ledger.commit(record))
    assert receipt.proof is not None
    named = f"{receipt.writer}/{receipt.index}"
    forge(desk, ClaimKind.APPROVED, target, record=named, proof=receipt.proof.decode())
    forget(desk)
    assert refused(desk, target) == "approval_mismatch"
    assert desk.use(other).status == 200


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
