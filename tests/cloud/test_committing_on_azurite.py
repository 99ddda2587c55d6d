"""The committer on real storage: through a proxy that fails, and in a process that is killed."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devstack.azurite import Azurite, connection_string
from shared.cloud.blob_requests import StorageTimeouts
from shared.cloud.blobs import BlobLedgerStore, open_store
from shared.errors import AuditUnavailable, SettingsError
from shared.ledger.segments import SegmentLimits
from shared.usecases.commits.committing import CommitOptions
from shared.usecases.commits.observing import CommitCounts
from shared.usecases.ports import Receipt
from tests.support.accounts import check_account, reread
from tests.support.committers import QUICK, commit_all, make_committer, numbered_record, wait_until
from tests.support.fault_proxy import FaultProxy, Kind

ROOT = Path(__file__).parent.parent.parent
HASTY = StorageTimeouts(connect_s=0.2, read_s=0.2)


def test_records_are_committed_in_groups(store: BlobLedgerStore) -> None:
    """A thousand records of 32 callers at once take far fewer appends."""
    counts = CommitCounts()
    ledger = make_committer(store, CommitOptions(), observer=counts)
    ledger.open()
    records = [numbered_record(number) for number in range(1_000)]

    async def caller(mine: Sequence[int]) -> list[Receipt]:
        return [await ledger.commit(records[number]) for number in mine]

    async def all_callers() -> list[list[Receipt]]:
        return await asyncio.gather(*(caller(range(start, 1_000, 32)) for start in range(32)))

    receipts = asyncio.run(all_callers())
    assert ledger.close()
    outcomes: list[Receipt | AuditUnavailable] = [receipts[n % 32][n // 32] for n in range(1_000)]
    check_account(store, records, outcomes, closed=True)
    assert counts.commits < 300


FAULTS: list[tuple[Kind, dict[str, Any]]] = [
    ("stall", {}),
    ("drop", {"times": 2}),
    ("status", {"status": 500, "times": 3}),
    ("slow", {"delay_ms": 50}),
    ("cut", {"times": 2}),
    ("status", {"status": 503}),
    ("status", {"status": 412, "times": 3}),
    ("refuse", {}),
    ("drop", {}),
    ("status", {"status": 403, "times": 2}),
    ("status", {"status": 429, "times": 2}),
    ("drop", {"methods": ["PUT"], "times": 1}),
]


def test_every_fault_between_service_and_storage_is_accounted_for(azurite: Azurite, container: str) -> None:
    """Storage stops, stalls, errs, loses answers: no record is lost or doubled, and the log goes on."""
    records = [numbered_record(number) for number in range(len(FAULTS) * 60)]
    outcomes: list[Receipt | AuditUnavailable] = []
    with FaultProxy(azurite.port) as proxy:
        store = open_store(container, connection_string=connection_string(proxy.port), timeouts=HASTY)
        options = replace(QUICK, deadline_ms=300, segments=SegmentLimits(commits=5), backoff_s=lambda _: 0.01)
        ledger = make_committer(store, options)
        ledger.open()
        for number, (kind, fault) in enumerate(FAULTS):
            proxy.clear()
            wait_until(ledger.is_writable)
            mine = records[number * 60 : number * 60 + 60]
            outcomes += asyncio.run(commit_all(ledger, mine[:20]))
            proxy.set(kind, **fault)
            outcomes += asyncio.run(commit_all(ledger, mine[20:40]))
            outcomes += asyncio.run(commit_all(ledger, mine[40:]))
        proxy.clear()
        wait_until(ledger.is_writable)
        assert ledger.close()
        store.close()
    plain = open_store(container, connection_string=azurite.connection_string)
    log = check_account(plain, records, outcomes, closed=True)
    assert log.foreign == []
    acknowledged = sum(isinstance(outcome, Receipt) for outcome in outcomes)
    assert acknowledged >= len(FAULTS) * 20
    plain.close()


@pytest.mark.parametrize("after", [1, 40, 333])
def test_a_killed_process_leaves_every_record_it_acknowledged(
    azurite: Azurite, container: str, after: int
) -> None:
    """SIGKILL in the middle of commits and rotations: a sound prefix with all acknowledged records."""
    writer = f"01JD{after:022d}"
    command = [
        sys.executable,
        "-m",
        "tests.support.writing_child",
        azurite.connection_string,
        container,
        writer,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        seen = list(itertools.islice(child.stdout, after))
        os.kill(child.pid, signal.SIGKILL)
        seen += [line for line in child.stdout if line.endswith("\n")]
    assert len(seen) >= after
    store = open_store(container, connection_string=azurite.connection_string)
    log = reread(store, writer)
    stored = {record["seq"]: record.get("request_id") for record in log.records}
    for line in seen:
        index, _, request_id = line.strip().partition(" ")
        assert stored[int(index)] == request_id
    assert len(set(stored.values())) == len(stored)
    assert log.foreign == []
    assert log.records[-1]["type"] == "access"
    store.close()


def test_a_missing_container_is_told_at_the_start(azurite: Azurite) -> None:
    """One sentence, the setting's name first, at once."""
    store = open_store("not-there", connection_string=azurite.connection_string)
    started = time.monotonic()
    with pytest.raises(SettingsError, match=r"^AUDIT_CONTAINER: the container does not exist"):
        make_committer(store).open()
    assert time.monotonic() - started < 4.0


def test_a_wrong_key_is_told_at_the_start(azurite: Azurite, container: str) -> None:
    """What storage answered stands in the sentence; the key does not."""
    wrong = azurite.connection_string.replace("AccountKey=Eby8", "AccountKey=AAAA")
    with pytest.raises(SettingsError, match=r"^AUDIT_CONTAINER: the container cannot be written: .*403"):
        make_committer(open_store(container, connection_string=wrong)).open()
