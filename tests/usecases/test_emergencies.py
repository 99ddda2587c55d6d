"""The emergency role: a window from its first use with a ticket, and what has to be said for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.records.canonical import format_time
from shared.records.model import AccessRecord, EmergencyRecord, IntentRecord
from shared.usecases import presidio
from shared.usecases.whoami import WHOAMI
from tests.support.emergencies import REASON, TEXT, emergencies, enter, reason
from tests.support.four_eyes import SECOND_WRITER
from tests.support.services import Bench
from tests.support.stores import FaultyStore, MemoryStore

HOURS = timedelta(hours=4)
BLINK = timedelta(microseconds=1)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def twin(bench: Bench) -> Iterator[Bench]:
    """Another process of the same service."""
    made = Bench(store=bench.store, now=bench.now, writer=SECOND_WRITER)
    yield made
    made.close()


# --- the window --------------------------------------------------------------------------------------


def test_the_first_use_opens_a_window(bench: Bench) -> None:
    """Who, which role and ticket, why, until when: recorded before the intent and before anything is run."""
    seen: list[int] = []
    original = bench.engine.analyze

    def spy(request: object, searched: object) -> object:
        seen.append(len(bench.ledger.records))
        return original(request, searched)  # type: ignore[arg-type]

    bench.engine.analyze = spy  # type: ignore[method-assign,assignment]
    assert enter(bench).status == 200
    emergency, intent, access = bench.ledger.records
    assert isinstance(emergency, EmergencyRecord)
    assert isinstance(intent, IntentRecord) and isinstance(access, AccessRecord)
    assert seen == [2]
    assert (emergency.role, emergency.ticket, emergency.purpose, emergency.justification) == (
        *("Pii.BreakGlass", "INC-4711", "incident-response"),
        REASON,
    )
    assert emergency.until == format_time(bench.now + HOURS)
    assert emergency.request_id == access.request_id
    assert intent.decision.ticket == access.decision.ticket == "INC-4711"


def test_later_uses_go_on_as_before(bench: Bench) -> None:
    """Within the window there is an intent and an outcome a call, and storage is not asked again."""
    first = enter(bench)
    before = list(bench.store.list("v1/once/"))
    bench.now += timedelta(hours=2)
    later = enter(bench)
    assert later.status == 200
    until = {answer.headers["X-Emergency-Until"] for answer in (first, later)}
    assert until == {emergencies(bench)[0].until}
    assert [type(r) for r in bench.ledger.records[-2:]] == [IntentRecord, AccessRecord]
    assert len(emergencies(bench)) == 1
    assert list(bench.store.list("v1/once/")) == before


def test_storage_is_asked_once() -> None:
    """A known window touches no storage beside the ledger's own writes."""
    store = MemoryStore()
    claims = FaultyStore(store, lambda *_: None)
    bench = Bench(store=store, claim_store=claims)
    try:
        enter(bench)
        asked = len(claims.operations)
        for _ in range(5):
            assert enter(bench).status == 200
        assert len(claims.operations) == asked
    finally:
        bench.close()


def test_four_hours_and_not_longer(bench: Bench, twin: Bench) -> None:
    """To the microsecond, in the process that opened it and in one that finds it."""
    start = bench.now
    enter(bench)
    for one in (bench, twin):
        one.now = start + HOURS - BLINK
        assert enter(one).status == 200
        one.now = start + HOURS
        assert reason(one) == "emergency_over"
        one.now = start + timedelta(days=30)
        assert reason(one) == "emergency_over"


def test_another_ticket_is_another_window(bench: Bench) -> None:
    """A new emergency has a new ticket, and its own four hours."""
    enter(bench)
    bench.now += HOURS
    assert enter(bench, "INC-4712").status == 200
    assert [record.ticket for record in emergencies(bench)] == ["INC-4711", "INC-4712"]


def test_three_windows_a_week(bench: Bench, twin: Bench) -> None:
    """Invented tickets do not renew for ever, in whatever process; those that are open stay open."""
    start = bench.now
    for number in range(3):
        assert enter(bench, f"INC-{number + 1}").status == 200
    for one in (bench, twin):
        assert reason(one, "INC-9") == "emergency_too_many"
        assert enter(one, "INC-1").status == 200
    bench.now = twin.now = start + timedelta(days=7) - BLINK
    assert reason(twin, "INC-9") == "emergency_too_many"
    bench.now = twin.now = start + timedelta(days=7)
    assert enter(twin, "INC-9").status == 200


def test_windows_are_a_person_s(bench: Bench) -> None:
    """One person's ticket and count are not another's; they are the same through another app or token."""
    other = {"oid": "cccccccc-cccc-4ccc-8ccc-cccccccccccc", "sub": "z"}
    for number in range(3):
        enter(bench, f"INC-{number + 1}")
    assert enter(bench, "INC-1", **other).status == 200
    answer = enter(bench, "INC-4", azp="99999999-9999-4999-8999-999999999999", uti="another")
    assert answer.body["reason"] == "emergency_too_many"


def test_lists_and_whoami_need_no_ticket(bench: Bench) -> None:
    """What needs no permission opens no window."""
    assert asyncio.run(bench.call(WHOAMI, persona="breakglass")).status == 200
    assert emergencies(bench) == []


# --- what has to be said -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ticket", "why"),
    [
        (None, "ticket_required"),
        (" ", "ticket_required"),
        ("John Smith", "ticket_malformed"),
        ("INC-4711 for john.smith@example.com", "ticket_malformed"),
        ("INC-2125550199", "ticket_malformed"),
        ("078-05-1120", "ticket_malformed"),
        ("inc-4711", "ticket_malformed"),
        ("INC-04711", "ticket_malformed"),
        ("HR-1", "ticket_malformed"),
    ],
)
def test_no_ticket_and_tickets_with_personal_data(bench: Bench, ticket: str | None, why: str) -> None:
    """Refused, and nothing of it is in the record or in the answer."""
    assert reason(bench, ticket) == why
    said = bench.ledger.records[-1].model_dump_json()
    assert ticket is None or not ticket.strip() or ticket not in said
    assert list(bench.store.list("v1/once/")) == []


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"x-ticket": "INC-1", "x-purpose": "incident-response"}, "justification_required"),
        ({"x-ticket": "INC-1", "x-justification": REASON}, "purpose_required"),
        (
            {"x-ticket": "INC-1", "x-justification": REASON, "x-purpose": "quality-assurance"},
            "purpose_forbidden",
        ),
    ],
)
def test_no_reason_no_window(bench: Bench, headers: dict[str, str], why: str) -> None:
    """Purpose, justification and ticket: all three, each time."""
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT, persona="breakglass", headers=headers))
    assert answer.body["reason"] == why
    assert list(bench.store.list("v1/once/")) == []


def test_a_ticket_of_another_role_is_recorded_and_opens_nothing(bench: Bench) -> None:
    """Whoever works on a ticket may name it."""
    answer = asyncio.run(bench.call(presidio.ANALYZE, TEXT, headers={"x-ticket": "INC-7"}))
    record = bench.ledger.records[-1]
    assert answer.status == 200 and isinstance(record, AccessRecord)
    assert "X-Emergency-Until" not in answer.headers
    assert record.decision.ticket == "INC-7"
    assert emergencies(bench) == []
