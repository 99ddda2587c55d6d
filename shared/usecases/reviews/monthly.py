"""The timers' work on access reviews: make the month's, and see to it that somebody decides."""

from __future__ import annotations

from dataclasses import dataclass

from shared.records.model import ReviewOverdueRecord, ReviewRecord
from shared.usecases.reviews.making import AccessReview
from shared.usecases.reviews.overdue import Escalation


@dataclass(frozen=True, slots=True)
class Reviewing:
    """Both jobs of one deployment. They block, and may run twice at once and die anywhere."""

    review: AccessReview
    escalation: Escalation
    is_on: bool

    def make_due(self) -> ReviewRecord | None:
        """The review of this month, where it is due and not made. Raises what stopped it."""
        return self.review.run() if self.is_on else None

    def look_after(self) -> ReviewOverdueRecord | None:
        """Once a day: make what could not be made before, and escalate what nobody decided."""
        try:
            self.make_due()
        finally:
            overdue = self.escalation.run()
        return overdue
