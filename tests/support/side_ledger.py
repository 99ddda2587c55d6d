"""A ledger with objects beside its logs, made in the order in which the service makes them.

One configuration that was changed once; an approval that was used, one rejected, one expired and one open; an
emergency; a review with its reports in the archive, a decision about it, and its escalation. All in two
writers' logs, sealed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.ledger.reports import Report
from shared.ledger.sideobjects import (
    Claim,
    ClaimKind,
    approval_key,
    decision_key,
    emergency_key,
    emergency_slot_key,
    overdue_key,
    report_path,
    snapshot_path,
)
from shared.ledger.verifier import Question, verify_ledger
from shared.records.canonical import format_time, sha256_hex
from shared.records.model import (
    ApprovalRecord,
    ConfigRecord,
    EmergencyRecord,
    KeyedDigests,
    Record,
    ReviewDecisionRecord,
    ReviewOverdueRecord,
    ReviewRecord,
    Where,
    Who,
)
from shared.usecases.upkeep.archiving import Archiver
from tests.support.ledgers import DIGEST, ENGINE, SERVICE, ULIDS, Clock, Writer, sealer_of, start_writer
from tests.support.worm import WormStore

REVIEW = "2026-03"
TICKET = "INC-4711"
ASKER = Who(kind="person", issuer="entra", tenant="t-1", principal="p-1")
APPROVER = Who(kind="person", issuer="entra", tenant="t-1", principal="p-2")
SNAPSHOTS = (b'{"policy":{"roles":{}},"v":1}', b'{"policy":{"roles":{"Pii.Analyst":{}}},"v":1}')
REPORTS = {"report.json": b'{"v":1}', "report.csv": b"finding\r\n", "report.html": b"<!doctype html>"}


@dataclass(slots=True)
class SideLedger:
    """The two stores, and who writes to them."""

    store: WormStore
    archive: WormStore
    clock: Clock
    writers: tuple[Writer, Writer]

    def claim(self, kind: ClaimKind, key: str, **members: str) -> Claim:
        """Make a claim, as the first who asks for it."""
        claim = Claim(kind, key, self.now(), members)
        self.store.create(claim.path, claim.encode())
        return claim

    def commit(self, record: Record, writer: int = 0) -> str:
        """Commit a record; returns its name as a claim's key has it."""
        log = self.writers[writer]
        log.commit([record])
        return approval_key(log.name, log.log.size - 1)

    def now(self) -> str:
        """A record's time."""
        return format_time(self.clock())

    def finish(self) -> SideLedger:
        """Seal, archive what is finished, and let a day pass."""
        sealer_of(self.store, self.clock).run()
        Archiver(self.store, self.archive, self.clock).run()
        return self

    # --- records of each kind -------------------------------------------------------------------------

    def configure(self, data: bytes, previous: bytes | None = None) -> None:
        """A configuration and its record."""
        self.store.create(snapshot_path(data), data)
        digest = sha256_hex(previous) if previous is not None else None
        self.commit(config_record(self, data, digest))

    def ask(self, writer: int = 0) -> str:
        """An approval is asked for; returns its key."""
        key = self.commit(approval_step(self, "requested", None, ASKER), writer)
        self.claim(ClaimKind.OPEN_APPROVAL, key)
        return key

    def approve(self, key: str, who: Who = APPROVER, writer: int = 1) -> None:
        """A second person says yes."""
        place = self.commit(approval_step(self, "approved", key, who), writer)
        self.claim(ClaimKind.APPROVED, key, record=place.replace("-", "/"))

    def end(self, key: str, step: str, who: Who | None = None, writer: int = 1) -> None:
        """The approval ends: whoever makes the claim ends it."""
        self.claim(ClaimKind.APPROVAL, key, step=step)
        self.commit(approval_step(self, step, key, who), writer)

    def declare(self, ticket: str = TICKET, number: int = 1) -> str:
        """The limited time of an emergency begins; returns its key."""
        key = emergency_key("t-1", "p-1", ticket)
        until = format_time(self.clock.now + timedelta(hours=1))
        slot = emergency_slot_key("t-1", "p-1", number)
        self.claim(ClaimKind.EMERGENCY_SLOT, slot, ticket=key, until=until)
        self.claim(ClaimKind.EMERGENCY, key, until=until)
        self.commit(emergency_record(self, ticket, until))
        return key

    def review(self, name: str = REVIEW, writer: int = 0) -> None:
        """A review is made: claim, reports, record."""
        self.claim(ClaimKind.REVIEW, name, report=sha256_hex(REPORTS["report.json"]))
        for file, data in REPORTS.items():
            self.archive.create(report_path(name, file), data)
        self.commit(review_record(self, name), writer)

    def decide(self, name: str = REVIEW, request_id: str = "req7") -> None:
        """A reviewer decides about a finding."""
        self.claim(ClaimKind.DECISION, decision_key(name, request_id))
        self.commit(
            ReviewDecisionRecord(
                time=self.now(),
                request_id=request_id,
                who=APPROVER,
                review_id=name,
                finding_id="f-0123456789abcdef",
                choice="revoke",
                justification="has left the team",
                report=sha256_hex(REPORTS["report.json"]),
                where=Where(),
                service=self.writers[0].service,
            )
        )

    def escalate(self, name: str = REVIEW, level: int = 1) -> None:
        """Nobody decided in time."""
        self.claim(ClaimKind.OVERDUE, overdue_key(name, level))
        self.commit(
            ReviewOverdueRecord(
                time=self.now(),
                review_id=name,
                undecided=2,
                decide_by=self.now(),
                level=level,
                service=self.writers[0].service,
            )
        )


