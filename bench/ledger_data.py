"""A generated ledger in a folder: deterministic bytes, as a busy service would leave them in a month.

Records of about a kilobyte, commits of 1 to 24 records (a group commit under load), segments by the writer's
own limits, several writers of which the last still runs, and a root log that was sealed all along.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditor.folders import FolderSource
from shared.errors import ObjectExists
from shared.ledger.bodies import RecordBody, encode_record
from shared.ledger.genesis import genesis_text
from shared.ledger.notes import Ed25519NoteKey
from shared.ledger.segments import SegmentLimits, segment_path
from shared.ledger.writer import WriterLog
from shared.records.canonical import format_time
from shared.records.model import (
    AccessRecord,
    ClosedRecord,
    DecisionPart,
    EnginePart,
    GenesisRecord,
    KeyedDigests,
    Outcome,
    ServicePart,
    What,
    Where,
    Who,
)
from shared.usecases.upkeep.sealing import Sealer

LOG = "audit.bench/presidio"
START = datetime(2026, 1, 1, tzinfo=UTC)
WRITERS = 4
SEALS_A_WRITER = 25
MOST_RECORDS_A_COMMIT = 24
DIGEST = "5f" * 32
SAMPLES = 512

ENGINE = EnginePart(
    digest=DIGEST,
    analyzer="2.2.366",
    anonymizer="2.2.366",
    model="en_core_web_sm",
    model_version="3.8.0",
    model_digest=DIGEST,
)
ENTITIES = ("PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "LOCATION", "DATE_TIME", "IBAN_CODE")
OPERATIONS = ("pii.analyze", "pii.anonymize", "pii.redact", "pii.deanonymize")


def service_key() -> Ed25519NoteKey:
    """The service's key of the generated ledgers."""
    return Ed25519NoteKey(LOG, Ed25519PrivateKey.from_private_bytes(b"b" * 32))


class FolderStore(FolderSource):
    """Enough of a store to seal into a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def create(self, path: str, data: bytes) -> None:
        """Create-only."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("xb") as file:
                file.write(data)
        except FileExistsError as error:
            raise ObjectExists("the file is there") from error

    def create_appendable(self, path: str) -> None:
        """As create."""
        self.create(path, b"")

    def append(self, path: str, data: bytes, at: int) -> None:
        """Append at the end."""
        with (self.folder / path).open("ab") as file:
            file.write(data)


type Bodies = Callable[[int, ServicePart, random.Random], Callable[[int], RecordBody]]
"""For the number of a writer, its service part and its own chance: from the index of a record to its body."""


def generate(folder: Path, records: int, bodies: Bodies | None = None) -> Path:
    """Make the ledger of so many records, unless it is there whole. Deterministic to the byte."""
    done = folder / ".done"
    if done.exists():
        return folder / "ledger"
    store = FolderStore(folder / "ledger")
    clock = _Clock()
    sealer = Sealer(store, LOG, [service_key()], clock)
    for number in range(WRITERS):
        _write_log(store, sealer, clock, number, records // WRITERS, bodies or _sample)
    done.write_text("whole\n")
    return folder / "ledger"


@dataclass(slots=True)
class _Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


def _sample(number: int, service: ServicePart, source: random.Random) -> Callable[[int], RecordBody]:
    """A few hundred different bodies, again and again, each under a request id of its own."""
    bodies = list(_bodies(service, source))
    return lambda index: _numbered(bodies[index % SAMPLES], number, index)


def _write_log(
    store: FolderStore, sealer: Sealer, clock: _Clock, number: int, records: int, bodies: Bodies
) -> None:
    name = f"01JGFJJZ0{number}{'0' * 16}"
    random_source = random.Random(number)
    log = WriterLog(LOG, name, Ed25519PrivateKey.from_private_bytes(bytes([number + 1]) * 32))
    service = ServicePart(version="0.1.0", commit="c" * 40, writer=name)
    body = bodies(number, service, random_source)
    limits, segment, length, commits = SegmentLimits(), 0, 0, 0
    store.create_appendable(segment_path(name, 0))
    file = (store.folder / segment_path(name, 0)).open("ab")
    next_seal = 1
    while log.size < records:
        batch = [encode_record(_genesis(log, service, clock))] if log.size == 0 else []
        count = min(random_source.randint(1, MOST_RECORDS_A_COMMIT), records - log.size - len(batch))
        is_last = log.size + len(batch) + count >= records
        batch += [body(log.size + n) for n in range(count)]
        if is_last and number < WRITERS - 1:
            batch[-1] = encode_record(ClosedRecord(time=format_time(clock()), service=service))
        staged = log.stage(batch)
        if length + len(staged.data) > limits.size_bytes or commits >= limits.commits:
            file.close()
            segment, length, commits = segment + 1, 0, 0
            store.create_appendable(segment_path(name, segment))
            file = (store.folder / segment_path(name, segment)).open("ab")
        file.write(staged.data)
        length, commits = length + len(staged.data), commits + 1
        log.accept(staged)
        clock.now += timedelta(milliseconds=250)
        if log.size >= next_seal * records // SEALS_A_WRITER:
            file.flush()
            sealer.run()
            next_seal += 1
    file.close()
    sealer.run()


def _genesis(log: WriterLog, service: ServicePart, clock: _Clock) -> GenesisRecord:
    record = GenesisRecord(
        time=format_time(clock()), log=LOG, vkey=log.vkey, policy=DIGEST, engine=ENGINE, service=service
    )
    return record.model_copy(update={"attestation": (service_key().sign(genesis_text(record)),)})


def _numbered(body: RecordBody, writer: int, index: int) -> RecordBody:
    """The same record under a request id of its own."""
    return RecordBody(
        body.before, body.between.replace(b"00000000-0000", b"%08d-%04d" % (index, writer)), body.after
    )


def _bodies(service: ServicePart, source: random.Random) -> Iterator[RecordBody]:
    for number in range(SAMPLES):
        found = {name: source.randint(1, 9) for name in source.sample(ENTITIES, 3)}
        is_allowed = source.random() > 0.03
        yield encode_record(
            AccessRecord(
                time=format_time(START + timedelta(hours=number)),
                request_id="00000000-0000-4000-8000-000000000000",
                who=Who(
                    kind="person",
                    issuer="entra",
                    tenant="7d1c5c1e-8f5b-4a4b-9b60-0f5f7ce02b11",
                    principal=f"7d1c5c1e-8f5b-4a4b-9b60-{source.randint(0, 400):012}",
                    roles=("Pii.Analyst",),
                ),
                what=What(
                    operation=source.choice(OPERATIONS),
                    texts=1,
                    input_chars=source.randint(40, 9000),
                    input_bytes=source.randint(40, 9000),
                    output_chars=source.randint(40, 9000),
                    language="en",
                    entities_found=found,
                    entities_released=found if is_allowed else {},
                    input_digests=KeyedDigests(key_id="a1b2c3d4", values=(source.randbytes(16).hex(),)),
                ),
                where=Where(address=f"198.51.100.{source.randint(1, 250)}"),
                decision=DecisionPart(
                    allowed=is_allowed,
                    reason="granted" if is_allowed else "operation_not_allowed",
                    role="Pii.Analyst" if is_allowed else None,
                    policy=DIGEST,
                ),
                outcome=Outcome(
                    status=200 if is_allowed else 403,
                    total_us=source.randint(900, 90_000),
                    engine_us=source.randint(500, 80_000),
                ),
                engine=ENGINE,
                service=service,
            )
        )
