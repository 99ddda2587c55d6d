"""Sealing many writers: the real sealer over a store in memory, with what storage would take added up.

A store counts requests and bytes; their time is a model (below), the processor's is measured. A round is one
run of the sealer after every writer has grown. Prints, for 10, 100 and 1,000 writers, how long a round takes
and which share of the seal interval that is: at 1 the root log falls behind, and that is the limit. The last
column is the same with 16 reads under way at once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.ledger_data import LOG, START, _bodies, _Clock, _genesis, _numbered, service_key
from bench.scenario import BenchError, Findings, Options, Scenario
from bench.tables import render_table
from shared.errors import ObjectExists, ObjectMissing, PositionMismatch
from shared.ledger.bodies import RecordBody, encode_record
from shared.ledger.segments import segment_path
from shared.ledger.writer import WriterLog
from shared.records.model import ServicePart
from shared.usecases.ports import StoredObject
from shared.usecases.upkeep.sealing import Sealer

INTERVAL_S = 20.0
"""How often functions/timers.py seals."""

REQUEST_MS = 8.0
"""A small request to Blob Storage in the same region, typical."""

STREAM_MB_S = 60.0
"""What one connection reads, the documented target of a single blob."""

LIST_PAGE = 5_000
PARALLEL = 16


@dataclass(slots=True)
class Traffic:
    """What storage was asked."""

    requests: int = 0
    read_bytes: int = 0

    def seconds(self) -> float:
        """The time of it by the model, one request after the other."""
        return self.requests * REQUEST_MS / 1e3 + self.read_bytes / 1e6 / STREAM_MB_S


class CountingStore:
    """A container in memory: create-only objects, blobs that grow."""

    def __init__(self) -> None:
        self._objects: dict[str, bytearray] = {}
        self.traffic = Traffic()

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """One request a page."""
        found = sorted(path for path in self._objects if path.startswith(prefix))
        self.traffic.requests += 1 + len(found) // LIST_PAGE
        for path in found:
            yield StoredObject(path, len(self._objects[path]))

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """One request."""
        self.traffic.requests += 1
        if path not in self._objects:
            raise ObjectMissing("there is no such object")
        end = None if length is None else start + length
        data = bytes(memoryview(self._objects[path])[start:end])
        self.traffic.read_bytes += len(data)
        return data

    def size(self, path: str) -> int:
        """One request."""
        self.traffic.requests += 1
        if path not in self._objects:
            raise ObjectMissing("there is no such object")
        return len(self._objects[path])

    def create(self, path: str, data: bytes) -> None:
        """One request."""
        self.traffic.requests += 1
        if path in self._objects:
            raise ObjectExists("the object is there")
        self._objects[path] = bytearray(data)

    def create_appendable(self, path: str) -> None:
        """One request."""
        self.create(path, b"")

    def append(self, path: str, data: bytes, at: int) -> None:
        """The writers' own requests are not the sealer's, and not counted."""
        if len(self._objects[path]) != at:
            raise PositionMismatch("the blob has another length")
        self._objects[path] += data


class Fleet:
    """Writers that each add a commit of some records when told to."""

    def __init__(self, store: CountingStore, count: int) -> None:
        self._store = store
        self._clock = _Clock()
        self._logs: list[WriterLog] = []
        self._lengths = [0] * count
        self._names = [f"01JGFJJZ{number:018d}" for number in range(count)]
        service = ServicePart(version="0.1.0", commit="c" * 40, writer=self._names[0])
        self._bodies = list(_bodies(service, random.Random(7)))
        for number, name in enumerate(self._names):
            key = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
            log = WriterLog(LOG, name, key)
            genesis = _genesis(log, service.model_copy(update={"writer": name}), self._clock)
            self._store.create_appendable(segment_path(name, 0))
            self._logs.append(log)
            self._commit(number, [encode_record(genesis)])

    def grow(self, records: int) -> None:
        """Every writer commits so many records, 16 at a time."""
        for number in range(len(self._logs)):
            for first in range(0, records, 16):
                size = self._logs[number].size
                batch = [
                    _numbered(self._bodies[(size + n) % len(self._bodies)], number % 10_000, size + n)
                    for n in range(min(16, records - first))
                ]
                self._commit(number, batch)

    def _commit(self, number: int, batch: Sequence[RecordBody]) -> None:
        path = segment_path(self._names[number], 0)
        commit = self._logs[number].stage(batch)
        self._store.append(path, commit.data, self._lengths[number])
        self._lengths[number] += len(commit.data)
        self._logs[number].accept(commit)


@dataclass(frozen=True, slots=True)
class Round:
    """One run of the sealer."""

    writers: int
    records: int
    processor_s: float
    requests: int
    read_mb: float
    storage_s: float

    def load(self, parallel: int = 1) -> float:
        """Share of the interval with so many requests under way at once; at 1 the root log falls behind."""
        return (self.processor_s + self.storage_s / parallel) / INTERVAL_S


def simulate(writers: int, records: int, rounds: int) -> Round:
    """The last of some rounds, in each of which every writer adds so many records."""
    store = CountingStore()
    fleet = Fleet(store, writers)
    clock = _Clock(START + timedelta(days=1))
    sealer = Sealer(store, LOG, [service_key()], clock)
    sealer.run()
    for _ in range(rounds):
        fleet.grow(records)
        store.traffic = Traffic()
        clock.now += timedelta(seconds=INTERVAL_S)
        begun = time.process_time()
        sealing = sealer.run()
        processor_s = time.process_time() - begun
        if len(sealing.seals) != writers or sealing.findings:
            raise BenchError(f"expected {writers} seals without a finding, got {len(sealing.seals)}")
    traffic = store.traffic
    return Round(
        writers, writers * records, processor_s, traffic.requests, traffic.read_bytes / 1e6, traffic.seconds()
    )


def run(options: Options) -> Findings:
    """Fleets of growing size, at few and at many records a writer."""
    shapes = [(10, 20), (100, 20), (1000, 2), (1000, 20)]
    rounds = [simulate(w, r, 1 if options.is_quick else 2) for w, r in shapes]
    rows = [
        [
            f"{entry.writers:,}",
            f"{entry.records:,}",
            f"{entry.records / INTERVAL_S:,.0f}",
            f"{entry.processor_s:.2f}",
            f"{entry.requests:,}",
            f"{entry.read_mb:.1f}",
            f"{entry.storage_s:.1f}",
            f"{entry.load():.2f}",
            f"{entry.load(PARALLEL):.2f}",
        ]
        for entry in rounds
    ]
    head = [
        "writers",
        "records",
        "records/s",
        "processor s",
        "requests",
        "MB read",
        "storage s (model)",
        "load",
        "load, 16 at once",
    ]
    biggest = rounds[-1]
    return Findings(
        figures={"rounds": [asdict(entry) for entry in rounds]},
        ratios={"sealing_1000_writers_room": 1 / biggest.load()},
        tables=(render_table(head, rows),),
    )


SCENARIO = Scenario("sealing", "sealing 1,000 writers into the root log", run, is_default=False)

if __name__ == "__main__":
    print("\n\n".join(run(Options(is_quick=True, rounds=None)).tables))
