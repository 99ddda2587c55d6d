"""What is usual for a caller: only what was before the time under review says so."""

from __future__ import annotations

from collections.abc import Sequence

from shared.review.case import Case
from shared.review.uses import CallerUse


def has_habits(case: Case, caller: CallerUse) -> bool:
    """True where the caller had called for long and often enough to tell what is unusual for it."""
    days = (case.usage.recent_from - caller.first).days
    return days >= case.options.usual_days and caller.earlier_calls >= case.options.usual_min_calls


def usual_sum(days: Sequence[int], recent_day: int, length: int) -> int:
    """The greatest sum of `length` days before the time under review, in blocks that end with it."""
    sums = [sum(days[max(0, end - length) : end]) for end in range(recent_day, 0, -length)]
    return max(sums, default=0)


def bursts(days: Sequence[int], recent_day: int, least: int, factor: float) -> dict[int, int]:
    """Recent days of at least `least` that exceed `factor` times the busiest day before: day -> that day's.

    A monthly job has done it before; a caller that grows from day to day never leaps.
    """
    found: dict[int, int] = {}
    busiest = max(days[:recent_day], default=0)
    for day in range(recent_day, len(days)):
        if days[day] >= least and days[day] > factor * busiest:
            found[day] = busiest
        busiest = max(busiest, days[day])
    return found
