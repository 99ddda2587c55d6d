"""Thirty days of a rule's schedule without its 43,200 runs: provably the same answer from a few dozen.

A rule is *monotone* if more rows in its window, or a shorter past before it, can only make it fire more.
Then one run over a stretch of time, with the window widened by the stretch, returning nothing, proves
that no evaluation within the stretch fires; where it returns something the stretch is halved, down to single
evaluations, which are run as they are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from devstack.alerts.evaluation import evaluate
from devstack.alerts.rules import Rule
from devstack.loganalytics.database import Database, Span

_AGO = re.compile(r"\bago\((\d+)([mhd])\)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def due_times(rule: Rule, start: datetime, end: datetime) -> list[datetime]:
    """The moments in (start, end] at which the rule is evaluated."""
    step = rule.frequency
    first = datetime.fromtimestamp(
        (int(start.timestamp()) // int(step.total_seconds()) + 1) * int(step.total_seconds()), start.tzinfo
    )
    return [first + step * n for n in range(int((end - first) / step) + 1)]


def widen(rule: Rule, stretch: timedelta) -> Rule:
    """The rule with each `ago(<its window>)` of its query moved back by the stretch."""

    def move(match: re.Match[str]) -> str:
        span = int(match[1]) * _UNITS[match[2]]
        if span != rule.window:
            raise ValueError(f"{rule.name}: ago({match[1]}{match[2]}) is not the rule's window")
        return f"ago({int((span + stretch).total_seconds() // 60)}m)"

    return replace(rule, query=_AGO.sub(move, rule.query))


def find_firings(rule: Rule, database: Database, times: list[datetime]) -> list[datetime]:
    """The moments at which a monotone rule fires."""
    if not times:
        return []
    if len(times) == 1:
        return times if evaluate(rule, database, times[0]) else []
    stretch = times[-1] - times[0]
    wide = widen(rule, stretch)
    result = database.query(wide.query, now=times[-1], span=Span(times[0] - rule.seen, times[-1]))
    if not _is_beyond(rule, result.as_dicts()):
        return []
    middle = len(times) // 2
    return find_firings(rule, database, times[:middle]) + find_firings(rule, database, times[middle:])


def _is_beyond(rule: Rule, rows: list[dict[str, object]]) -> bool:
    if rule.measure_column is None:
        return len(rows) > rule.threshold
    return any(float(str(row[rule.measure_column])) > rule.threshold for row in rows)


def by_day(times: list[datetime]) -> list[list[datetime]]:
    """Stretches that end where the next day's baselines are told (00:30), so that one baseline rules each."""
    stretches: dict[object, list[datetime]] = {}
    for at in times:
        stretches.setdefault((at - timedelta(minutes=30, seconds=1)).date(), []).append(at)
    return list(stretches.values())
