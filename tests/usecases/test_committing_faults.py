"""The committer on storage that fails: each record once, or its caller was told and the ledger says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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
from shared.usecases.commits.observing import CommitCounts
from shared.usecases.ports import Receipt
from tests.support.accounts import Outcomes, check_account, reread
from tests.support.committers import (
    QUICK,
    WRITER,
    commit_all,
    make_committer,
    numbered_record,
)
from tests.support.stores import UNKNOWN, Fault, FaultyStore, MemoryStore, Script, at_operation, in_turn

HASTY = replace(QUICK, deadline_ms=30, open_timeout_ms=30, close_timeout_ms=30)


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
