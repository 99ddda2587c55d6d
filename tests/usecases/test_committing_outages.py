"""The committer while storage is away: callers are told in time, memory is bounded, and it recovers."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import tracemalloc
from collections import Counter
from dataclasses import replace

import pytest

from shared.errors import AuditUnavailable, ObjectMissing
from shared.records.model import BURST_ENDED
from shared.usecases.commits.committing import Committer
from shared.usecases.commits.observing import CommitCounts
from shared.usecases.commits.queue import QueueLimits
from shared.usecases.ports import Receipt
from tests.support.accounts import Outcomes, check_account, reread
from tests.support.committers import QUICK, commit_all, make_committer, numbered_record, wait_until
from tests.support.records import EVERY_TYPE
from tests.support.stores import UNKNOWN, Fault, FaultyStore, MemoryStore

INTENT = next(record for record in EVERY_TYPE if record.type == "intent")
REFUSALS = next(record for record in EVERY_TYPE if record.type == "refusals")


class Stall:
    """Storage that accepts everything and answers nothing, until it is let go."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self._is_holding = threading.Event()

    def __call__(self, name: str, path: str) -> Fault:
        if not self.free.is_set():
            self._is_holding.set()
        return Fault(hold=self.free)

    async def holds(self) -> None:
        """Return once an operation is held, so that its records are under way."""
        assert await asyncio.to_thread(self._is_holding.wait, 5.0), "nothing was written"


def test_stalled_storage_costs_a_caller_the_deadline_and_no_more() -> None:
    """Callers are told in time; when storage answers again, the ledger tells what became of each."""
    stall, inner = Stall(), MemoryStore()
    ledger = make_committer(FaultyStore(inner, stall), replace(QUICK, deadline_ms=300))
    ledger.open()
    stall.free.clear()
    records = [numbered_record(number) for number in range(40)]

    async def scenario() -> tuple[list[Receipt | AuditUnavailable], float]:
        started = time.monotonic()
        first = asyncio.create_task(commit_all(ledger, records[:1]))
        await stall.holds()
        rest = await commit_all(ledger, records[1:])
        took = time.monotonic() - started
        return [*await first, *rest], took

    outcomes, took = asyncio.run(scenario())
    assert 0.25 < took < 2.0  # 39 deadlines one after the other would be twelve seconds
    assert all(isinstance(outcome, AuditUnavailable) for outcome in outcomes)
    assert not ledger.is_writable()
    stall.free.set()
    wait_until(ledger.is_writable)
    assert isinstance(asyncio.run(ledger.commit(numbered_record(99))), Receipt)
    assert ledger.is_writable()
    assert ledger.close()
    log = reread(inner)
    by_request = {line["request_id"]: line for line in log.records if line["type"] == "access"}
    first = by_request.pop(f"01JD{0:022d}")
    assert first["outcome"]["status"] == 200
    assert [line["records"] for line in log.records if line["type"] == "withheld"] == [[first["seq"]]]
    by_request.pop(f"01JD{99:022d}")
    assert len(by_request) == 39
    for line in by_request.values():
        assert line["outcome"]["status"] == 503
        assert line["outcome"]["code"] == "audit_unavailable"
        assert line["outcome"]["total_us"] >= 12_345 + 250_000
        assert line["what"]["entities_released"] == {}
        assert line["what"]["output_chars"] == 0
        assert line["what"]["entities_found"] == {"EMAIL_ADDRESS": 2, "PERSON": 3}


def test_once_storage_is_known_to_be_away_callers_are_told_at_once() -> None:
    """After a whole deadline without storage nobody waits for another; each call is recorded all the same."""
    stall, inner = Stall(), MemoryStore()
    ledger = make_committer(FaultyStore(inner, stall), replace(QUICK, deadline_ms=1_000))
    ledger.open()
    stall.free.clear()
    records = [numbered_record(number) for number in range(20)]

    async def scenario() -> tuple[list[Receipt | AuditUnavailable], float]:
        outcomes = await commit_all(ledger, records[:1])
        await asyncio.sleep(0.02)
        started = time.monotonic()
        outcomes += await commit_all(ledger, records[1:])
        return outcomes, time.monotonic() - started

    outcomes, took = asyncio.run(scenario())
    assert took < 0.8
    stall.free.set()
    assert ledger.close()
    check_account(inner, records, outcomes, closed=True)


