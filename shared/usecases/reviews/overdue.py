"""What nobody decided in time is said again: once when the time is over, and again each week, louder.

Only the newest review is looked at: what an older one left undecided and is still so stands in it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.ledger.sideobjects import Claim, ClaimKind, overdue_key
from shared.records.canonical import format_time, parse_time
from shared.records.model import Record, ReviewOverdueRecord, ServicePart
from shared.usecases.ports import Clock
from shared.usecases.reviews.recorded import RecordedReview, Reviews

AGAIN = timedelta(days=7)
MAX_LEVEL = 52


@dataclass(frozen=True, slots=True)
class Escalation:
    """Says what is overdue. Blocks; `commit` stores a record."""

    reviews: Reviews
    service: ServicePart
    commit: Callable[[Record], object]
    clock: Clock

    def run(self) -> ReviewOverdueRecord | None:
        """Escalate the newest review where it is due; None where there is nothing (more) to say.

        Of two processes one says it. Where a process died between its claim and its record, the level is left
        out and the next one comes a week later. Raises LedgerError, StoreError.
        """
        made = self.reviews.all()
        if not made:
            return None
        now = self.clock()
        level = level_at(parse_time(made[0].record.decide_by), now)
        return self._escalate(made[0], level, now) if level else None

    def _escalate(self, made: RecordedReview, level: int, now: datetime) -> ReviewOverdueRecord | None:
        key = overdue_key(made.id, level)
        if self.reviews.claims.find(ClaimKind.OVERDUE, key) is not None:
            return None
        undecided = self.reviews.count_undecided(made, now)
        if not undecided:
            return None
        claim = Claim(ClaimKind.OVERDUE, key, format_time(now), {"writer": self.service.writer})
        if not self.reviews.claims.make(claim):
            return None
        record = ReviewOverdueRecord(
            time=format_time(now),
            review_id=made.id,
            undecided=undecided,
            decide_by=made.record.decide_by,
            level=level,
            service=self.service,
        )
        self.commit(record)
        return record


def level_at(decide_by: datetime, now: datetime) -> int:
    """0 until the time is over, then 1, and one more each week."""
    return 0 if now < decide_by else min(MAX_LEVEL, 1 + (now - decide_by) // AGAIN)
