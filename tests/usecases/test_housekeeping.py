"""The timers' jobs, joined over stores in memory: seal, archive, verify, sweep, tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.ledger.notes import parse_vkey
from shared.records.events import Baseline, Heartbeat, Sealed, ServiceEvent, Verified, WriterSealed
from shared.records.model import Record, VerdictRecord
from shared.usecases.commits.committing import Committer
from shared.usecases.commits.observing import StoredCommit
from shared.usecases.commits.telling import CommitTelling
from shared.usecases.ports import Receipt
from shared.usecases.questions import Questions
from shared.usecases.telemetry import Pulse
from shared.usecases.upkeep.archiving import Archiver
from shared.usecases.upkeep.days import LedgerDays
from shared.usecases.upkeep.housekeeping import Housekeeping
from shared.usecases.upkeep.sealing import Sealer
from shared.usecases.upkeep.verifying import Verification
from tests.support.committers import (
    LOG,
    SERVICE_KEY,
    START,
    ManualClock,
    commit_all,
    make_committer,
    numbered_record,
    wait_until,
)
from tests.support.records import SERVICE
from tests.support.stores import MemoryStore


@dataclass
class HeardTelemetry:
    """Keeps what it is told."""

    records: list[tuple[Record, Receipt]] = field(default_factory=list)
    events: list[ServiceEvent] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    failures: list[tuple[str, int]] = field(default_factory=list)
    dropped: int = 0

    def emit(self, record: Record, receipt: Receipt) -> None:
        self.records.append((record, receipt))

    def report(self, event: ServiceEvent) -> None:
        self.events.append(event)

    def count_commit(self, records: int, latency_us: int) -> None:
        self.commits.append(records)

    def count_failure(self, code: str, records: int) -> None:
        self.failures.append((code, records))

    def watch(self, gauge: str, read: Callable[[], float | None]) -> None:
        raise AssertionError("gauges are announced by the wiring")

    def close(self) -> None:
        return None

    def of(self, kind: type[ServiceEvent]) -> list[ServiceEvent]:
        return [event for event in self.events if isinstance(event, kind)]


class MemoryShelf:
    """A shelf and a notebook."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.note: bytes | None = None

    def get(self, name: str) -> str | None:
        return self.texts.get(name)

    def put(self, name: str, text: str) -> None:
        self.texts[name] = text

    def load(self) -> bytes | None:
        return self.note

    def save(self, data: bytes) -> None:
        self.note = data


@dataclass
class House:
    """Housekeeping and everything around it."""

    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    archive: MemoryStore = field(default_factory=MemoryStore)
    telemetry: HeardTelemetry = field(default_factory=HeardTelemetry)
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    ledger: Committer = field(init=False)
    housekeeping: Housekeeping = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = make_committer(self.store, clock=self.clock, observer=CommitTelling(self.telemetry))
        self.ledger.open()
        keys = [parse_vkey(SERVICE_KEY.vkey)]
        self.housekeeping = Housekeeping(
            sealer=Sealer(self.store, LOG, [SERVICE_KEY], self.clock),
            archiver=Archiver(self.store, self.archive, self.clock),
            verification=Verification(self.store, keys, self.shelf, self.clock, self.archive),
            sweepers=(),
            days=LedgerDays(Questions(self.store, LOG, keys)),
            shelf=self.shelf,
            sensitive=frozenset(),
            telemetry=self.telemetry,
            ledger=self.ledger,
            queue_depth=lambda: self.ledger.waiting,
            pulse=Pulse(SERVICE.writer, "0" * 64, "1" * 64, SERVICE.version, SERVICE.commit),
            service=SERVICE,
            clock=self.clock,
        )

    def commit(self, first: int, count: int) -> None:
        made = asyncio.run(commit_all(self.ledger, (numbered_record(first + n) for n in range(count))))
        stored = [receipt.index for receipt in made if isinstance(receipt, Receipt)]
        assert len(stored) == count
        # Telemetry is told after the callers, the commit's own measure last.
        wait_until(lambda: sum(self.telemetry.commits) > max(stored))


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.ledger.close()


def test_all_that_is_committed_is_told_in_order(house: House) -> None:
    """Genesis included: an event is missing only where telemetry lost it."""
    house.commit(0, 5)
    indexes = [receipt.index for _, receipt in house.telemetry.records]
    assert indexes == list(range(6))
    assert sum(house.telemetry.commits) == 6
    assert house.telemetry.records[0][0].type == "genesis"


