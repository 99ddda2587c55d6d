"""A review and how its findings stand: from the service, or proven from the evidence itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from auditor.calling import ServiceCalls, segment
from auditor.errors import AuditorError
from auditor.locating import Evidence
from shared.errors import MalformedReview, NotFound
from shared.ledger.checkpoints import Checkpoint
from shared.ledger.verifier import Progress, Question, verify_ledger
from shared.records.canonical import canonical_bytes, parse_time, sha256_hex
from shared.records.model import ReviewDecisionRecord, ServicePart
from shared.review.findings import Review
from shared.review.report_json import parse_report
from shared.review.standing import Decision, Standing, State, stand_findings
from shared.usecases.ports import LedgerStore
from shared.usecases.reviews.claimed_records import read_record
from shared.usecases.reviews.layered import LayeredReader
from shared.usecases.reviews.recorded import RecordedReview, Reviews, as_decision
from shared.version import VERSION


@dataclass(frozen=True, slots=True)
class LoadedReview:
    """`record` names the review's record; `digest` is the report's; `verdict`: what this rests on."""

    review: Review
    standings: dict[str, Standing]
    record: str
    digest: str
    verdict: str

    @property
    def undecided(self) -> int:
        """Findings that somebody must decide."""
        return sum(standing.is_open for standing in self.standings.values())


# --- from the service ---------------------------------------------------------------------------------


def load_from_service(calls: ServiceCalls, review_id: str | None) -> LoadedReview:
    """The review of that id, or the newest. The report is compared with its digest. Raises AuditorError."""
    chosen = review_id or _newest_id(calls)
    told = calls.get(f"/audit/reviews/{segment(chosen)}")
    try:
        data = canonical_bytes(told["report"])
        if sha256_hex(data) != told["digest"]:
            raise AuditorError("the report is not the one that its digest names")
        review = parse_report(data)
        standings = {name: _read_standing(name, each) for name, each in told["decisions"].items()}
        if standings.keys() != {finding.id for finding in review.findings}:
            raise AuditorError("the service tells of other findings than the report")
        return LoadedReview(
            review, standings, str(told["record"]), str(told["digest"]), "told by the service"
        )
    except (KeyError, TypeError, ValueError, AttributeError, MalformedReview) as error:
        raise AuditorError("the service answers with something that is no review") from error


def _newest_id(calls: ServiceCalls) -> str:
    listed = calls.get("/audit/reviews")
    try:
        return str(listed["reviews"][0]["review_id"])
    except (KeyError, TypeError, IndexError):
        raise AuditorError("there is no review yet") from None


def _read_standing(finding: str, told: Any) -> Standing:
    state = cast(State, str(told["state"]))
    if "record" not in told:
        return Standing(state)
    decision = Decision(
        finding=finding,
        choice=told["choice"],
        by=(str(told["by"]["tenant"]), str(told["by"]["principal"])),
        justification=str(told["justification"]),
        at=parse_time(told["at"]),
        record=str(told["record"]),
        defer_until=parse_time(told["defer_until"]) if told.get("defer_until") else None,
    )
    return Standing(state, decision, int(told["superseded"]))


# --- from the evidence --------------------------------------------------------------------------------


def load_from_evidence(
    found: Evidence, review_id: str | None, progress: Progress | None = None
) -> LoadedReview:
    """The review of that id, or the newest, with decisions from records that are verified as they are read.

    What the review's own root checkpoint covers is not read again. Raises AuditorError, LedgerError,
    StoreError.
    """
    archive = found.archive or found.source
    reviews = open_reviews(found)
    made = _choose(reviews, review_id)
    review = reviews.report(made)
    decisions: list[Decision] = []

    def observe(writer: str, index: int, fields: dict[str, Any]) -> None:
        if fields.get("type") == "review_decision" and fields.get("review_id") == made.id:
            record = read_record(fields)
            if isinstance(record, ReviewDecisionRecord) and record.report == made.digest:
                decisions.append(as_decision(f"{writer}/{index}", record))

    now = datetime.now(UTC)
    since = Checkpoint(found.log, made.record.to_size, bytes.fromhex(made.record.to_root))
    report = verify_ledger(
        Question(
            source=LayeredReader(found.source, archive) if found.archive else found.source,
            keys=found.keys,
            now=now,
            since=since if since.size else None,
            progress=progress,
            observe=observe,
        )
    )
    standings = stand_findings((each.id for each in review.findings), decisions, now)
    return LoadedReview(review, standings, made.name, made.digest, report.verdict)


def open_reviews(found: Evidence) -> Reviews:
    """The reviews of some evidence. Nothing is written: the claims are only read."""
    service = ServicePart(version=VERSION, commit="auditor", writer="auditor")
    store = cast(LedgerStore, found.source)
    return Reviews(store, found.archive or found.source, found.log, found.keys, service)


def _choose(reviews: Reviews, review_id: str | None) -> RecordedReview:
    if review_id is not None:
        try:
            return reviews.get(review_id)
        except NotFound:
            raise AuditorError(f"no review {review_id} in this evidence") from None
    made = reviews.all()
    if not made:
        raise AuditorError("there is no review in this evidence")
    return made[0]
