"""Everything that makes reviews, over stores in memory: a real ledger, a made-up directory, a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import DirectoryUnavailable
from shared.ledger.notes import parse_vkey
from shared.ledger.reports import Report
from shared.ledger.verifier import Question, verify_ledger
from shared.records.canonical import format_time
from shared.records.model import Record, Who
from shared.review.directory import AppRole, Directory, Grant, Principal, PrincipalKey, Unknown
from shared.usecases.commits.committing import Committer
from shared.usecases.ports import LedgerStore
from shared.usecases.reviews.making import AccessReview, ReviewSettings
from shared.usecases.reviews.monthly import Reviewing
from shared.usecases.reviews.overdue import Escalation
from shared.usecases.reviews.recorded import Reviews
from shared.usecases.reviews.window import Evidence
from shared.usecases.upkeep.sealing import Sealer
from tests.support.committers import LOG, QUICK, SERVICE_KEY, ManualClock, make_writer
from tests.support.identities import default_policy
from tests.support.records import SERVICE, access_record
from tests.support.reviews import TENANT, principal
from tests.support.stores import MemoryStore

KEYS = (parse_vkey(SERVICE_KEY.vkey),)
WRITERS = ("01KB0000000000000000000001", "01KB0000000000000000000002", "01KB0000000000000000000003")


@dataclass(slots=True)
class MadeUpDirectory:
    """Says what it is told to, or nothing at all."""

    clock: Callable[[], datetime]
    away: bool = False
    unknown: tuple[Unknown, ...] = ()
    asked_for_names: list[bool] = field(default_factory=list)
    principals: dict[PrincipalKey, Principal] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)

    def hire(self, number: int, *roles: str, **changes: Any) -> PrincipalKey:
        """A person with roles, held for a year."""
        key, long_ago = principal(number), self.clock() - timedelta(days=365)
        person = Principal(key, "person", "enabled", created=long_ago, name=f"Name {number}")
        self.principals[key] = replace(person, **changes)
        self.grants += [Grant(key, role, f"a-{number}-{role}", since=long_ago) for role in roles]
        return key

    def read(self, now: datetime, names: bool = False) -> Directory:
        """As the port says."""
        self.asked_for_names.append(names)
        if self.away:
            raise DirectoryUnavailable("nothing could be read")
        return Directory(
            read_at=now,
            tenant=TENANT,
            roles=tuple(AppRole(role.name) for role in default_policy().roles),
            principals=dict(self.principals),
            grants=tuple(self.grants),
            groups={},
            unknown=self.unknown,
        )


@dataclass(slots=True)
class Process:
    """One process of the service: its own writer over the stores that all share."""

    house: ReviewHouse
    writer: str
    ledger: Committer
    reviewing: Reviewing
    records: list[Record] = field(default_factory=list)

    def commit(self, record: Record) -> None:
        """Store a record."""
        asyncio.run(self._commit(record))
        self.records.append(record)

    async def _commit(self, record: Record) -> None:
        await self.ledger.commit(record)

    def call(self, who: PrincipalKey, role: str, at: datetime, **what: Any) -> None:
        """A call of that person, allowed by that role."""
        record = access_record()
        made = record.model_copy(
            update={
                "time": format_time(at),
                "who": Who(kind="person", issuer="entra", tenant=who[0], principal=who[1], roles=(role,)),
                "decision": record.decision.model_copy(update={"role": role, "allowed": True}),
                "what": record.what.model_copy(update=what),
            }
        )
        self.commit(made)


@dataclass(slots=True)
class ReviewHouse:
    """Stores, directory and clock; processes are started over them."""

    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    archive: MemoryStore = field(default_factory=MemoryStore)
    settings: ReviewSettings = field(default_factory=ReviewSettings)
    directory: MadeUpDirectory = field(init=False)
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory = MadeUpDirectory(self.clock)

    def start(self, archive: LedgerStore | None = None) -> Process:
        """One more process; its archive may be one that fails."""
        writer = WRITERS[len(self.processes)]
        service = SERVICE.model_copy(update={"writer": writer})
        opened = make_writer(key=Ed25519PrivateKey.generate(), service=service)
        ledger = Committer(self.store, opened, [SERVICE_KEY], self.clock, QUICK)
        ledger.open()
        reviews = Reviews(self.store, self.archive, LOG, KEYS, service)
        process = Process(self, writer, ledger, None, [])  # type: ignore[arg-type] # set in a moment
        review = AccessReview(
            evidence=Evidence(self.store, KEYS, self.archive),
            archive=archive or self.archive,
            reviews=reviews,
            directory=self.directory,
            policy=default_policy(),
            settings=self.settings,
            service=service,
            commit=process.commit,
            clock=self.clock,
        )
        escalation = Escalation(reviews, service, process.commit, self.clock)
        process.reviewing = Reviewing(review, escalation, is_on=True)
        self.processes.append(process)
        return process

    def seal(self) -> None:
        """The root log covers what is there."""
        Sealer(self.store, LOG, [SERVICE_KEY], self.clock).run()

    def verify(self) -> Report:
        """The verdict of a verifier who has both stores."""
        self.seal()
        return verify_ledger(Question(self.store, KEYS, self.clock(), elsewhere=self.archive))

    def of(self, kind: type[Record] | Any) -> list[Any]:
        """Records of that type that any process has stored."""
        return [each for process in self.processes for each in process.records if isinstance(each, kind)]

    def close(self) -> None:
        """End all processes."""
        for process in self.processes:
            process.ledger.close()