def test_sealing_tells_how_far_each_log_had_come(house: House) -> None:
    """What `telemetry-gap` counts against: from where to where the root log now covers a writer."""
    house.commit(0, 3)
    house.housekeeping.seal()
    house.commit(3, 2)
    house.housekeeping.seal()
    house.housekeeping.seal()
    grown = [(e.from_size, e.to_size) for e in house.telemetry.of(WriterSealed)]  # type: ignore[union-attr]
    assert grown == [(0, 4), (4, 6)]
    assert [e.writers for e in house.telemetry.of(Sealed)] == [1, 1, 0]  # type: ignore[union-attr]
    assert house.housekeeping.age.read() is not None


def test_a_clean_ledger_s_verdict_is_intact_and_begins_where_the_last_ended(house: House) -> None:
    """The verdict is a record; the next verification reads only what is new."""
    house.commit(0, 3)
    house.housekeeping.seal()
    first = house.housekeeping.verify()
    assert isinstance(first, VerdictRecord)
    assert (first.verdict, first.since_size, first.verified_records) == ("intact", 0, 4)
    house.commit(3, 2)
    house.housekeeping.seal()
    second = house.housekeeping.verify()
    assert isinstance(second, VerdictRecord)
    assert (second.verdict, second.since_size) == ("intact", 1)
    verified = house.telemetry.of(Verified)[-1]
    assert (verified.findings, verified.unchecked) == (0, 0)  # type: ignore[union-attr]


def test_a_tampered_ledger_s_verdict_names_what_was_found(house: House) -> None:
    """One byte of one record, and both the record and the event say so."""
    house.commit(0, 3)
    house.housekeeping.seal()
    path = next(stored.path for stored in house.store.list("v1/w/"))
    data = bytearray(house.store.read(path))
    data[len(data) // 2] ^= 1
    house.store.tamper_replace(path, bytes(data))
    verdict = house.housekeeping.verify()
    assert isinstance(verdict, VerdictRecord)
    assert verdict.verdict == "findings"
    assert verdict.findings
    event = house.telemetry.of(Verified)[-1]
    assert event.findings > 0  # type: ignore[union-attr]
    assert house.shelf.note is None


def test_finished_logs_are_archived(house: House) -> None:
    """What will not grow any more is in the archive, byte for byte."""
    house.commit(0, 3)
    house.housekeeping.seal()
    house.ledger.close()
    house.housekeeping.seal()
    assert house.housekeeping.archive().copied > 0
    for stored in house.archive.list(""):
        assert house.archive.read(stored.path) == house.store.read(stored.path)


def test_the_heartbeat_says_what_runs(house: House) -> None:
    """Digest of policy and engine, whether the ledger takes commits, and what was lost."""
    house.housekeeping.beat()
    (beat,) = house.telemetry.of(Heartbeat)
    assert isinstance(beat, Heartbeat)
    assert beat.is_ledger_writable
    assert (beat.policy_digest, beat.engine_digest) == ("0" * 64, "1" * 64)


def test_baselines_come_from_the_days_before(house: House) -> None:
    """Today is not yesterday's normal; tomorrow it is."""
    house.commit(0, 4)
    assert house.housekeeping.tell_baselines() == 0
    house.clock.now = START + timedelta(days=1)
    assert house.housekeeping.tell_baselines() > 0
    callers = [e for e in house.telemetry.of(Baseline) if isinstance(e, Baseline) and e.kind == "caller"]
    assert [baseline.calls for baseline in callers] == [4]


def test_failures_are_counted_by_what_they_are() -> None:
    """Attempts that storage did not take, segments left, calls refused."""
    heard = HeardTelemetry()
    telling = CommitTelling(heard)
    telling.on_failure("store_unavailable")
    telling.on_fence(3)
    telling.on_unrecorded("deadline")
    telling.on_stored(StoredCommit("W", 7, (numbered_record(1),), "note", 10, 5, 1, 6, 0))
    assert heard.failures == [("store_unavailable", 0), ("segment_fenced", 0), ("deadline", 1)]
    assert heard.records[0][1] == Receipt("W", 7, "note")