def side_ledger() -> SideLedger:
    """The ledger of the first lines of this page."""
    ledger = empty_side_ledger()
    ledger.configure(SNAPSHOTS[0])
    ledger.configure(SNAPSHOTS[1], SNAPSHOTS[0])
    used, rejected, expired = ledger.ask(), ledger.ask(1), ledger.ask()
    ledger.ask()
    ledger.approve(used)
    ledger.end(used, "used", ASKER)
    ledger.end(rejected, "rejected", APPROVER, 0)
    ledger.end(expired, "expired")
    ledger.declare()
    ledger.review()
    ledger.decide()
    ledger.escalate()
    return ledger.finish()


def empty_side_ledger() -> SideLedger:
    """Two writers that have written nothing but their first records."""
    store, clock = WormStore(), Clock()
    writers = tuple(start_writer(store, name, clock, seed=70 + n) for n, name in enumerate(ULIDS[:2]))
    return SideLedger(store, WormStore(), clock, (writers[0], writers[1]))


def config_record(ledger: SideLedger, data: bytes, previous: str | None) -> ConfigRecord:
    """A record of a configuration."""
    return ConfigRecord(
        time=ledger.now(),
        state="in_force",
        configuration=sha256_hex(data),
        previous=previous,
        policy=DIGEST,
        engine=ENGINE,
        service=ledger.writers[0].service,
    )


def approval_step(ledger: SideLedger, step: str, key: str | None, who: Who | None) -> ApprovalRecord:
    """A record of one step of an approval."""
    return ApprovalRecord.model_validate(
        {
            "time": ledger.now(),
            "step": step,
            "approval": key.replace("-", "/") if key else None,
            "who": who,
            "operation": "pii.deanonymize",
            "demand": KeyedDigests(key_id="0a1b2c3d", values=("44" * 16,)),
            "expires": ledger.now(),
            "where": Where(),
            "policy": DIGEST,
            "service": ledger.writers[0].service,
        }
    )


def emergency_record(ledger: SideLedger, ticket: str, until: str) -> EmergencyRecord:
    """A record of an emergency's beginning."""
    return EmergencyRecord(
        time=ledger.now(),
        request_id="req-1",
        who=ASKER,
        role="Pii.BreakGlass",
        ticket=ticket,
        purpose="incident",
        justification="a stranded patient",
        until=until,
        where=Where(),
        policy=DIGEST,
        service=ledger.writers[0].service,
    )


def review_record(ledger: SideLedger, name: str) -> ReviewRecord:
    """A record of a review, which names its reports."""
    return ReviewRecord(
        time=ledger.now(),
        review_id=name,
        since=ledger.now(),
        until=ledger.now(),
        from_size=0,
        from_root=DIGEST,
        to_size=0,
        to_root=DIGEST,
        principals=3,
        findings={"dormant": 1},
        risks={"low": 1},
        reports={file: sha256_hex(data) for file, data in REPORTS.items()},
        decide_by=ledger.now(),
        service=ledger.writers[0].service,
    )


def check(
    store: WormStore,
    archive: WormStore | None,
    *,
    elsewhere: WormStore | None = None,
    after: timedelta = timedelta(days=1),
    clock: Clock | None = None,
) -> Report:
    """Verify as an auditor does who knows the service key alone."""
    now = (clock or Clock()).now + after
    return verify_ledger(Question(store, (SERVICE.verifier,), now, archive=archive, elsewhere=elsewhere))
