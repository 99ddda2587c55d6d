"""The month of ordinary traffic that the rules are tested on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

START = date(2026, 10, 20)
"""A Tuesday. The days that follow hold four weekends, a month end, two deployments and two mishaps."""

DAYS = 31


def span_of_silence() -> tuple[datetime, datetime]:
    """The thirty days in which nothing may fire."""
    first = datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(days=1)
    return first, first + timedelta(days=30)
