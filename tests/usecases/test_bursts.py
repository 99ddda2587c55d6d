"""Calls over a limit are recorded once a burst: its first call at once, all others when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from shared.errors import AuditUnavailable
from shared.records.model import BURST_ENDED, Record, RefusalsRecord, ServicePart, Where, Who
from shared.usecases import bursts
from shared.usecases.bursts import MAX_IDS, BurstCounter, LimitedCall, Pace
from shared.usecases.ports import Receipt

SERVICE = ServicePart(version="0", commit="test", writer="W")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SHORT = Pace(quiet_s=0.05, longest_s=60.0)


class ListLedger:
    """Keeps what is committed; fails so many times, and waits until it is let go."""

    def __init__(self) -> None:
        self.records: list[RefusalsRecord] = []
        self.failures = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def commit(self, record: Record) -> Receipt:
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise AuditUnavailable("away")
        assert isinstance(record, RefusalsRecord)
        self.records.append(record)
        return Receipt("W", len(self.records) - 1, "checkpoint")

    def is_writable(self) -> bool:
        return not self.failures


class HandClock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def make_call(
    number: int, principal: str = "p", operation: str = "pii.analyze", **who: object
) -> LimitedCall:
    address = who.pop("address", "192.0.2.1")
    fields = {"kind": "person", "tenant": "t", "principal": principal, "app": "a", "token_id": "u"} | who
    return LimitedCall(
        request_id=f"R{number}",
        operation=operation,
        received=NOW,
        who=Who.model_validate(fields),
        where=Where.model_validate({"address": address, "trace_id": "0" * 32}),
    )


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def play(scenario: Callable[[ListLedger, BurstCounter, HandClock], Awaitable[None]]) -> ListLedger:
    """A scenario on a clock that stands still, so that no burst ends by itself."""

    async def run() -> ListLedger:
        ledger, clock = ListLedger(), HandClock()
        await scenario(ledger, BurstCounter(ledger, "0" * 64, SERVICE, now_s=clock), clock)
        return ledger

    return asyncio.run(run())


def test_a_burst_is_two_records_that_add_up() -> None:
    """The first call has its record at once; one record at the end counts and names all the others."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        receipts = [await counter.commit(make_call(n)) for n in range(50)]
        assert len(ledger.records) == 1
        assert {receipt.index for receipt in receipts} == {0}
        clock.now += 5.0
        await counter.commit(make_call(50))
        await settle()

    first, ended, second = play(scenario).records
    assert (first.count, first.request_ids, first.reason) == (1, ("R0",), "rate_limited")
    assert (ended.count, ended.reason, ended.is_tally) == (49, BURST_ENDED, True)
    assert ended.request_ids == tuple(f"R{n}" for n in range(1, 50))
    assert (second.count, second.request_ids) == (1, ("R50",))
    for record in (first, ended, second):
        assert (record.status, record.code) == (429, "rate_limited")
        assert record.who is not None
        assert record.who.principal == "p"
    assert (first.where.trace_id, ended.where) == ("0" * 32, Where(address="192.0.2.1"))


def test_a_lone_call_leaves_one_record() -> None:
    """Where nothing followed there is nothing more to tell."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        await counter.commit(make_call(0))
        clock.now += 5.0
        await counter.commit(make_call(1))
        assert counter.end_all() == []
        await settle()

    assert [record.request_ids for record in play(scenario).records] == [("R0",), ("R1",)]


def test_a_burst_ends_by_itself() -> None:
    """With no further call at all, the last record follows soon after the last of the burst."""

    async def run() -> list[RefusalsRecord]:
        ledger = ListLedger()
        counter = BurstCounter(ledger, "0" * 64, SERVICE, SHORT)
        for number in range(10):
            await counter.commit(make_call(number))
        loop = asyncio.get_running_loop()
        until = loop.time() + 5.0
        while len(counter) and loop.time() < until:
            await asyncio.sleep(0.01)
        await settle()
        return ledger.records

    assert [record.count for record in asyncio.run(run())] == [1, 9]


def test_a_flood_that_lasts_is_told_of_every_minute() -> None:
    """A burst ends after a minute in any case, so that a killed process loses no more than that."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        for number in range(1_440):
            await counter.commit(make_call(number))
            clock.now += 0.125
        await settle()

    records = play(scenario).records
    assert [record.count for record in records] == [1, 479, 1, 479, 1]


