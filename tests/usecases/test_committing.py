"""The committer on storage that works: receipts, order, cancelled callers, what observers see."""

from __future__ import annotations

import asyncio
import threading

import pytest

from shared.errors import AuditUnavailable, ObjectExists
from shared.ledger.checkpoints import open_checkpoint
from shared.ledger.notes import parse_vkey
from shared.usecases.commits.observing import CommitCounts
from shared.usecases.ports import Receipt
from tests.support.committers import (
    LOG,
    SERVICE_KEY,
    WRITER,
    commit_all,
    make_committer,
    numbered_record,
)
from tests.support.records import EVERY_TYPE, access_record
from tests.support.rereading import Reread, reread_log
from tests.support.stores import Fault, FaultyStore, MemoryStore, at_operation


def reread(store: MemoryStore) -> Reread:
    return reread_log(store, LOG, WRITER, SERVICE_KEY.vkey)


def test_a_receipt_names_the_record_and_carries_its_checkpoint() -> None:
    """The receipt's index is the record's, and its checkpoint, signed by the writer, covers it."""
    store = MemoryStore()
    ledger = make_committer(store)
    ledger.open()
    receipt = asyncio.run(ledger.commit(numbered_record(7)))
    ledger.close()
    assert (receipt.writer, receipt.index) == (WRITER, 1)
    assert reread(store).records[1]["request_id"] == f"01JD{7:022d}"
    key = parse_vkey(ledger.vkey)
    assert open_checkpoint(receipt.checkpoint.encode(), f"{LOG}/w/{WRITER}", [key]).size == 2


def test_every_type_of_record_is_committed_as_it_is() -> None:
    """What stands in the log are the record's own fields, those without value left out."""
    store = MemoryStore()
    ledger = make_committer(store)
    ledger.open()
    records = [record for record in EVERY_TYPE if record.type not in ("genesis", "closed")]
    receipts = asyncio.run(commit_all(ledger, records))
    ledger.close()
    stored = reread(store).records
    for record, receipt in zip(records, receipts, strict=True):
        assert isinstance(receipt, Receipt)
        line = {name: value for name, value in stored[receipt.index].items() if name not in ("seq", "prev")}
        assert line == record.model_dump(mode="json", exclude_none=True)


def test_ten_thousand_records_by_64_committers_are_in_order() -> None:
    """Each caller's records stand in its own order, each once, and `seq` has no gaps."""
    store = MemoryStore()
    counts = CommitCounts()
    ledger = make_committer(store, observer=counts)
    ledger.open()
    record = numbered_record(0)

    async def caller(number: int) -> list[int]:
        indexes = []
        for turn in range(157):
            name = f"{number:03d}-{turn:04d}"
            receipt = await ledger.commit(record.model_copy(update={"request_id": name}))
            indexes.append(receipt.index)
        return indexes

    async def all_callers() -> list[list[int]]:
        return await asyncio.gather(*(caller(number) for number in range(64)))

    indexes = asyncio.run(all_callers())
    assert ledger.close()
    stored = [line["request_id"] for line in _records_quickly(store)]
    assert len(stored) == 64 * 157 > 10_000
    for number, mine in enumerate(indexes):
        assert mine == sorted(mine)
        assert [stored[index - 1] for index in mine] == [f"{number:03d}-{turn:04d}" for turn in range(157)]
    assert counts.most_records > 16, "commits are not grouped"


def _records_quickly(store: MemoryStore) -> list[dict[str, str]]:
    """The access records, checked by the service's own chain of hashes (the plain reader is quadratic)."""
    import json

    from shared.ledger.bodies import FIRST_PREV
    from shared.ledger.hashing import leaf_hash
    from shared.ledger.segments import parse_segment
    from shared.ledger.tree import Frontier

    frontier, prev, records = Frontier(), FIRST_PREV, []
    for stored in store.list(f"v1/w/{WRITER}/"):
        for commit in parse_segment([store.read(stored.path)]):
            for line in commit.lines:
                record = json.loads(line)
                assert (record["seq"], record["prev"]) == (frontier.size, prev)
                leaf = leaf_hash(line)
                frontier.append(leaf)
                prev = leaf.hex()
                records.append(record)
            key = parse_vkey(records[0]["vkey"])
            head = open_checkpoint(commit.note, f"{LOG}/w/{WRITER}", [key])
            assert (head.size, head.root) == (frontier.size, frontier.root())
    return [record for record in records if record["type"] == "access"]


