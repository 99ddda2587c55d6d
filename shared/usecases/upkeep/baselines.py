"""What is normal: thirty days of records, summed up day by day, told once a day as `PresidioBaseline`.

Alert rules may look back two days, so what they compare with must come to them. A day that is over is
read once; its summary is kept, and the next thirty baselines are made of it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from shared.records.columns import Value
from shared.records.events import Baseline
from shared.usecases.telemetry import Telemetry

HISTORY_DAYS = 30
REVEALING = "pii.deanonymize"
Row = Mapping[str, Value]
"""A row of `shared.records.columns.flatten_record`."""


class DaysOfRecords(Protocol):
    """Where a day's records come from."""

    def rows(self, day: date) -> Iterator[Row]:
        """All rows whose RecordTime falls on that day (UTC), in any order. Raises StoreUnavailable."""
        ...


class Shelf(Protocol):
    """Where summaries of finished days are kept: small JSON texts by name."""

    def get(self, name: str) -> str | None:
        """The text, None where there is none. Raises StoreUnavailable."""
        ...

    def put(self, name: str, text: str) -> None:
        """Keep the text under the name. Raises StoreUnavailable."""
        ...


@dataclass(slots=True)
class Use:
    """One day of one caller, recognizer or entity type."""

    calls: int = 0
    peak_hits: int = 0
    peak_chars: int = 0
    peak_reveals: int = 0
    sensitive: set[str] = field(default_factory=set)
    purposes: set[str] = field(default_factory=set)


DaySummary = dict[tuple[str, str], Use]
"""(kind, key) -> its use on one day. Kinds: caller, recognizer, entity."""


def summarize_day(rows: Iterable[Row], sensitive: Collection[str]) -> DaySummary:
    """Sum up one day. `sensitive` are the policy's sensitive entity types."""
    day: defaultdict[tuple[str, str], Use] = defaultdict(Use)
    hits: Counter[tuple[str, str, str]] = Counter()
    chars: Counter[tuple[str, str]] = Counter()
    reveals: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["RecordType"] != "access" or row["Principal"] is None:
            continue
        minute, hour = str(row["RecordTime"])[:16], str(row["RecordTime"])[:13]
        caller = f"{row['CallerTenant']}/{row['Principal']}"
        use = day["caller", caller]
        use.calls += 1
        chars[caller, hour] += _number(row["InputChars"]) + _number(row["OutputChars"])
        _note_reasons(use, row, sensitive)
        if row["Operation"] == REVEALING and row["Allowed"]:
            reveals[caller, hour] += _number(row["Texts"])
        for kind, column in (("recognizer", "Recognizers"), ("entity", "EntitiesFound")):
            for name, count in _counts(row[column]).items():
                day[kind, name].calls += 1
                hits[kind, name, minute] += count
    for (kind, name, _), count in hits.items():
        day[kind, name].peak_hits = max(day[kind, name].peak_hits, count)
    for (caller, _), count in chars.items():
        day["caller", caller].peak_chars = max(day["caller", caller].peak_chars, count)
    for (caller, _), count in reveals.items():
        day["caller", caller].peak_reveals = max(day["caller", caller].peak_reveals, count)
    return dict(day)


def combine_days(days: Iterable[DaySummary]) -> list[Baseline]:
    """The baselines of several days, sorted by kind and key."""
    known = list(days)
    together: dict[tuple[str, str], list[Use]] = {}
    for day in known:
        for key, use in day.items():
            together.setdefault(key, []).append(use)
    return [_baseline(kind, key, uses, len(known)) for (kind, key), uses in sorted(together.items())]


def emit_baselines(
    records: DaysOfRecords, shelf: Shelf, telemetry: Telemetry, sensitive: Collection[str], now: datetime
) -> int:
    """Tell what is normal before today; the number of baselines. For a timer that runs once a day.

    Idempotent: a second run on the same day tells the same again. Raises StoreUnavailable.
    """
    today = now.astimezone(UTC).date()
    days = []
    for back in range(HISTORY_DAYS, 0, -1):
        day = today - timedelta(days=back)
        name = f"baselines/{day.isoformat()}.json"
        text = shelf.get(name)
        summary = load_summary(text) if text is not None else summarize_day(records.rows(day), sensitive)
        if text is None:
            shelf.put(name, dump_summary(summary))
        if summary:
            days.append(summary)
    baselines = combine_days(days)
    for baseline in baselines:
        telemetry.report(baseline)
    return len(baselines)


def dump_summary(summary: DaySummary) -> str:
    """A day's summary as JSON text, the same for the same day."""
    plain = []
    for (kind, key), use in sorted(summary.items()):
        numbers = (use.calls, use.peak_hits, use.peak_chars, use.peak_reveals)
        plain.append([kind, key, *numbers, sorted(use.sensitive), sorted(use.purposes)])
    return json.dumps(plain)


def load_summary(text: str) -> DaySummary:
    """The inverse of `dump_summary`."""
    return {
        (kind, key): Use(calls, hits, chars, reveals, set(sensitive), set(purposes))
        for kind, key, calls, hits, chars, reveals, sensitive, purposes in json.loads(text)
    }


def _note_reasons(use: Use, row: Row, sensitive: Collection[str]) -> None:
    if not row["Allowed"]:
        return
    use.sensitive |= set(_counts(row["EntitiesReleased"])) & set(sensitive)
    if row["Operation"] == REVEALING:
        use.sensitive.add(REVEALING)
    if isinstance(row["Purpose"], str):
        use.purposes.add(row["Purpose"])


def _baseline(kind: str, key: str, uses: list[Use], days: int) -> Baseline:
    return Baseline(
        kind=kind,
        key=key,
        days=days,
        active_days=len(uses),
        calls=sum(use.calls for use in uses),
        peak_hits_per_minute=max(use.peak_hits for use in uses),
        peak_chars_per_hour=max(use.peak_chars for use in uses),
        peak_reveals_per_hour=max(use.peak_reveals for use in uses),
        sensitive=tuple(sorted(set().union(*(use.sensitive for use in uses)))),
        purposes=tuple(sorted(set().union(*(use.purposes for use in uses)))),
    )


def _number(value: Value) -> int:
    return value if isinstance(value, int) else 0


def _counts(value: Value) -> dict[str, int]:
    return value if isinstance(value, dict) else {}
