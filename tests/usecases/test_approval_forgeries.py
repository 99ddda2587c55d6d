"""Names that are none, and objects in storage that nobody of this service put there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.ledger.notes import Ed25519NoteKey
from shared.ledger.sideobjects import Claim, ClaimKind, claim_path
from shared.records.canonical import format_time
from shared.records.model import ApprovalRecord
from shared.usecases.commits.committing import Committer
from tests.support.committers import LOG, QUICK, ManualClock, make_writer
from tests.support.four_eyes import REQUEST, Desk, make_bench, refused
from tests.support.records import SERVICE
from tests.support.services import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = make_bench()
    yield made
    made.close()


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk(bench)


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
