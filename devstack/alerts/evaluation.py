"""Evaluates rules as Azure Monitor does: window, threshold, dimensions, failing periods, states.

Sources: Microsoft's "Log search alert rules" and "Stateful and stateless alerts" pages.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from devstack.alerts.rules import Rule
from devstack.loganalytics.database import Result, Span

Dimensions = tuple[tuple[str, str], ...]

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqual": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqual": operator.le,
    "Equals": operator.eq,
}
_AGGREGATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "Maximum": max,
    "Minimum": min,
    "Total": sum,
    "Average": lambda values: sum(values) / len(values),
}


class Asker(Protocol):
    """Who answers KQL: the database itself, or the process that holds it."""

    def query(self, kql: str, *, now: datetime | None = None, span: Span | None = None) -> Result:
        """Run a query with a clock and a time range."""
        ...


@dataclass(frozen=True, slots=True)
class Violation:
    """One combination of dimensions that is beyond the threshold, with rows of the newest failing window."""

    dimensions: Dimensions
    value: float
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that fired or resolved for one combination of dimensions."""

    rule: Rule
    condition: Literal["Fired", "Resolved"]
    dimensions: Dimensions
    value: float
    fired_at: datetime
    resolved_at: datetime | None
    rows: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True)
class _Active:
    alert: Alert
    last_met: datetime


def evaluate(rule: Rule, source: Asker, at: datetime) -> list[Violation]:
    """What violates the rule at a moment. Each window ends `window` before the next newer one."""
    failing: dict[Dimensions, list[Violation]] = {}
    for period in range(rule.periods):
        until = at - rule.window * period
        seen = max(rule.lookback or timedelta(0), rule.window)
        result = source.query(rule.query, now=until, span=Span(until - seen, until))
        for violation in _judge(rule, result):
            failing.setdefault(violation.dimensions, []).append(violation)
    return [found[0] for found in failing.values() if len(found) >= rule.min_failing]


def _judge(rule: Rule, result: Result) -> Iterable[Violation]:
    groups: dict[Dimensions, list[dict[str, Any]]] = {} if rule.dimensions else {(): []}
    for row in result.as_dicts():
        groups.setdefault(tuple((name, str(row[name])) for name in rule.dimensions), []).append(row)
    is_beyond = _OPERATORS[rule.operator]
    for dimensions, rows in groups.items():
        value = _measure(rule, rows)
        if value is not None and is_beyond(value, rule.threshold):
            yield Violation(dimensions, value, tuple(rows[:10]))


def _measure(rule: Rule, rows: Sequence[dict[str, Any]]) -> float | None:
    if rule.measure_column is None:
        return float(len(rows))
    values = [float(row[rule.measure_column]) for row in rows if row[rule.measure_column] is not None]
    return _AGGREGATIONS[rule.aggregation](values) if values else None


def clear_after(rule: Rule) -> timedelta:
    """For how long the condition must not be met before a stateful alert resolves."""
    if rule.frequency <= timedelta(minutes=1):
        return timedelta(minutes=10)
    if rule.frequency < timedelta(minutes=15):
        return rule.frequency * 3
    return rule.frequency * (2 if rule.frequency < timedelta(hours=11) else 1)


def is_due(rule: Rule, at: datetime) -> bool:
    """True at the moments (whole minutes) at which the rule is evaluated."""
    return int(at.timestamp()) % int(rule.frequency.total_seconds()) == 0


@dataclass(slots=True)
class Evaluator:
    """Rules with their states. `step` is called with rising whole minutes."""

    rules: Sequence[Rule]
    source: Asker
    _active: dict[tuple[str, Dimensions], _Active] = field(default_factory=dict)

    def step(self, at: datetime) -> list[Alert]:
        """Evaluate what is due; the alerts that fired or resolved."""
        return [alert for rule in self.rules if is_due(rule, at) for alert in self._step_rule(rule, at)]

    @property
    def active(self) -> list[Alert]:
        """Alerts that fired and are not resolved."""
        return [active.alert for active in self._active.values()]

    def _step_rule(self, rule: Rule, at: datetime) -> Iterable[Alert]:
        for violation in evaluate(rule, self.source, at):
            key = (rule.name, violation.dimensions)
            alert = Alert(rule, "Fired", violation.dimensions, violation.value, at, None, violation.rows)
            if not rule.auto_mitigate:
                yield alert
            elif key in self._active:
                self._active[key].last_met = at
            else:
                self._active[key] = _Active(alert, at)
                yield alert
        for key, active in list(self._active.items()):
            if key[0] == rule.name and at - active.last_met >= clear_after(rule):
                del self._active[key]
                fired = active.alert
                yield Alert(rule, "Resolved", fired.dimensions, fired.value, fired.fired_at, at)
