"""Making an access review: directory and ledger in, reports in the archive, a record of it in the ledger.

    directory read            nothing readable: a record of the failure, and the next day tries again
    ledger verified           between two root checkpoints; what is found wrong stands at the top
    rules                     findings
    claim                     of two processes one goes on
    reports stored            created once
    record committed          with their digests: only now the review exists

A process that dies after its claim leaves a review that was begun. The next run sees that after an hour, and
makes it anew under the id with a letter behind it: nothing that was left lying is believed.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.errors import LedgerError, MalformedReview, ObjectExists, ReviewConflict
from shared.identity.roles import Policy
from shared.ledger.sideobjects import Claim, ClaimKind, report_path
from shared.ledger.verifier import Progress, log_name
from shared.records.canonical import format_time, parse_time, sha256_hex
from shared.records.model import Record, ReviewFailedRecord, ReviewRecord, ServicePart
from shared.review.directory import Directory, Principal
from shared.review.findings import Review
from shared.review.options import ReviewOptions
from shared.review.page.document import render_page
from shared.review.report_csv import render_findings_csv
from shared.review.report_json import render_json
from shared.review.reviewing import review_access
from shared.review.usage import UsageBuilder
from shared.usecases.ports import Clock, DirectoryReader, LedgerStore
from shared.usecases.reviews.policy import view_policy
from shared.usecases.reviews.recorded import REPORT_CSV, REPORT_HTML, REPORT_JSON, Reviews
from shared.usecases.reviews.window import Evidence, observe_window

logger = logging.getLogger("presidio_access.review")

AT_WORK = timedelta(hours=1)
"""So long a claimed review may take; then whoever claimed it is taken for dead."""

SKEW = timedelta(minutes=5)
"""How far the clocks of two processes may differ."""

ATTEMPTS = "bcdefgh"
USUAL_GAP_DAYS = 31
DUE_HOUR = 5


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """What operators decide. `names`: whether names of people are in the reports that are stored."""

    days: int = 90
    decide_days: int = 14
    names: bool = False


@dataclass(frozen=True, slots=True)
class Previous:
    """The review before: findings by kind, and when its window ended."""

    kinds: dict[str, int]
    until: datetime


def make_review(
    evidence: Evidence,
    directory: Directory,
    policy: Policy,
    review_id: str,
    now: datetime,
    settings: ReviewSettings,
    previous: Previous | None = None,
    progress: Progress | None = None,
) -> Review:
    """The review of the window that ends now. Stores nothing. Raises LedgerError, StoreError."""
    gap_days = max(1, (now - previous.until).days) if previous else USUAL_GAP_DAYS
    options = ReviewOptions(
        unused_days=settings.days,
        recent_days=min(gap_days, settings.days),
        decide_days=settings.decide_days,
    )
    view, since = view_policy(policy), now - timedelta(days=settings.days)
    builder = UsageBuilder(view, since, now, options)
    window = observe_window(evidence, since, now, now, builder.observe, progress)
    usage = builder.build()
    if window.from_size:  # there are older records than those that were shown: history reaches back
        usage = replace(usage, first=min(usage.first or since, since))
    return review_access(
        directory if settings.names else without_names(directory),
        view,
        usage,
        window,
        log=log_name(evidence.keys),
        review_id=review_id,
        made_at=now,
        previous=previous.kinds if previous else None,
        options=options,
    )


def without_names(directory: Directory) -> Directory:
    """The same directory, and nobody's name."""
    principals: dict[tuple[str, str], Principal] = {
        key: replace(each, name=None) for key, each in directory.principals.items()
    }
    return replace(directory, principals=principals)


def render_reports(review: Review) -> dict[str, bytes]:
    """The files of a review, by name."""
    return {
        REPORT_JSON: render_json(review),
        REPORT_CSV: render_findings_csv(review),
        REPORT_HTML: render_page(review).html.encode(),
    }


