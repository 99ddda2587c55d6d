"""What the access review tells: it is there, it is overdue, it could not be made."""

from __future__ import annotations

from datetime import datetime, timedelta

from devstack.loganalytics.database import Database
from shared.records.canonical import format_time
from shared.records.model import Record, ReviewFailedRecord, ReviewOverdueRecord
from shared.usecases.reviews.making import render_reports, review_record
from tests.support.attack_registry import AFTER, WRITER, attack, new_stream, put
from tests.support.reviews import sample_review

HALF_HOUR = timedelta(minutes=30)


def tell(database: Database, at: datetime, record: Record) -> None:
    """One record of the process that runs the timers."""
    stream = new_stream()
    stream.write(at + AFTER, record, WRITER)
    put(database, stream)


@attack("review-ready", "the review of the month is made", HALF_HOUR)
def ready(database: Database, at: datetime) -> None:
    review = sample_review(made_at=at)
    record = review_record(review, render_reports(review), at, new_stream().service(WRITER))
    tell(database, at, record)


@attack("review-overdue", "nobody decided in two weeks", HALF_HOUR)
def overdue(database: Database, at: datetime) -> None:
    tell(
        database,
        at,
        ReviewOverdueRecord(
            time=format_time(at),
            review_id="2026-12",
            undecided=7,
            decide_by=format_time(at - timedelta(hours=1)),
            level=1,
            service=new_stream().service(WRITER),
        ),
    )


@attack("review-failed", "the directory told nothing at all", timedelta(hours=1))
def failed(database: Database, at: datetime) -> None:
    record = ReviewFailedRecord(
        time=format_time(at),
        review_id="2026-12",
        code="directory_unavailable",
        service=new_stream().service(WRITER),
    )
    tell(database, at, record)
