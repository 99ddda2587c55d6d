"""The thresholds of a review. docs/access-review-rules.md says what each is for; a test compares the two."""

from __future__ import annotations

from dataclasses import dataclass

from shared.review.policy_view import REIDENTIFY


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """What counts as long, much and late. Days are days of 24 hours, hours of the day are UTC.

    `unused_days`: so long a role must have been held, and so far must the ledger reach back, before anything
    is said about it not being used. `recent_days` is the time under review, for what is shown once: set it
    to the time since the last review. What is usual is taken from the time before it.
    """

    unused_days: int = 90
    recent_days: int = 31
    decide_days: int = 14

    narrow_min_calls: int = 20
    """A role that was used less often is not judged by what was used of it."""
    narrow_unused_share: float = 0.5
    """Operators and entity types are spoken of where at least this share of them was not used."""

    separate: tuple[tuple[str, str], ...] = (
        (REIDENTIFY, "audit.review"),
        (REIDENTIFY, "approval.decide"),
        ("service.operate", "audit.review"),
    )
    """Pairs of permissions that one hand must not hold together."""

    pipeline_share: float = 0.8
    """A client app is a pipeline's where at least this share of calls through it come from no person."""
    misuse_min_calls: int = 3

    usual_days: int = 28
    usual_min_calls: int = 20
    """A caller's habits are known after so many days and calls before the time under review."""

    refusals_min: int = 20
    refusals_factor: float = 3.0

    first_sensitive_min_calls: int = 3
    """Of re-identification, the first call is enough."""

    opens_at: int = 6
    closes_at: int = 20
    free_weekdays: tuple[int, ...] = (5, 6)
    """Office hours are from `opens_at` to before `closes_at` on all days but these (Monday is 0)."""
    off_hours_min_calls: int = 3
    off_hours_usual_share: float = 0.1
    """Somebody who makes more than this share of calls out of hours does so as a habit."""

    burst_min_calls: int = 200
    burst_min_texts: int = 40
    burst_factor: float = 3.0
    """A burst is a day with at least so many calls (or re-identified texts) and more than so many times the
    busiest day before it."""
