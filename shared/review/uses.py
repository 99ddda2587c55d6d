"""What callers did, as the records tell it: the values that the rules judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.review.directory import PrincipalKey
from shared.review.policy_view import OPEN_OPERATIONS

MOST_EVIDENCE = 20
"""The most names of records that stand behind one thing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """`records` are (time, `<writer>/<index>`), newest first, `MOST_EVIDENCE` at most; `count` counts all."""

    records: tuple[tuple[str, str], ...] = ()
    count: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the records, newest first."""
        return tuple(name for _, name in self.records)


@dataclass(frozen=True, slots=True)
class Exercise:
    """What the allowed calls of one caller under one role needed of that role, all together.

    `entities` were named in requests of pii.analyze or told of by its answers. `is_unrestricted`: at least
    one of them named none, or a type that records do not name, and so had everything searched that the role
    allows. `operators` were named in requests or ran; `has_unknown_operators`: a record does not say what its
    request named. `without`: operation -> statements (`purpose`, `justification`, `ticket`, `approval`) that
    at least one call came without. `languages` may hold `(other)`.
    """

    operations: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()
    is_unrestricted: bool = False
    operators: frozenset[str] = frozenset()
    has_unknown_operators: bool = False
    languages: frozenset[str] = frozenset()
    ad_hoc_recognizers: bool = False
    decision_process: bool = False
    most_chars: int = 0
    most_texts: int = 0
    purposes: frozenset[str] = frozenset()
    without: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleUse:
    """One caller's use of one role: allowed calls that needed a permission, recent ones, when the last was.

    Announced calls (`intent`) whose end is not recorded count for `last` and in what was exercised alone.
    Operations that need no permission stand in `exercise` only.
    """

    calls: int
    recent_calls: int
    last: datetime | None
    evidence: Evidence
    exercise: Exercise


@dataclass(frozen=True, slots=True)
class FirstUse:
    """The first time that a caller did something, and its recent calls that did it."""

    at: datetime
    recent: Evidence


@dataclass(frozen=True, slots=True)
class ClientUse:
    """Calls of one caller through one client app, or from one address; `recent` ones with evidence."""

    calls: int
    first: datetime
    recent: Evidence


@dataclass(frozen=True, slots=True)
class Days:
    """Numbers a day (UTC), the first being the window's first day. Empty where there was none at all."""

    calls: Sequence[int] = ()
    refused: Sequence[int] = ()
    reidentified: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class CallerUse:
    """All that one principal did in the window. Calls are allowed ones where nothing else is said.

    `seen` is the last time that any record names it. `recent_refusals`, `refusal_reasons`, `emergencies` (by
    role) and `off_hours_sensitive` are of the time under review; `earlier_calls` were before it, and
    `earlier_off_hours` of them out of office hours. `reidentified` and `told` (of sensitive entity types) are
    None where that never happened; they and `off_hours_sensitive` leave out emergencies, which are shown by
    themselves. `addresses` is None for a person, and where there are too many to keep.
    `day_evidence` holds records of recent days by day (index into `Days`).
    """

    key: PrincipalKey
    kind: str
    first: datetime
    seen: datetime
    calls: int
    refused: int
    days: Days
    roles: Mapping[str, RoleUse]
    recent_refusals: Evidence
    refusal_reasons: Mapping[str, int]
    reidentifications: int
    sensitive_released: int
    reidentified: FirstUse | None
    told: FirstUse | None
    earlier_calls: int
    earlier_off_hours: int
    off_hours_sensitive: Evidence
    clients: Mapping[str, ClientUse]
    addresses: Mapping[str, ClientUse] | None
    emergencies: Mapping[str, Evidence]
    day_evidence: Mapping[int, Evidence]

    @property
    def exercised(self) -> frozenset[str]:
        """The permissions for operations that were called, under whichever role."""
        called = {name for use in self.roles.values() for name in use.exercise.operations}
        return frozenset(called) - OPEN_OPERATIONS


@dataclass(frozen=True, slots=True)
class Usage:
    """What the records of a window say. `first` is the oldest record of all, None where there is none.

    `recent_day` is the first day (index into `Days`) of the time under review, `recent_from` its midnight.
    `person_addresses` are addresses from which people called, None where there are too many to keep.
    `not_understood` counts records of calls without the fields that their type has.
    """

    since: datetime
    until: datetime
    first: datetime | None
    records: int
    not_understood: int
    recent_from: datetime
    recent_day: int
    callers: Mapping[PrincipalKey, CallerUse]
    person_addresses: frozenset[str] | None
    month_calls: Mapping[str, Mapping[str, int]]

    @property
    def history_days(self) -> int:
        """Whole days that the records reach back from the window's end."""
        if self.first is None:
            return 0
        return max(0, (self.until - max(self.since, self.first)).days)
