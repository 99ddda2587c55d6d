"""The committer on storage that fails: each record once, or its caller was told and the ledger says so."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import (
    AuditUnavailable,
    ObjectMissing,
    PositionMismatch,
    StoreDenied,
    StoreError,
)
from shared.ledger.segments import SegmentLimits
from shared.records.model import Record
from shared.usecases.commit_observing import CommitCounts
from shared.usecases.commit_queue import QueueLimits
from shared.usecases.committing import Committer
from shared.usecases.ports import Receipt
from tests.support.committers import (
    LOG,
    QUICK,
    SERVICE_KEY,
    WRITER,
    commit_all,
    make_committer,
    numbered_record,
    wait_until,
)
from tests.support.records import EVERY_TYPE
from tests.support.rereading import Reread, reread_log
from tests.support.stores import UNKNOWN, Fault, FaultyStore, MemoryStore, Script, at_operation, in_turn

INTENT = next(record for record in EVERY_TYPE if record.type == "intent")
REFUSALS = next(record for record in EVERY_TYPE if record.type == "refusals")
HASTY = replace(QUICK, deadline_ms=30, open_timeout_ms=30, close_timeout_ms=30)

type Outcomes = Sequence[Receipt | AuditUnavailable]


def reread(store: MemoryStore) -> Reread:
    return reread_log(store, LOG, WRITER, SERVICE_KEY.vkey, tolerate_foreign=True)


def check_account(
    store: MemoryStore, records: Sequence[Record], outcomes: Outcomes, *, closed: bool
) -> Reread:
    """Every call is in the ledger as it was answered: once as 200, once as 503, withheld, or counted."""
    log = reread(store)
    stored = {line["seq"]: line for line in log.records if line["type"] == "access"}
    places: dict[str, list[int]] = {}
    for seq, line in stored.items():
        places.setdefault(line["request_id"], []).append(seq)
    named = [seq for line in log.records if line["type"] == "withheld" for seq in line["records"]]
    counted = sum(line["count"] for line in log.records if line["type"] == "gap")
    missing = 0
    for record, outcome in zip(records, outcomes, strict=True):
        found = places.pop(record.request_id, [])  # type: ignore[union-attr]
        assert len(found) <= 1, "a record stands in the log twice"
        if isinstance(outcome, Receipt):
            assert found == [outcome.index]
            assert stored[outcome.index]["outcome"]["status"] == 200
            assert outcome.index not in named
            assert outcome.checkpoint.encode() in log.notes
        elif found and closed:
            answered = stored[found[0]]["outcome"]["status"]
            assert (answered == 200) == (found[0] in named)
            assert answered in (200, 503)
        else:
            missing += 1
    assert not places, "records that nobody submitted"
    assert len(named) == len(set(named))
    if closed:
        assert missing == counted
        assert log.records[-1]["type"] == "closed"
    return log


def run(
    script: Script | Callable[[MemoryStore], Script], commits: int = 5, options: object = None
) -> tuple[MemoryStore, list[Record], Outcomes, bool, FaultyStore]:
    """Open, commit in several rounds with rotations, close."""
    inner = MemoryStore()
    store = FaultyStore(inner, script)  # type: ignore[arg-type]
    chosen = replace(options or QUICK, segments=SegmentLimits(commits=2))  # type: ignore[type-var]
    ledger = make_committer(store, chosen)  # type: ignore[arg-type]
    records = [numbered_record(number) for number in range(commits * 3)]

    async def rounds() -> list[Receipt | AuditUnavailable]:
        outcomes: list[Receipt | AuditUnavailable] = []
        for turn in range(commits):
            outcomes += await commit_all(ledger, records[3 * turn : 3 * turn + 3])
        return outcomes

    for _ in range(4):
        try:
            ledger.open()
            break
        except (AuditUnavailable, StoreError):
            continue
    outcomes = asyncio.run(rounds())
    return inner, records, outcomes, ledger.close(), store


def foreign(store: MemoryStore) -> Fault:
    """Somebody else appends to the segment, if it is there."""

    def meddle(path: str) -> None:
        if any(True for _ in store.list(path)):
            store.append(path, b"foreign bytes\n", store.size(path))

    return Fault(meddle=meddle)


def sealed(store: MemoryStore) -> Fault:
    """Somebody else seals the segment, if it is there."""
    return Fault(meddle=lambda path: store.seal(path) if any(True for _ in store.list(path)) else None)


FAULTS = {
    "fails before": Fault(before=UNKNOWN),
    "fails after": Fault(after=UNKNOWN),
    "arrives with the next": Fault(late=0),
    "arrives later": Fault(late=2),
    "answers 412 wrongly": Fault(before=PositionMismatch("scripted")),
    "answers 412 after": Fault(after=PositionMismatch("scripted")),
    "answers 404 after": Fault(after=ObjectMissing("scripted")),
    "is denied": Fault(before=StoreDenied("scripted")),
    "has a defect": Fault(after=StoreError("scripted: not one of the port's errors")),
}


def operations_without_faults() -> int:
    return len(run(lambda *_: None)[4].operations)


OPERATIONS = operations_without_faults()


@pytest.mark.parametrize("name", FAULTS)
def test_one_failure_at_any_operation_costs_nothing(name: str) -> None:
    """Whatever one operation does, every record is stored once and acknowledged."""
    assert OPERATIONS >= 11  # 4 segments created, 7 appends
    for number in range(OPERATIONS):
        if name == "is denied" and number < 2:
            continue  # a denied start stops at once: another test
        if name == "answers 404 after" and number == 0:
            continue  # the container is missing: a start that stops at once
        inner, records, outcomes, closed, _ = run(at_operation(number, FAULTS[name]))
        assert closed, f"{name} at operation {number}"
        assert all(isinstance(outcome, Receipt) for outcome in outcomes), f"{name} at operation {number}"
        check_account(inner, records, outcomes, closed=True)


@pytest.mark.parametrize("make", [foreign, sealed])
def test_a_segment_that_takes_no_more_is_left(make: Callable[[MemoryStore], Fault]) -> None:
    """Foreign bytes or a seal at any moment: the same commit goes to the next segment, once."""
    for number in range(OPERATIONS):
        inner = MemoryStore()
        store = FaultyStore(inner, at_operation(number, make(inner)))
        counts = CommitCounts()
        ledger = make_committer(store, replace(QUICK, segments=SegmentLimits(commits=2)), observer=counts)
        ledger.open()
        records = [numbered_record(n) for n in range(5)]
        outcomes = [asyncio.run(ledger.commit(record)) for record in records]
        assert ledger.close()
        log = check_account(inner, records, outcomes, closed=True)
        assert counts.fences == len(log.foreign) or make is sealed
        assert counts.fences <= 1


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_random_faults_never_lose_or_double_a_record(data: st.DataObject) -> None:
    """Under any failures each acknowledged record stands once, and each other call is accounted for."""
    names = st.sampled_from([*FAULTS, "foreign", "sealed", "slow", "", "", ""])
    plan = data.draw(st.lists(names, max_size=60))
    inner = MemoryStore()
    more = {"foreign": foreign(inner), "sealed": sealed(inner), "slow": Fault(delay_s=0.04), "": None}
    skipped = {"is denied", "answers 404 after"}
    faults = [(more | FAULTS)[name] for name in plan if name not in skipped]
    store = FaultyStore(inner, in_turn(faults))
    options = replace(QUICK, deadline_ms=25, segments=SegmentLimits(commits=4))
    ledger = make_committer(store, options)
    for _ in range(20):
        try:
            ledger.open()
            break
        except AuditUnavailable:
            continue
    records = [numbered_record(number) for number in range(40)]

    async def in_rounds() -> list[Receipt | AuditUnavailable]:
        outcomes: list[Receipt | AuditUnavailable] = []
        for start in range(0, 40, 8):
            outcomes += await commit_all(ledger, records[start : start + 8])
        return outcomes

    outcomes = asyncio.run(in_rounds())
    assert ledger.close()
    store.arrive_late()
    check_account(inner, records, outcomes, closed=True)


@pytest.mark.parametrize("last", [Fault(before=UNKNOWN), Fault(after=UNKNOWN), Fault(late=3)])
def test_a_process_that_ends_at_any_moment_leaves_a_readable_prefix(last: Fault) -> None:
    """After any operation storage hears no more: whole commits stand there, all acknowledged ones in them."""
    for number in range(OPERATIONS):
        seen = 0

        def script(name: str, path: str, number: int = number) -> Fault | None:
            nonlocal seen
            seen += 1
            if seen <= number:
                return None
            return last if seen == number + 1 else Fault(before=UNKNOWN)

        inner, records, outcomes, closed, store = run(script, options=HASTY)
        assert not closed or number < 2 or number >= OPERATIONS - 1  # nothing was opened; all was done
        store.arrive_late()
        check_account(inner, records, outcomes, closed=False)


def test_a_lost_answer_costs_one_look() -> None:
    """A commit that was stored, unanswered, is found by reading it back, not written again."""
    inner = MemoryStore()
    store = FaultyStore(inner, at_operation(1, Fault(after=UNKNOWN), "append"))
    ledger = make_committer(store)
    ledger.open()
    asyncio.run(ledger.commit(numbered_record(0)))
    ledger.close()
    names = [name for name, _ in store.operations]
    assert names == ["create_appendable", "append", "append", "append", "size", "read", "append"]
    assert inner.appends == 3


def test_the_same_bytes_go_to_the_next_segment() -> None:
    """A fenced commit keeps its checkpoint: one checkpoint for each size, ever."""
    inner = MemoryStore()
    store = FaultyStore(inner, at_operation(1, foreign(inner), "append"))
    counts = CommitCounts()
    ledger = make_committer(store, observer=counts)
    ledger.open()
    receipt = asyncio.run(ledger.commit(numbered_record(0)))
    ledger.close()
    log = reread(inner)
    assert log.foreign == [0]
    assert counts.fences == 1
    assert log.sizes == [1, 2, 3]
    assert inner.read(f"v1/w/{WRITER}/00000001.seg").count(receipt.checkpoint.encode()) == 1


def test_a_segment_that_is_gone_is_left() -> None:
    """Somebody deletes the segment: the writer goes on, and the hole is plain to see."""
    inner = MemoryStore()
    store = FaultyStore(inner, at_operation(2, Fault(meddle=inner.tamper_delete), "append"))
    ledger = make_committer(store)
    ledger.open()
    for number in range(3):
        asyncio.run(ledger.commit(numbered_record(number)))
    assert ledger.close()
    assert [item.path[-12:] for item in inner.list("")] == ["00000001.seg"]
    first = inner.read(f"v1/w/{WRITER}/00000001.seg").split(b"\n")[0]
    assert b'"seq":2,' in first


class Stall:
    """Storage that accepts everything and answers nothing, until it is let go."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()

    def __call__(self, name: str, path: str) -> Fault:
        return Fault(hold=self.free)


