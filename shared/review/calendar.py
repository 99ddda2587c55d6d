"""Days and hours of records: the texts of their times are enough, and quicker than dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from shared.records.canonical import format_time
from shared.review.options import ReviewOptions


@dataclass(frozen=True, slots=True)
class Day:
    """A day (UTC) of the window. `index` counts from the window's first day."""

    index: int
    is_recent: bool
    is_free: bool


MOST_DAYS = 3_700
"""Ten years: numbers are kept for each day."""


class Calendar:
    """The days of a window. Recent ones are the last `recent_days`, the window's last day included."""

    def __init__(self, since: datetime, until: datetime, options: ReviewOptions) -> None:
        """Raises ValueError for a window of less than 0 or more than `MOST_DAYS` days, or without zones."""
        if not timedelta() <= until - since < timedelta(days=MOST_DAYS):
            raise ValueError(f"expected a window of 0 to {MOST_DAYS} days, got {(until - since).days}")
        self.since, self.until = format_time(since), format_time(until)
        self._first = since.astimezone(UTC).date()
        self._options = options
        self.days = (until.astimezone(UTC).date() - self._first).days + 1
        self.recent_day = max(0, self.days - options.recent_days)
        self._known: dict[str, Day] = {}

    @property
    def recent_from(self) -> datetime:
        """Midnight of the first recent day."""
        midnight = datetime.combine(self._first, datetime.min.time(), UTC)
        return midnight + timedelta(days=self.recent_day)

    def day(self, time: str) -> Day:
        """The day of a record's time. Raises ValueError for a text that begins with no date."""
        text = time[:10]
        known = self._known.get(text)
        if known is None:
            on = date.fromisoformat(text)
            index = (on - self._first).days
            known = Day(index, index >= self.recent_day, on.weekday() in self._options.free_weekdays)
            self._known[text] = known
        return known

    def is_off_hours(self, time: str, day: Day) -> bool:
        """True where the time lies out of office hours."""
        return day.is_free or not self._options.opens_at <= int(time[11:13]) < self._options.closes_at


def read_time(text: str) -> datetime:
    """A record's time. Raises ValueError."""
    return datetime.fromisoformat(text)