@dataclass(frozen=True, slots=True)
class AccessReview:
    """Makes the review of each month, once. Blocks; `commit` stores a record."""

    evidence: Evidence
    archive: LedgerStore
    reviews: Reviews
    directory: DirectoryReader
    policy: Policy
    settings: ReviewSettings
    service: ServicePart
    commit: Callable[[Record], object]
    clock: Clock

    def run(self) -> ReviewRecord | None:
        """Make the review of this month where it is due and not made; None where there is nothing to do.

        Raises what stopped it, after a record of the failure.
        """
        now = self.clock()
        month = now.astimezone(UTC)
        if (month.day, month.hour) < (1, DUE_HOUR):
            return None
        return self._recording(f"{month:%Y-%m}", now, lambda: self._make_free(f"{month:%Y-%m}", now))

    def _make_free(self, month: str, now: datetime) -> ReviewRecord | None:
        review_id = self._free_id(month, now)
        return self.make(review_id, now) if review_id is not None else None

    def _free_id(self, month: str, now: datetime) -> str | None:
        """The id to make a review under, None where one is made or somebody is making it."""
        for review_id in (month, *(f"{month}{letter}" for letter in ATTEMPTS)):
            try:
                claim = self.reviews.find_claim(review_id)
                if claim is None:
                    return review_id
                if self.reviews.find(review_id) is not None or is_at_work(claim, now):
                    return None
            except LedgerError as error:  # somebody put it there: it stops nobody
                logger.error("what is claimed as the review %s is none: %s", review_id, error.code)
                continue
            logger.error("the review %s was begun and not finished", review_id)
        raise ReviewConflict(f"{len(ATTEMPTS) + 1} reviews of this month were begun and not finished")

    def make(self, review_id: str, now: datetime) -> ReviewRecord | None:
        """Make a review under an id; None where another process was quicker."""
        directory = self.directory.read(now, self.settings.names)
        previous = self._previous()
        review = make_review(self.evidence, directory, self.policy, review_id, now, self.settings, previous)
        return self._store(review)

    def _recording(
        self, review_id: str, now: datetime, work: Callable[[], ReviewRecord | None]
    ) -> ReviewRecord | None:
        """Do it; whatever stops it is recorded, which is an alert, and raised."""
        try:
            return work()
        except Exception as error:
            code = getattr(error, "code", "internal")
            logger.error("the review %s failed: %s", review_id, code)
            self.commit(
                ReviewFailedRecord(
                    time=format_time(now), review_id=review_id, code=code, service=self.service
                )
            )
            raise

    def _previous(self) -> Previous | None:
        made = self.reviews.all()
        if not made:
            return None
        try:
            report = self.reviews.report(made[0])
        except MalformedReview as error:
            logger.error("the last review %s: %s", made[0].id, error.message)
            return None
        return Previous(dict(Counter(each.kind for each in report.findings)), report.window.until)

    def _store(self, review: Review) -> ReviewRecord | None:
        files = render_reports(review)
        claim = Claim(
            ClaimKind.REVIEW,
            review.id,
            format_time(review.made_at),
            {"writer": self.service.writer, "report": sha256_hex(files[REPORT_JSON])},
        )
        if not self.reviews.claims.make(claim):
            return None
        for name, data in files.items():
            self._create(report_path(review.id, name), data)
        record = review_record(review, files, self.clock(), self.service)
        self.commit(record)
        return record

    def _create(self, path: str, data: bytes) -> None:
        try:
            self.archive.create(path, data)
        except ObjectExists:
            if self.archive.read(path) != data:
                raise ReviewConflict("other bytes stand in the archive where a report belongs") from None


def is_at_work(claim: Claim, now: datetime) -> bool:
    """True where whoever made the claim may still be alive. A claim from the future was put there."""
    return -SKEW < now - parse_time(claim.time) < AT_WORK


def review_record(
    review: Review, files: dict[str, bytes], now: datetime, service: ServicePart
) -> ReviewRecord:
    """The record of a review, with the digests of its files."""
    window = review.window
    return ReviewRecord(
        time=format_time(now),
        review_id=review.id,
        since=format_time(window.since),
        until=format_time(window.until),
        from_size=window.from_size,
        from_root=window.from_root,
        to_size=window.to_size,
        to_root=window.to_root,
        principals=len(review.rows),
        findings=dict(sorted(Counter[str](each.kind for each in review.findings).items())),
        risks=dict(sorted(Counter[str](each.risk for each in review.findings).items())),
        unknown=tuple(sorted({each.code for each in review.unknown})),
        reports={name: sha256_hex(data) for name, data in files.items()},
        decide_by=format_time(review.decide_by),
        service=service,
    )