def test_refusals_and_intents_are_accounted_for_in_their_own_way() -> None:
    """Counted refusals become 503s or withheld; an intent stays what it is, its call's outcome follows."""
    stall, inner = Stall(), MemoryStore()
    ledger = make_committer(FaultyStore(inner, stall), replace(QUICK, deadline_ms=60))
    ledger.open()
    stall.free.clear()

    async def scenario() -> None:
        first = asyncio.create_task(commit_all(ledger, [INTENT, REFUSALS]))
        await stall.holds()
        await commit_all(ledger, [INTENT, REFUSALS])
        await first

    asyncio.run(scenario())
    stall.free.set()
    assert ledger.close()
    lines = reread(inner).records
    assert Counter(line["type"] for line in lines) == {
        "genesis": 1,
        "intent": 2,
        "refusals": 2,
        "withheld": 1,
        "closed": 1,
    }
    early, late = (line for line in lines if line["type"] == "refusals")
    withheld = next(line for line in lines if line["type"] == "withheld")
    assert (early["status"], late["status"], late["code"]) == (401, 503, "audit_unavailable")
    assert withheld["records"] == [early["seq"]]


def test_the_tally_of_a_burst_stays_as_it_is() -> None:
    """Its calls were answered 429 before it was written: however late it is stored, nothing was kept back."""
    stall, inner = Stall(), MemoryStore()
    ledger = make_committer(FaultyStore(inner, stall), replace(QUICK, deadline_ms=60))
    ledger.open()
    stall.free.clear()
    tally = REFUSALS.model_copy(update={"reason": BURST_ENDED, "status": 429, "code": "rate_limited"})

    async def scenario() -> None:
        first = asyncio.create_task(commit_all(ledger, [tally]))
        await stall.holds()
        await commit_all(ledger, [tally])
        await first

    asyncio.run(scenario())
    stall.free.set()
    assert ledger.close()
    lines = reread(inner).records
    assert [line["type"] for line in lines] == ["genesis", "refusals", "refusals", "closed"]
    assert {(line["status"], line["code"]) for line in lines[1:3]} == {(429, "rate_limited")}


def test_a_flood_while_storage_is_away_stays_in_bounds() -> None:
    """Memory is bounded by the queue; calls beyond it are refused at once and counted."""
    stall, inner = Stall(), MemoryStore()
    counts = CommitCounts()
    limits = QueueLimits(records=500, size_bytes=16 * 1024 * 1024)
    ledger = make_committer(
        FaultyStore(inner, stall), replace(QUICK, deadline_ms=40, queue=limits), observer=counts
    )
    ledger.open()
    stall.free.clear()
    records = [numbered_record(number) for number in range(2_500)]

    async def flood() -> list[Receipt | AuditUnavailable]:
        outcomes: list[Receipt | AuditUnavailable] = []
        for start in range(0, 2_500, 100):
            outcomes += await commit_all(ledger, records[start : start + 100])
        return outcomes

    gc.collect()
    tracemalloc.start()
    try:
        outcomes = asyncio.run(flood())
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 12 * 1024 * 1024, f"{held} bytes are held for 500 records"
    stall.free.set()
    assert ledger.close()
    log = check_account(inner, records, outcomes, closed=True)
    gap = [line for line in log.records if line["type"] == "gap"]
    assert sum(line["count"] for line in gap) >= 1_900
    assert counts.unrecorded["not_kept"] == sum(line["count"] for line in gap)


def test_large_records_fill_the_queue_by_their_bytes() -> None:
    """The queue is bounded in bytes too."""
    stall, inner = Stall(), MemoryStore()
    limits = QueueLimits(records=4_096, size_bytes=100_000)
    ledger = make_committer(FaultyStore(inner, stall), replace(QUICK, deadline_ms=40, queue=limits))
    ledger.open()
    stall.free.clear()
    records = [numbered_record(number) for number in range(300)]
    outcomes = asyncio.run(commit_all(ledger, records))
    stall.free.set()
    assert ledger.close()
    log = check_account(inner, records, outcomes, closed=True)
    assert sum(line["count"] for line in log.records if line["type"] == "gap") > 150