def test_callers_on_several_event_loops_share_commits() -> None:
    """`commit` may be awaited on any loop; each caller is woken on its own."""
    store = MemoryStore()
    ledger = make_committer(store)
    ledger.open()
    indexes: list[int] = []

    def run_loop(start: int) -> None:
        receipts = asyncio.run(commit_all(ledger, (numbered_record(start + n) for n in range(50))))
        indexes.extend(receipt.index for receipt in receipts if isinstance(receipt, Receipt))

    threads = [threading.Thread(target=run_loop, args=(1_000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.close()
    assert sorted(indexes) == list(range(1, 201))
    assert len(reread(store).records) == 202


def test_a_cancelled_caller_does_not_cancel_its_commit() -> None:
    """A client that goes away leaves its record behind."""
    hold = threading.Event()
    inner = MemoryStore()
    ledger = make_committer(FaultyStore(inner, at_operation(1, Fault(hold=hold), "append")))
    ledger.open()

    async def scenario() -> None:
        task = asyncio.create_task(ledger.commit(numbered_record(5)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hold.set()

    asyncio.run(scenario())
    assert ledger.close()
    assert [record["type"] for record in reread(inner).records] == ["genesis", "access", "closed"]


def test_a_loop_that_ended_does_not_disturb_the_committer() -> None:
    """Records of callers whose event loop is closed are stored; the next callers are served."""
    hold = threading.Event()
    inner = MemoryStore()
    ledger = make_committer(FaultyStore(inner, at_operation(1, Fault(hold=hold), "append")))
    ledger.open()

    async def leave_early() -> None:
        task = asyncio.create_task(ledger.commit(numbered_record(0)))
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(leave_early())
    hold.set()
    assert asyncio.run(ledger.commit(numbered_record(1))).index == 2
    assert ledger.close()
    assert len(reread(inner).records) == 4


def test_a_record_beyond_a_line_is_refused_and_counted() -> None:
    """Nothing is answered without a trace: a record that no line can carry becomes a gap of one call."""
    store = MemoryStore()
    ledger = make_committer(store)
    ledger.open()
    record = access_record()
    huge = record.model_copy(update={"request_id": "x" * 66_000})
    surrogate = record.model_copy(update={"request_id": "\ud800"})
    for unwritable in (huge, surrogate):
        with pytest.raises(AuditUnavailable):
            asyncio.run(ledger.commit(unwritable))
    assert ledger.close()
    records = reread(store).records
    assert sum(line["count"] for line in records if line["type"] == "gap") == 2
    assert not [line for line in records if line["type"] == "access"]


def test_an_observer_sees_every_record_once() -> None:
    """Telemetry can be fed from `on_stored`: all records, the writer's own included, with their indexes."""
    seen: list[tuple[int, str]] = []

    class Watcher(CommitCounts):
        def on_stored(self, commit: object) -> None:
            first, records = commit.first, commit.records  # type: ignore[attr-defined]
            seen.extend((first + at, record.type) for at, record in enumerate(records))

    store = MemoryStore()
    ledger = make_committer(store, observer=Watcher())
    ledger.open()
    asyncio.run(commit_all(ledger, (numbered_record(n) for n in range(30))))
    ledger.close()
    assert seen == [(record["seq"], record["type"]) for record in reread(store).records]


def test_the_memory_store_enforces_immutability() -> None:
    """The store of these tests lets nobody create twice, overwrite or append elsewhere."""
    store = MemoryStore()
    store.create("a", b"1")
    with pytest.raises(ObjectExists):
        store.create("a", b"2")
    with pytest.raises(ObjectExists):
        store.create_appendable("a")
    assert store.read("a") == b"1"
