"""Small ledgers, made as the service makes them: writers, segments, a root log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.ledger.bodies import encode_record
from shared.ledger.genesis import genesis_text
from shared.ledger.notes import Ed25519NoteKey, VerifierKey
from shared.ledger.segments import segment_path
from shared.ledger.writer import WriterLog
from shared.records.canonical import format_time
from shared.records.model import (
    AccessRecord,
    ClosedRecord,
    DecisionPart,
    EnginePart,
    GenesisRecord,
    Outcome,
    Record,
    ServicePart,
    What,
    Where,
    Who,
)
from shared.usecases.upkeep.sealing import Sealer, Sealing
from tests.support.worm import WormStore

LOG = "audit.test/presidio"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ULIDS = ("01JNC0000000000000000000AA", "01JNC0000000000000000000BB", "01JNC0000000000000000000CC")
DIGEST = "ab" * 32
ENGINE = EnginePart(
    digest=DIGEST,
    analyzer="2.2.366",
    anonymizer="2.2.366",
    model="en_core_web_sm",
    model_version="3.8.0",
    model_digest=DIGEST,
)


def private_key(seed: int) -> Ed25519PrivateKey:
    """A fixed key for each number, so that test ledgers have fixed bytes."""
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


SERVICE = Ed25519NoteKey(LOG, private_key(1))
SECOND = Ed25519NoteKey(LOG, private_key(2))


@dataclass(slots=True)
class Clock:
    """A clock that goes on by a second each time it is read."""

    now: datetime = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass(slots=True)
class Writer:
    """A writer whose commits go into a store at once."""

    store: WormStore
    name: str
    clock: Clock
    log: WriterLog
    service: ServicePart
    segment: int = 0
    length: int = 0
    notes: list[str] = field(default_factory=list)

    def commit(self, records: Sequence[Record]) -> str:
        """Append one commit, and return its signed checkpoint."""
        staged = self.log.stage([encode_record(record) for record in records])
        self.store.append(segment_path(self.name, self.segment), staged.data, self.length)
        self.length += len(staged.data)
        self.log.accept(staged)
        self.notes.append(staged.checkpoint)
        return staged.checkpoint

    def access(self, count: int = 1) -> str:
        """Commit some ordinary records."""
        return self.commit(
            [access_record(self.clock(), self.service, self.log.size + n) for n in range(count)]
        )

    def next_segment(self) -> None:
        """Go on in a new segment."""
        self.segment, self.length = self.segment + 1, 0
        self.store.create_appendable(segment_path(self.name, self.segment))

    def close(self) -> str:
        """Stop in order."""
        return self.commit([ClosedRecord(time=format_time(self.clock()), service=self.service)])


def access_record(moment: datetime, service: ServicePart, number: int) -> AccessRecord:
    """An ordinary call."""
    return AccessRecord(
        time=format_time(moment),
        request_id=f"req-{service.writer[-2:]}-{number:06}",
        who=Who(
            kind="person", issuer="entra", tenant="t-1", principal=f"p-{number % 3}", roles=("Pii.Analyst",)
        ),
        what=What(
            operation="pii.analyze",
            texts=1,
            input_chars=20 + number,
            language="en",
            entities_found={"PERSON": number % 4 + 1},
            entities_released={"PERSON": number % 4 + 1},
        ),
        where=Where(address="192.0.2.7"),
        decision=DecisionPart(allowed=number % 5 != 4, reason="granted", role="Pii.Analyst", policy=DIGEST),
        outcome=Outcome(status=200 if number % 5 != 4 else 403, total_us=1200, engine_us=900),
        engine=ENGINE,
        service=service,
    )


def start_writer(
    store: WormStore,
    name: str,
    clock: Clock,
    *,
    seed: int,
    signer: Ed25519NoteKey = SERVICE,
    root: str | None = None,
    configuration: str | None = None,
) -> Writer:
    """A new writer with its first segment and its genesis in it."""
    log = WriterLog(LOG, name, private_key(seed))
    service = ServicePart(version="0.1.0", commit="0" * 40, writer=name)
    writer = Writer(store, name, clock, log, service)
    genesis = GenesisRecord(
        time=format_time(clock()),
        log=LOG,
        vkey=log.vkey,
        policy=DIGEST,
        engine=ENGINE,
        service=service,
        root=root,
        configuration=configuration,
    )
    genesis = genesis.model_copy(update={"attestation": (signer.sign(genesis_text(genesis)),)})
    store.create_appendable(segment_path(name, 0))
    writer.commit([genesis])
    return writer


def sealer_of(store: WormStore, clock: Clock, signers: Sequence[Ed25519NoteKey] = (SERVICE,)) -> Sealer:
    """A sealer as a new process has it."""
    return Sealer(store, LOG, signers, clock)


@dataclass(slots=True)
class SmallLedger:
    """Three writers, several segments, a root log of several checkpoints."""

    store: WormStore
    clock: Clock
    writers: list[Writer]
    sealings: list[Sealing]

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """The trusted keys."""
        return (SERVICE.verifier,)


def small_ledger(seed: int = 10, signer: Ed25519NoteKey = SERVICE) -> SmallLedger:
    """One closed writer of two segments, one that crashed, one that still runs; sealed three times."""
    store, clock = WormStore(), Clock()
    sealer = sealer_of(store, clock, (signer,))
    first = start_writer(store, ULIDS[0], clock, seed=seed, signer=signer)
    first.access(2)
    second = start_writer(store, ULIDS[1], clock, seed=seed + 1, signer=signer)
    sealings = [sealer.run()]
    first.next_segment()
    first.access(3)
    second.access(1)
    third = start_writer(
        store, ULIDS[2], clock, seed=seed + 2, signer=signer, root=sealings[0].checkpoint.decode()
    )
    sealings.append(sealer.run())
    first.close()
    second.next_segment()
    second.access(2)
    third.access(1)
    sealings.append(sealer.run())
    return SmallLedger(store, clock, [first, second, third], sealings)