def test_all_operations_of_a_caller_are_one_burst() -> None:
    """Alternating between operations makes no more records; each is counted by its name."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        for number in range(100):
            operation = "pii.analyze" if number % 2 else "catalog.read"
            await counter.commit(make_call(number, operation=operation))
        ledger.records += counter.end_all()

    first, ended = play(scenario).records
    assert first.operations == {"catalog.read": 1}
    assert ended.operations == {"catalog.read": 49, "pii.analyze": 50}


def test_callers_are_told_apart() -> None:
    """Two callers have two bursts; what differs within one caller's is not told."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        for number in range(3):
            await counter.commit(make_call(number, "one"))
        await counter.commit(make_call(3, "two"))
        await counter.commit(make_call(4, "one", token_id="v", app="b", address="192.0.2.2"))
        ledger.records += counter.end_all()

    ledger = play(scenario)
    assert [(r.count, r.who.principal) for r in ledger.records if r.who] == [
        (1, "one"),
        (1, "two"),
        (3, "one"),
    ]
    ended = ledger.records[-1]
    assert ended.who == Who(kind="person", tenant="t", principal="one")
    assert ended.where == Where()


def test_at_once_is_one_record() -> None:
    """Calls that come while the first record is on its way wait for that one and share its name."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        ledger.gate.clear()
        tasks = [asyncio.create_task(counter.commit(make_call(n))) for n in range(300)]
        await settle()
        assert not any(task.done() for task in tasks), "answered before its record stands"
        clock.now += 3_600.0
        ledger.gate.set()
        assert {receipt.index for receipt in await asyncio.gather(*tasks)} == {0}
        ledger.records += counter.end_all()

    assert [record.count for record in play(scenario).records] == [1, 299]


def test_without_the_first_record_nobody_is_answered() -> None:
    """All who waited hear that the record is not stored; the ledger hears of each as a 503."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        ledger.failures = 1
        ledger.gate.clear()
        tasks = [asyncio.create_task(counter.commit(make_call(n))) for n in range(20)]
        await settle()
        ledger.gate.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, AuditUnavailable) for outcome in outcomes)
        await settle()
        assert len(counter) == 0
        await counter.commit(make_call(20))

    # the first call's own record is the committer's to rewrite: it was handed over
    rest, fresh = play(scenario).records
    assert (rest.count, rest.status, rest.code, rest.is_tally) == (19, 503, "audit_unavailable", False)
    assert (fresh.count, fresh.request_ids) == (1, ("R20",))


def test_storage_that_goes_away_within_a_burst() -> None:
    """Later calls have the first record behind them and are answered; the last record waits for storage."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        await counter.commit(make_call(0))
        ledger.gate.clear()
        for number in range(1, 30):
            assert (await counter.commit(make_call(number))).index == 0
        clock.now += 5.0
        waiting = asyncio.create_task(counter.commit(make_call(30)))
        await settle()
        assert not waiting.done()
        ledger.gate.set()
        await waiting
        await settle()

    assert sorted(record.count for record in play(scenario).records) == [1, 1, 29]


def test_a_caller_who_leaves_changes_nothing() -> None:
    """Cancelling the first call leaves its record, and the others' answers, alone."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        ledger.gate.clear()
        tasks = [asyncio.create_task(counter.commit(make_call(n))) for n in range(5)]
        await settle()
        tasks[0].cancel()
        ledger.gate.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(outcomes[0], asyncio.CancelledError)
        assert all(isinstance(outcome, Receipt) for outcome in outcomes[1:])
        ledger.records += counter.end_all()

    assert [record.count for record in play(scenario).records] == [1, 4]


def test_a_record_names_a_thousand_and_counts_the_rest() -> None:
    """No record and no burst grows with the flood."""

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        for number in range(3_000):
            await counter.commit(make_call(number))
        ledger.records += counter.end_all()

    _, ended = play(scenario).records
    assert (ended.count, len(ended.request_ids)) == (2_999, MAX_IDS)


def test_memory_is_bounded_however_many_callers_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bounds the oldest burst ends early and ids are counted only; no call is lost."""
    monkeypatch.setattr(bursts, "MAX_BURSTS", 50)
    monkeypatch.setattr(bursts, "MAX_ALL_IDS", 60)

    async def scenario(ledger: ListLedger, counter: BurstCounter, clock: HandClock) -> None:
        for number in range(200):
            for repeated in range(3):
                await counter.commit(make_call(3 * number + repeated, f"p{number}"))
            assert len(counter) <= 50
            assert counter.kept_ids <= 60
        await settle()
        ledger.records += counter.end_all()

    records = play(scenario).records
    assert sum(record.count for record in records) == 600
    assert len(records) == 400


def test_ending_all_is_done_once() -> None:
    """A burst is told of by whoever ends it first: the stopping service or its own time."""

    async def run() -> list[RefusalsRecord]:
        ledger = ListLedger()
        counter = BurstCounter(ledger, "0" * 64, SERVICE, SHORT)
        for number in range(10):
            await counter.commit(make_call(number))
        ledger.records += await asyncio.to_thread(counter.end_all)
        assert counter.end_all() == []
        await asyncio.sleep(0.1)
        return ledger.records

    assert [record.count for record in asyncio.run(run())] == [1, 9]