def test_stalled_storage_costs_a_caller_the_deadline_and_no_more() -> None:
    """Callers are told in time; when storage answers again, the ledger tells what became of each."""
    stall, inner = Stall(), MemoryStore()
    ledger = make_committer(FaultyStore(inner, stall), replace(QUICK, deadline_ms=150))
    ledger.open()
    stall.free.clear()
    records = [numbered_record(number) for number in range(40)]

    async def scenario() -> tuple[list[Receipt | AuditUnavailable], float]:
        started = time.monotonic()
        first = asyncio.create_task(commit_all(ledger, records[:1]))
        await asyncio.sleep(0.02)
        rest = await commit_all(ledger, records[1:])
        took = time.monotonic() - started
        return [*await first, *rest], took

    outcomes, took = asyncio.run(scenario())
    assert 0.1 < took < 0.6
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
        assert line["outcome"]["total_us"] >= 12_345 + 100_000
        assert line["what"]["entities_released"] == {}
        assert line["what"]["output_chars"] == 0
        assert line["what"]["entities_found"] == {"EMAIL_ADDRESS": 2, "PERSON": 3}


def test_once_storage_is_known_to_be_away_callers_are_told_at_once() -> None:
    """After a whole deadline without storage nobody waits for another; each call is recorded all the same."""
    stall, inner = Stall(), MemoryStore()
    ledger = make_committer(FaultyStore(inner, stall), replace(QUICK, deadline_ms=100))
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
    assert took < 0.08
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
        await asyncio.sleep(0.02)
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
    records = [numbered_record(number) for number in range(6_000)]

    async def flood() -> list[Receipt | AuditUnavailable]:
        outcomes: list[Receipt | AuditUnavailable] = []
        for start in range(0, 6_000, 100):
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
    assert sum(line["count"] for line in gap) >= 5_300
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
        FaultyStore(inner, lambda *_: Fault(before=UNKNOWN) if away else None), replace(QUICK, deadline_ms=80)
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
    assert took < 0.6
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
    assert time.monotonic() - started < 0.5
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
    outcome = asyncio.run(commit_all(ledger, [numbered_record(0)]))[0]
    assert isinstance(outcome, AuditUnavailable)
    assert not ledger.is_writable()
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text