def test_the_service_recovers_by_itself() -> None:
    """Storage goes away and comes back, twice: no restart, no lost and no doubled record."""
    away = False
    inner = MemoryStore()
    ledger = make_committer(
        FaultyStore(inner, lambda *_: Fault(before=UNKNOWN) if away else None),
        replace(QUICK, deadline_ms=250),
    )
    ledger.open()
    records = [numbered_record(number) for number in range(60)]
    outcomes: list[Receipt | AuditUnavailable] = []
    for turn in range(6):
        away = turn % 2 == 1
        if not away:
            wait_until(ledger.is_writable)
        outcomes += asyncio.run(commit_all(ledger, records[turn * 10 : turn * 10 + 10]))
        assert ledger.is_writable() is not away
    away = False
    assert ledger.close()
    check_account(inner, records, outcomes, closed=True)
    assert sum(isinstance(outcome, Receipt) for outcome in outcomes) >= 20


def test_closing_while_storage_is_away_ends_in_time() -> None:
    """It does not hang; whoever waits is told, and the log ends as after a crash."""
    away = False
    inner = MemoryStore()
    options = replace(QUICK, close_timeout_ms=150)
    ledger = make_committer(FaultyStore(inner, lambda *_: Fault(before=UNKNOWN) if away else None), options)
    ledger.open()
    away = True
    records = [numbered_record(number) for number in range(3)]

    async def scenario() -> tuple[Outcomes, float, bool]:
        waiting = asyncio.create_task(commit_all(ledger, records))
        await asyncio.sleep(0.02)
        started = time.monotonic()
        closed = await asyncio.to_thread(ledger.close)
        outcomes = await waiting
        return outcomes, time.monotonic() - started, closed

    outcomes, took, closed = asyncio.run(scenario())
    assert not closed
    assert took < 3.0
    assert all(isinstance(outcome, AuditUnavailable) for outcome in outcomes)
    assert [line["type"] for line in reread(inner).records] == ["genesis"]


def test_closing_while_storage_stalls_ends_in_time() -> None:
    """An append that never returns does not hold up the end of the process."""
    stall, inner = Stall(), MemoryStore()
    ledger = make_committer(FaultyStore(inner, stall), replace(QUICK, close_timeout_ms=100, deadline_ms=60))
    ledger.open()
    stall.free.clear()
    asyncio.run(commit_all(ledger, [numbered_record(0)]))
    started = time.monotonic()
    assert not ledger.close()
    assert time.monotonic() - started < 3.0
    stall.free.set()


def test_a_container_that_disappears_is_waited_for() -> None:
    """Even that is not the end: when it is back, the log goes on in a new segment."""
    inner = MemoryStore()
    gone = False
    ledger = make_committer(
        FaultyStore(inner, lambda *_: Fault(before=ObjectMissing("no container")) if gone else None),
        replace(QUICK, deadline_ms=60),
    )
    ledger.open()
    gone = True
    assert isinstance(asyncio.run(commit_all(ledger, [numbered_record(0)]))[0], AuditUnavailable)
    gone = False
    wait_until(ledger.is_writable)
    assert isinstance(asyncio.run(ledger.commit(numbered_record(1))), Receipt)
    assert ledger.close()
    assert [item.path[-12:] for item in inner.list("")] == ["00000000.seg", "00000001.seg"]
    assert len(reread(inner).records) == 5


def test_a_defect_of_the_committer_refuses_everything(caplog: pytest.LogCaptureFixture) -> None:
    """Where the committer itself fails, callers are told, and nothing is answered as stored."""
    ledger: Committer = make_committer(MemoryStore())
    ledger.open()

    def broken(items: object) -> None:
        raise RuntimeError("secret text")

    ledger._loop.stage = broken  # type: ignore[method-assign, assignment]

    async def refused_twice() -> None:
        with pytest.raises(AuditUnavailable):
            await ledger.commit(numbered_record(0))
        assert not ledger.is_writable()
        with pytest.raises(AuditUnavailable, match="not open"):
            await ledger.commit(numbered_record(1))

    asyncio.run(refused_twice())
    assert not ledger.close()
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text
