"""The committer's first record and its last: starting, not being able to start, ending in order."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from shared.errors import AuditUnavailable, ObjectMissing, SettingsError, StoreDenied
from shared.usecases.ports import Receipt
from tests.support.accounts import reread
from tests.support.committers import QUICK, make_committer, numbered_record
from tests.support.stores import UNKNOWN, Fault, FaultyStore, MemoryStore, at_operation


def test_opening_commits_the_genesis() -> None:
    """After `open` the log holds record 0, attested by the service key, and nothing else."""
    store = MemoryStore()
    ledger = make_committer(store)
    ledger.open()
    assert [record["type"] for record in reread(store).records] == ["genesis"]
    assert ledger.is_writable()
    ledger.close()


def test_opening_twice_commits_one_genesis() -> None:
    """`open` may be repeated."""
    store = MemoryStore()
    ledger = make_committer(store)
    ledger.open()
    ledger.open()
    ledger.close()
    assert [record["type"] for record in reread(store).records] == ["genesis", "closed"]


def test_closing_stores_what_waits_and_then_the_last_record() -> None:
    """`closed` is the last record, and comes after everything that waited."""
    hold = threading.Event()
    inner = MemoryStore()
    ledger = make_committer(FaultyStore(inner, at_operation(1, Fault(hold=hold), "append")))
    ledger.open()

    async def scenario() -> list[Receipt]:
        tasks = [asyncio.create_task(ledger.commit(numbered_record(n))) for n in range(5)]
        await asyncio.sleep(0.01)
        closing = asyncio.create_task(asyncio.to_thread(ledger.close))
        await asyncio.sleep(0.01)
        hold.set()
        assert await closing
        return await asyncio.gather(*tasks)

    assert len(asyncio.run(scenario())) == 5
    assert [record["type"] for record in reread(inner).records] == ["genesis", *["access"] * 5, "closed"]
    assert not ledger.is_writable()


def test_a_closed_ledger_takes_nothing() -> None:
    """Before `open` and after `close` a record is refused at once."""
    ledger = make_committer(MemoryStore())
    with pytest.raises(AuditUnavailable):
        asyncio.run(ledger.commit(numbered_record(0)))
    assert ledger.close()
    ledger = make_committer(MemoryStore())
    ledger.open()
    assert ledger.close()
    assert ledger.close()
    with pytest.raises(AuditUnavailable):
        asyncio.run(ledger.commit(numbered_record(0)))


def test_a_missing_container_stops_the_start_at_once() -> None:
    """The error is one sentence that names the setting."""
    missing = Fault(before=ObjectMissing("no such container"))
    ledger = make_committer(
        FaultyStore(MemoryStore(), lambda *_: missing), replace(QUICK, open_timeout_ms=10_000)
    )
    started = time.monotonic()
    with pytest.raises(SettingsError, match=r"^AUDIT_CONTAINER: the container does not exist; create it"):
        ledger.open()
    assert time.monotonic() - started < 3.0
    assert not ledger.is_writable()


def test_a_refused_credential_stops_the_start_at_once() -> None:
    """A container that may not be written is named, with what storage answered."""
    denied = Fault(before=StoreDenied("create: storage answered 403"))
    ledger = make_committer(FaultyStore(MemoryStore(), lambda *_: denied))
    with pytest.raises(SettingsError, match=r"AUDIT_CONTAINER.*403"):
        ledger.open()


def test_storage_that_does_not_answer_delays_the_start_only_so_long() -> None:
    """The start fails within its time and may be tried again: the genesis is stored once."""
    inner = MemoryStore()
    away = True
    store = FaultyStore(inner, lambda *_: Fault(after=UNKNOWN) if away else None)
    ledger = make_committer(store)
    started = time.monotonic()
    with pytest.raises(AuditUnavailable):
        ledger.open()
    assert 0.2 < time.monotonic() - started < 3.0
    away = False
    ledger.open()
    assert ledger.close()
    assert [record["type"] for record in reread(inner).records] == ["genesis", "closed"]


def test_a_writer_without_signers_does_not_start() -> None:
    """A genesis that nobody attests would be worth nothing."""
    ledger = make_committer(MemoryStore())
    ledger._signers = ()
    with pytest.raises(ValueError, match="at least one service key"):
        ledger.open()
