"""Other requests under an approved name, and other times: one request is approved, for an hour."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from shared.usecases import presidio
from tests.support.four_eyes import REQUEST, WHY, Desk, make_bench, make_twin, refused
from tests.support.identities import ROOT
from tests.support.policies import four_eyes_policy
from tests.support.services import Bench

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
