"""Access reviews as the ledger has them: which there are, what they say, what was decided about them.

A report in the archive is believed only with the SHA-256 that the `review` record names, and that record only
with its place in its writer's log, under the key that the service's own key vouches for.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.errors import LedgerError, MalformedReview, NotFound, ObjectMissing
from shared.ledger.hashing import leaf_hash
from shared.ledger.notes import VerifierKey
from shared.ledger.sideobjects import Claim, ClaimKind, claim_path, parse_record_name, report_path
from shared.records.canonical import canonical_bytes, parse_time, sha256_hex
from shared.records.model import Record, ReviewDecisionRecord, ReviewRecord, ServicePart
from shared.review.findings import Review
from shared.review.report_json import parse_report
from shared.review.standing import Decision, Standing, stand_findings
from shared.usecases.once import Claims
from shared.usecases.ports import LedgerStore, Reader
from shared.usecases.reviews.claimed_records import find_claimed, read_record, verify_place
from shared.usecases.reviews.layered import LayeredReader

logger = logging.getLogger("presidio_access.review")

REPORT_JSON, REPORT_CSV, REPORT_HTML = "report.json", "report.csv", "report.html"


@dataclass(frozen=True, slots=True)
class RecordedReview:
    """A review that was made: its record, which is verified, and that record's name."""

    name: str
    record: ReviewRecord

    @property
    def id(self) -> str:
        """The review's id."""
        return self.record.review_id

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of its JSON report. Raises MalformedReview."""
        digest = self.record.reports.get(REPORT_JSON)
        if digest is None:
            raise MalformedReview("the record of a review names its JSON report")
        return digest


class Reviews:
    """The reviews of one ledger. Thread-safe; what is verified is kept, because it can never change."""

    def __init__(
        self,
        store: LedgerStore,
        archive: Reader,
        log: str,
        keys: Collection[VerifierKey],
        service: ServicePart,
    ) -> None:
        """`service` names the process whose writer claims announce."""
        self.service = service
        self.claims = Claims(store)
        self._reader = LayeredReader(store, archive)
        self._archive = archive
        self._log = log
        self._keys = tuple(keys)
        self._lock = threading.Lock()
        self._recorded: dict[str, RecordedReview] = {}
        self._decided: dict[str, tuple[Decision, ...]] = {}
        self._reports: tuple[str, Review] | None = None

    def all(self) -> list[RecordedReview]:
        """All reviews that were made, the newest first. Raises LedgerError, StoreError."""
        found = [self._find_listed(key) for key in self.claims.keys(ClaimKind.REVIEW)]
        return sorted((each for each in found if each is not None), key=lambda each: each.record.time)[::-1]

    def _find_listed(self, key: str) -> RecordedReview | None:
        """As `find`; None also for what somebody put there, so that it hides no other review."""
        try:
            return self.find(key)
        except LedgerError as error:
            logger.error("what is claimed as a review is none: %s", error.code)
            return None

    def find(self, review_id: str) -> RecordedReview | None:
        """The review of that id, None where none was made (yet). Raises LedgerError, StoreError."""
        if (known := self._recorded.get(review_id)) is not None:
            return known
        claim = self.find_claim(review_id)
        if claim is None:
            return None
        for name, record in self._records(claim, review_id):
            if isinstance(record, ReviewRecord) and record.review_id == review_id:
                recorded = RecordedReview(name, record)
                with self._lock:
                    self._recorded[review_id] = recorded
                return recorded
        return None

    def get(self, review_id: str) -> RecordedReview:
        """The review of that id. Raises NotFound."""
        found = self.find(review_id)
        if found is None:
            raise NotFound("no review of that id; GET /audit/reviews lists them")
        return found

    def find_claim(self, review_id: str) -> Claim | None:
        """The claim of a review, made or not; None also for what cannot be an id."""
        try:
            claim_path(ClaimKind.REVIEW, review_id)
        except ValueError:
            return None
        return self.claims.find(ClaimKind.REVIEW, review_id)

    def read_report(self, review: RecordedReview, file: str = REPORT_JSON) -> bytes:
        """A report's bytes, as its record has their digest. Raises MalformedReview, StoreError."""
        digest = review.record.reports.get(file)
        try:
            data = self._archive.read(report_path(review.id, file))
        except (ObjectMissing, ValueError):
            raise MalformedReview("the archive has no such report, though the ledger names it") from None
        if digest is None or sha256_hex(data) != digest:
            raise MalformedReview("the report in the archive is not the one that the ledger names")
        return data

    def report(self, recorded: RecordedReview) -> Review:
        """The review that its report holds. Raises MalformedReview, StoreError."""
        with self._lock:
            kept = self._reports
        if kept is not None and kept[0] == recorded.digest:
            return kept[1]
        review = parse_report(self.read_report(recorded))
        if review.id != recorded.id:
            raise MalformedReview("the report is of another review")
        with self._lock:
            self._reports = (recorded.digest, review)
        return review

    def decisions(self, review_id: str) -> list[Decision]:
        """All decisions about a review's findings, in no order. Raises LedgerError, StoreError."""
        keys = self.claims.keys(ClaimKind.DECISION, f"{review_id}-")
        return [each for key in keys for each in self._decided_under(key, review_id)]

    def _decided_under(self, key: str, review_id: str) -> tuple[Decision, ...]:
        """The decisions of one call; kept once there are as many as its claim announced."""
        if (known := self._decided.get(key)) is not None:
            return known
        try:
            claim = self.claims.find(ClaimKind.DECISION, key)
            if claim is None:
                return ()
            found = tuple(
                as_decision(name, record)
                for name, record in self._unproven(claim, key.removeprefix(f"{review_id}-"))
                if isinstance(record, ReviewDecisionRecord) and record.review_id == review_id
            )
        except LedgerError as error:  # claims are created once: what is none was put there, and hides nothing
            logger.error("what is claimed as decisions is none: %s", error.code)
            return ()
        if len(found) == claim.members.get("decisions"):
            with self._lock:
                self._decided[key] = found
        return found

    def stand(self, review: Review, now: datetime) -> dict[str, Standing]:
        """How each finding of a review stands at `now`. Raises LedgerError, StoreError."""
        return stand_findings((each.id for each in review.findings), self.decisions(review.id), now)

    def _records(self, claim: Claim, needle: str) -> Iterator[tuple[str, Record]]:
        """Records of a claim, each with its place proven."""
        for found in find_claimed(self._reader, claim, needle):
            if found.fields.get("type") == "review":
                writer, index = parse_record_name(found.name)
                line = canonical_bytes(found.fields)
                verify_place(self._reader, self._log, self._keys, writer, index, leaf_hash(line))
                yield found.name, read_record(found.fields)

    def count_undecided(self, made: RecordedReview, now: datetime) -> int:
        """Findings of a review that somebody must decide, without reading its report. Raises StoreError."""
        decisions = self.decisions(made.id)
        standings = stand_findings({each.finding for each in decisions}, decisions, now)
        settled = sum(not standing.is_open for standing in standings.values())
        return sum(made.record.findings.values()) - settled

    def _unproven(self, claim: Claim, needle: str) -> Iterator[tuple[str, Record]]:
        for found in find_claimed(self._reader, claim, needle):
            if str(found.fields.get("type")).startswith("review_"):
                yield found.name, read_record(found.fields)


def as_decision(name: str, record: ReviewDecisionRecord) -> Decision:
    """A decision as reviews judge it. Raises LedgerError where nobody made it."""
    who = record.who
    if who.tenant is None or who.principal is None:
        raise LedgerError("a decision was made by somebody")
    return Decision(
        finding=record.finding_id,
        choice=record.choice,
        by=(who.tenant, who.principal),
        justification=record.justification,
        at=parse_time(record.time),
        record=name,
        defer_until=parse_time(record.defer_until) if record.defer_until else None,
    )
