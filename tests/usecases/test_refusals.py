"""Refusals of unknown callers are counted together, and each is answered only after its record is stored."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from shared.errors import AuditUnavailable
from shared.records.model import Record, RefusalsRecord, ServicePart, Where
from shared.usecases.ports import Receipt
from shared.usecases.refusals import MAX_IDS, MAX_SOURCES, Refusal, RefusalCounter

SERVICE = ServicePart(version="0", commit="test", writer="W")
NOW = datetime(2026, 11, 24, tzinfo=UTC)


class ListLedger:
    """Keeps what is committed; can be told to fail."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.is_away = False

    async def commit(self, record: Record) -> Receipt:
        await asyncio.sleep(0)
        if self.is_away:
            raise AuditUnavailable("away")
        self.records.append(record)
        return Receipt("W", len(self.records) - 1, "checkpoint")

    def is_writable(self) -> bool:
        return not self.is_away


def make_refusal(number: int, address: str | None = "192.0.2.1", reason: str = "missing") -> Refusal:
    return Refusal(
        request_id=f"R{number}",
        operation="pii.analyze",
        received=NOW,
        where=Where(address=address),
        reason=reason,
        status=401,
        code="invalid_token",
    )


def make_counter(ledger: ListLedger) -> RefusalCounter:
    return RefusalCounter(ledger, lambda: NOW, "0" * 64, SERVICE)


def refusals_of(ledger: ListLedger) -> list[RefusalsRecord]:
    return [record for record in ledger.records if isinstance(record, RefusalsRecord)]


def test_a_lone_refusal_is_recorded_at_once_with_its_own_place() -> None:
    """The first refusal of a source does not wait for a window."""

    async def scenario() -> tuple[float, ListLedger]:
        ledger = ListLedger()
        loop = asyncio.get_running_loop()
        started = loop.time()
        await make_counter(ledger).commit(make_refusal(1))
        return loop.time() - started, ledger

    took_s, ledger = asyncio.run(scenario())
    assert took_s < 0.5
    assert [(r.count, r.request_ids, r.where.address) for r in refusals_of(ledger)] == [
        (1, ("R1",), "192.0.2.1")
    ]


def test_a_flood_becomes_few_records_that_name_every_request() -> None:
    """2,500 refusals of one source make at most one record a thousand, and one for the first."""

    async def scenario() -> tuple[list[Receipt], ListLedger]:
        ledger = ListLedger()
        counter = make_counter(ledger)
        receipts = await asyncio.gather(*(counter.commit(make_refusal(n)) for n in range(2_500)))
        return list(receipts), ledger

    receipts, ledger = asyncio.run(scenario())
    records = refusals_of(ledger)
    assert [record.count for record in records] == [1, MAX_IDS, MAX_IDS, 499]
    named = [request_id for record in records for request_id in record.request_ids]
    assert sorted(named) == sorted(f"R{n}" for n in range(2_500))
    for number, receipt in enumerate(receipts):
        assert f"R{number}" in records[receipt.index].request_ids


def test_refusals_one_after_the_other_wait_little() -> None:
    """Whoever awaits each answer before the next attempt is told quickly, and leaves a record each time."""

    async def scenario() -> tuple[float, ListLedger]:
        ledger = ListLedger()
        counter = make_counter(ledger)
        started = asyncio.get_running_loop().time()
        for number in range(10):
            await counter.commit(make_refusal(number))
        return asyncio.get_running_loop().time() - started, ledger

    took_s, ledger = asyncio.run(scenario())
    assert took_s < 2.0
    assert [record.count for record in refusals_of(ledger)] == [1] * 10


def test_a_lasting_flood_makes_about_one_record_a_second() -> None:
    """Forty callers who never stop share records; the windows grow to a second."""

    async def scenario() -> ListLedger:
        ledger = ListLedger()
        counter = make_counter(ledger)
        loop = asyncio.get_running_loop()
        until = loop.time() + 3.5

        async def attacker(number: int) -> None:
            while loop.time() < until:
                await counter.commit(make_refusal(number))

        await asyncio.gather(*(attacker(number) for number in range(40)))
        return ledger

    records = refusals_of(asyncio.run(scenario()))
    assert len(records) <= 8
    assert sum(record.count for record in records) > 100


def test_sources_and_reasons_are_told_apart() -> None:
    """One address' flood does not swallow another's refusal, nor another reason."""

    async def scenario() -> ListLedger:
        ledger = ListLedger()
        counter = make_counter(ledger)
        await asyncio.gather(
            counter.commit(make_refusal(1)),
            counter.commit(make_refusal(2, address="192.0.2.2")),
            counter.commit(make_refusal(3, reason="expired")),
        )
        return ledger

    places = {(r.where.address, r.reason) for r in refusals_of(asyncio.run(scenario()))}
    assert places == {("192.0.2.1", "missing"), ("192.0.2.2", "missing"), ("192.0.2.1", "expired")}


def test_an_ipv6_subscriber_is_one_source() -> None:
    """Addresses of one /64 share a window: an attacker with 2**64 of them gets no more records."""

    async def scenario() -> ListLedger:
        ledger = ListLedger()
        counter = make_counter(ledger)
        addresses = [f"2001:db8::{number:x}" for number in range(1, 50)]
        await asyncio.gather(*(counter.commit(make_refusal(n, a)) for n, a in enumerate(addresses)))
        return ledger

    counts = [record.count for record in refusals_of(asyncio.run(scenario()))]
    assert counts == [1, 48]


def test_memory_is_bounded_however_many_addresses_refuse() -> None:
    """Beyond the bound, sources share one window and one record."""

    async def scenario() -> ListLedger:
        ledger = ListLedger()
        counter = make_counter(ledger)
        addresses = [f"10.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(MAX_SOURCES + 500)]
        await asyncio.gather(*(counter.commit(make_refusal(n, a)) for n, a in enumerate(addresses)))
        return ledger

    records = refusals_of(asyncio.run(scenario()))
    assert len(records) == MAX_SOURCES + 2
    assert [r.count for r in records if r.where.address is None] == [499]


def test_everyone_who_waits_hears_that_storage_is_away() -> None:
    """A commit that fails fails for each refusal that it counted: none is answered without a record."""

    async def scenario() -> list[object]:
        ledger = ListLedger()
        ledger.is_away = True
        counter = make_counter(ledger)
        waiting = (counter.commit(make_refusal(n)) for n in range(20))
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    outcomes = asyncio.run(scenario())
    assert len(outcomes) == 20
    assert all(isinstance(outcome, AuditUnavailable) for outcome in outcomes)


def test_one_caller_who_leaves_does_not_take_the_record_of_the_others() -> None:
    """Cancelling one waiting refusal leaves the shared record and the other waiters alone."""

    async def scenario() -> ListLedger:
        ledger = ListLedger()
        counter = make_counter(ledger)
        tasks = [asyncio.create_task(counter.commit(make_refusal(n))) for n in range(5)]
        await asyncio.sleep(0.05)
        tasks[2].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[2]
        await asyncio.gather(*(task for number, task in enumerate(tasks) if number != 2))
        return ledger

    assert [record.count for record in refusals_of(asyncio.run(scenario()))] == [1, 4]
