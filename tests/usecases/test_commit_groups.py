"""Many records in one commit, many commits in one segment: how they are grouped, and when a segment ends."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace

from shared.ledger.segments import MAX_COMMIT_BYTES, SegmentLimits
from shared.usecases.commits.observing import CommitCounts
from shared.usecases.commits.queue import Linger
from tests.support.committers import (
    LOG,
    QUICK,
    SERVICE_KEY,
    WRITER,
    ManualClock,
    make_committer,
    numbered_record,
)
from tests.support.records import access_record
from tests.support.rereading import Reread, reread_log
from tests.support.stores import Fault, FaultyStore, MemoryStore, at_operation


def reread(store: MemoryStore) -> Reread:
    return reread_log(store, LOG, WRITER, SERVICE_KEY.vkey)


def test_what_waits_goes_into_one_commit() -> None:
    """While an append is under way, records gather; the next append takes them all."""
    hold = threading.Event()
    inner = MemoryStore()
    store = FaultyStore(inner, at_operation(1, Fault(hold=hold), "append"))
    ledger = make_committer(store)
    ledger.open()

    async def scenario() -> None:
        first = asyncio.create_task(ledger.commit(numbered_record(0)))
        await _until(lambda: store.operations.count(("append", store.operations[-1][1])) == 2)
        rest = [asyncio.create_task(ledger.commit(numbered_record(n))) for n in range(1, 101)]
        await asyncio.sleep(0)
        hold.set()
        await asyncio.gather(first, *rest)

    asyncio.run(scenario())
    ledger.close()
    assert reread(inner).sizes == [1, 2, 102, 103]


async def _until(condition: object, limit_s: float = 5.0) -> None:
    until = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "waited in vain"
        await asyncio.sleep(0.001)


def test_a_lone_call_never_waits_for_company() -> None:
    """With a commit delay of ten seconds, a call with no others in flight is committed at once."""
    store = MemoryStore()
    options = replace(QUICK, linger=Linger(delay_ms=10_000, siblings=1))
    ledger = make_committer(store, options, calls_in_flight=lambda: 1)
    ledger.open()
    started = time.monotonic()
    asyncio.run(ledger.commit(numbered_record(0)))
    assert time.monotonic() - started < 3.0
    ledger.close()


def test_a_commit_waits_for_calls_in_flight_and_no_longer() -> None:
    """It leaves as soon as fewer than `siblings` calls are still on their way, without using up its delay."""
    store = MemoryStore()
    in_flight = 20
    options = replace(QUICK, linger=Linger(delay_ms=10_000, siblings=1))
    ledger = make_committer(store, options, calls_in_flight=lambda: in_flight)
    ledger.open()

    async def one_after_the_other() -> None:
        tasks = []
        for number in range(20):
            tasks.append(asyncio.create_task(ledger.commit(numbered_record(number))))
            await asyncio.sleep(0.002)
        await asyncio.gather(*tasks)

    started = time.monotonic()
    asyncio.run(one_after_the_other())
    assert time.monotonic() - started < 5.0
    in_flight = 0
    ledger.close()
    assert reread(store).sizes == [1, 21, 22]


def test_company_that_never_comes_is_waited_for_only_so_long() -> None:
    """Calls in flight that bring no record cost a commit its delay, not more."""
    store = MemoryStore()
    options = replace(QUICK, linger=Linger(delay_ms=60, siblings=1))
    ledger = make_committer(store, options, calls_in_flight=lambda: 9)
    ledger.open()
    started = time.monotonic()
    asyncio.run(ledger.commit(numbered_record(0)))
    assert 0.05 < time.monotonic() - started < 3.0
    ledger.close()


def test_commits_stay_below_4_mib() -> None:
    """However much waits, no commit is larger than one block may be."""
    hold = threading.Event()
    inner = MemoryStore()
    counts = CommitCounts()
    ledger = make_committer(FaultyStore(inner, at_operation(1, Fault(hold=hold), "append")), observer=counts)
    ledger.open()
    words = {f"ENTITY_{n:05d}_{'X' * 40}": n for n in range(900)}
    record = access_record()
    large = record.model_copy(update={"what": record.what.model_copy(update={"entities_found": words})})

    async def scenario() -> None:
        tasks = [asyncio.create_task(ledger.commit(large)) for _ in range(150)]
        await asyncio.sleep(0.01)
        hold.set()
        await asyncio.gather(*tasks)

    asyncio.run(scenario())
    ledger.close()
    stored = reread(inner)
    assert len(stored.records) == 152
    data = b"".join(inner.read(item.path) for item in inner.list(""))
    assert len(data) > MAX_COMMIT_BYTES
    assert len(stored.sizes) >= 4


def test_a_segment_ends_after_its_number_of_commits() -> None:
    """The next segment goes on where the last one ended."""
    store = MemoryStore()
    ledger = make_committer(store, replace(QUICK, segments=SegmentLimits(commits=3)))
    ledger.open()
    for number in range(7):
        asyncio.run(ledger.commit(numbered_record(number)))
    ledger.close()
    assert len(list(store.list(""))) == 3
    assert reread(store).sizes == list(range(1, 10))


def test_a_segment_ends_before_it_grows_too_large() -> None:
    """No segment exceeds its limit of bytes."""
    store = MemoryStore()
    ledger = make_committer(store, replace(QUICK, segments=SegmentLimits(size_bytes=6_000)))
    ledger.open()
    for number in range(9):
        asyncio.run(ledger.commit(numbered_record(number)))
    ledger.close()
    assert all(item.size <= 6_000 for item in store.list(""))
    assert len(reread(store).records) == 11


def test_a_segment_ends_after_an_hour() -> None:
    """The first commit after an hour opens the next; an idle writer opens none."""
    store, clock = MemoryStore(), ManualClock()
    ledger = make_committer(store, clock=clock)
    ledger.open()
    asyncio.run(ledger.commit(numbered_record(0)))
    clock.advance(seconds=3_599)
    asyncio.run(ledger.commit(numbered_record(1)))
    clock.advance(seconds=1)
    assert len(list(store.list(""))) == 1
    asyncio.run(ledger.commit(numbered_record(2)))
    assert len(list(store.list(""))) == 2
    ledger.close()
    assert len(reread(store).records) == 5
