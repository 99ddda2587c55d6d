"""A review that was made: its reports in the bench's archive, its claim, and its record in the ledger."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.ledger.sideobjects import Claim, ClaimKind, report_path
from shared.records.canonical import format_time
from shared.review.findings import Review
from shared.usecases.reviews.making import render_reports, review_record
from tests.support.reviews import sample_review
from tests.support.services import Bench


def store_review(bench: Bench, review: Review | None = None, **changes: Any) -> Review:
    """Store a review as the timer does; `changes` replace fields of its record, as a liar would."""
    made = review or sample_review()
    files = render_reports(made)
    service = bench.path.reviews.service
    claim = Claim(ClaimKind.REVIEW, made.id, format_time(made.made_at), {"writer": service.writer})
    assert bench.path.reviews.claims.make(claim)
    for name, data in files.items():
        bench.archive.create(report_path(made.id, name), data)
    record = review_record(made, files, made.made_at, service).model_copy(update=changes)
    asyncio.run(bench.ledger.commit(record))
    return made
