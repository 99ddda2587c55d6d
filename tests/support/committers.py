"""Committers with fixed keys, times and names, for tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import AuditUnavailable
from shared.ledger.notes import Ed25519NoteKey
from shared.records.model import Record
from shared.usecases.commits.committing import CommitOptions, Committer
from shared.usecases.commits.observing import CommitObserver
from shared.usecases.commits.writers import Writer
from shared.usecases.ports import LedgerStore, Receipt
from tests.support.records import ENGINE, POLICY, SERVICE, access_record

LOG = "audit.example.com/presidio"
WRITER = SERVICE.writer
SERVICE_KEY = Ed25519NoteKey(LOG, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WRITER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(100, 132)))
START = datetime(2026, 11, 24, 7, 0, 0, 123456, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time it was set to."""
        return self.now

    def advance(self, **amount: float) -> None:
        """Move on by a timedelta's arguments."""
        self.now += timedelta(**amount)


QUICK = CommitOptions(
    deadline_ms=5_000, open_timeout_ms=300, close_timeout_ms=5_000, backoff_s=lambda _: 0.001
)
"""Options of tests: a generous deadline, a back-off that costs no time."""


def make_writer(**changes: Any) -> Writer:
    """The tests' writer; keyword arguments replace fields."""
    writer = Writer(log=LOG, key=WRITER_KEY, policy=POLICY, engine=ENGINE, service=SERVICE)
    return replace(writer, **changes)


def make_committer(
    store: LedgerStore,
    options: CommitOptions = QUICK,
    clock: Callable[[], datetime] | None = None,
    observer: CommitObserver | None = None,
    calls_in_flight: Callable[[], int] = lambda: 0,
) -> Committer:
    """A committer that is not open yet."""
    return Committer(
        store, make_writer(), [SERVICE_KEY], clock or ManualClock(), options, observer, calls_in_flight
    )


def numbered_record(number: int) -> Record:
    """An access record whose request id tells its number."""
    return access_record(request_id=f"01JD{number:022d}")


def wait_until(condition: Callable[[], bool], limit_s: float = 5.0) -> None:
    """Return as soon as the condition holds; fails the test when it does not within the limit."""
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.001)


async def commit_all(ledger: Committer, records: Iterable[Record]) -> list[Receipt | AuditUnavailable]:
    """Commit all at once; for each the receipt, or why it was refused."""

    async def attempt(record: Record) -> Receipt | AuditUnavailable:
        try:
            return await ledger.commit(record)
        except AuditUnavailable as error:
            return AuditUnavailable(error.message)  # a new one, which holds on to no frames

    return await asyncio.gather(*(attempt(record) for record in records))
