"""NCRONTAB schedules as Azure Functions has them: `second minute hour day month day-of-week`, in UTC.

Five fields (without seconds) are taken too. A day must match both `day` and `day-of-week` (NCrontab, unlike
cron, where either is enough). Names of months and days may be used, in English, three letters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from devstack.host.errors import HostError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_BOUNDS = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "month": (1, 12),
    "day-of-week": (0, 6),
}
_HORIZON_DAYS = 366 * 41
"""29 February on a given day of the week comes at least once in 40 years."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The allowed values of each field, ascending."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: datetime) -> datetime:
        """The first time strictly after an aware moment. Raises HostError where there is none."""
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        for ahead in range(_HORIZON_DAYS):
            day = start.date() + timedelta(days=ahead)
            if self._serves(day):
                for candidate in self._times_on(day):
                    if candidate >= start:
                        return candidate
        raise HostError("the schedule never comes round")

    def _serves(self, day: date) -> bool:
        weekday = (day.weekday() + 1) % 7  # NCRONTAB counts from Sunday
        return day.month in self.months and day.day in self.days and weekday in self.weekdays

    def _times_on(self, day: date) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                for second in self.seconds:
                    yield datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)


def parse_schedule(text: str) -> Schedule:
    """Read a schedule. Raises HostError that says which field is wrong."""
    fields = text.split()
    if len(fields) == 5:
        fields.insert(0, "0")
    if len(fields) != 6:
        raise HostError(f"schedule '{text}': expected 6 fields (second minute hour day month day-of-week)")
    values = [_parse_field(name, field) for name, field in zip(_BOUNDS, fields, strict=True)]
    seconds, minutes, hours = (tuple(sorted(chosen)) for chosen in values[:3])
    return Schedule(seconds, minutes, hours, *values[3:])


def _parse_field(name: str, field: str) -> frozenset[int]:
    chosen: set[int] = set()
    for part in field.split(","):
        body, _, step_text = part.partition("/")
        step = _parse_number(name, step_text) if step_text else 1
        low, high = _parse_range(name, body, open_ended=bool(step_text))
        if step < 1 or low > high:
            raise HostError(f"schedule: '{part}' is not a range of {name}")
        chosen.update(range(low, high + 1, step))
    return frozenset(chosen)


def _parse_range(name: str, body: str, *, open_ended: bool) -> tuple[int, int]:
    lowest, highest = _BOUNDS[name]
    if body == "*":
        return lowest, highest
    first, dash, last = body.partition("-")
    low = _parse_value(name, first)
    if dash:
        return low, _parse_value(name, last)
    return low, highest if open_ended else low


def _parse_value(name: str, text: str) -> int:
    names = {"month": (_MONTHS, 1), "day-of-week": (_DAYS, 0)}.get(name)
    if names and text.lower()[:3] in names[0]:
        return names[0].index(text.lower()[:3]) + names[1]
    value = _parse_number(name, text)
    lowest, highest = _BOUNDS[name]
    if not lowest <= value <= highest:
        raise HostError(f"schedule: {name} is between {lowest} and {highest}, got {value}")
    return value


def _parse_number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise HostError(f"schedule: expected a number for {name}, got '{text}'")
    return int(text)
