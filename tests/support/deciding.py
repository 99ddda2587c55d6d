"""Calls of reviewers about the findings of a review, and what they left in the ledger."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.records.model import AccessRecord, ReviewDecisionRecord
from shared.usecases.calls import Answer
from shared.usecases.reviews.operations import DECIDE, REVIEW
from tests.support.services import Bench

BECAUSE = "Left the team in May, confirmed by HR"
FIRST, SECOND = "f-0000000000000000", "f-0000000000000001"


def decide(
    bench: Bench, *decisions: Any, review: str = "2026-12", persona: str = "reviewer", **body: Any
) -> Answer:
    """One call of a reviewer. A text stands for a revocation of that finding."""
    wanted = [
        {"finding": each, "choice": "revoke", "justification": BECAUSE} if isinstance(each, str) else each
        for each in decisions
    ]
    call = bench.call(DECIDE, {"decisions": wanted, **body}, persona=persona, params={"id": review})
    return asyncio.run(call)


def show(bench: Bench, review: str = "2026-12", persona: str = "reviewer", **headers: str) -> Answer:
    return asyncio.run(bench.call(REVIEW, persona=persona, params={"id": review}, headers=headers))


def recorded(bench: Bench) -> list[ReviewDecisionRecord]:
    return [each for each in bench.ledger.records if isinstance(each, ReviewDecisionRecord)]


def last_access(bench: Bench) -> AccessRecord:
    record = bench.ledger.records[-1]
    assert isinstance(record, AccessRecord)
    return record
