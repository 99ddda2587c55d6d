"""What is normal: thirty days of records, summed up, told as events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from shared.records.columns import Place, Value, flatten_record
from shared.records.events import Baseline, ServiceEvent
from shared.usecases.telemetry import NoTelemetry
from shared.usecases.upkeep.baselines import (
    combine_days,
    dump_summary,
    emit_baselines,
    load_summary,
    summarize_day,
)
from tests.support.records import DECISION, EVERY_TYPE, WHAT, WHO, access_record

SENSITIVE = frozenset({"CREDIT_CARD", "EMAIL_ADDRESS"})
CALLER = f"{WHO.tenant}/{WHO.principal}"
NOW = datetime(2026, 11, 24, 0, 15, tzinfo=UTC)


def _rows(*times: str, **what: object) -> list[dict[str, Value]]:
    record = access_record(what=WHAT.model_copy(update=what))
    return [
        flatten_record(record.model_copy(update={"time": time}), Place("w", n))
        for n, time in enumerate(times)
    ]


MORNING = ("2026-11-23T09:00:01.000000Z", "2026-11-23T09:00:59.000000Z", "2026-11-23T09:01:00.000000Z")


def test_peaks_are_of_minutes_and_hours() -> None:
    """Two calls of a minute add up, the third does not; all three are of one hour."""
    day = summarize_day(_rows(*MORNING, input_chars=100, output_chars=10), SENSITIVE)
    assert day["recognizer", "EmailRecognizer"].peak_hits == 4
    assert day["entity", "PERSON"].peak_hits == 6
    assert day["caller", CALLER].peak_chars == 330
    assert day["caller", CALLER].calls == 3


def test_sensitive_use_and_purposes_are_noted() -> None:
    """Types told (not merely found), the revealing operation, and purposes of allowed calls."""
    day = summarize_day(_rows(MORNING[0], operation="pii.deanonymize", texts=5), SENSITIVE)
    use = day["caller", CALLER]
    assert use.sensitive == {"EMAIL_ADDRESS", "pii.deanonymize"}
    assert use.purposes == {"fraud-investigation"}
    assert use.peak_reveals == 5


def test_refused_calls_make_nothing_normal() -> None:
    """Who was refused has not used it: the first allowed call must still be the first."""
    refused = access_record(decision=DECISION.model_copy(update={"allowed": False}))
    use = summarize_day([flatten_record(refused, Place("w", 0))], SENSITIVE)["caller", CALLER]
    assert (use.sensitive, use.purposes, use.peak_reveals) == (set(), set(), 0)


def test_other_records_and_unknown_callers_are_passed_over() -> None:
    """Only calls of known callers count."""
    rows = [flatten_record(record, Place("w", n)) for n, record in enumerate(EVERY_TYPE[1:])]
    assert summarize_day(rows, SENSITIVE) == {}


def test_a_summary_survives_its_shelf() -> None:
    """The same day, the same text."""
    day = summarize_day(_rows(*MORNING), SENSITIVE)
    assert load_summary(dump_summary(day)) == day
    assert dump_summary(load_summary(dump_summary(day))) == dump_summary(day)


def test_days_are_combined_by_their_peaks() -> None:
    """The busiest minute of all days; days of use are counted."""
    quiet = summarize_day(_rows(MORNING[0]), SENSITIVE)
    busy = summarize_day(_rows(*MORNING), SENSITIVE)
    person = next(b for b in combine_days([quiet, busy, {}]) if (b.kind, b.key) == ("entity", "PERSON"))
    assert (person.days, person.active_days, person.calls, person.peak_hits_per_minute) == (3, 2, 4, 6)


class _Days:
    """Traffic on the day before only; notes which days are read."""

    def __init__(self) -> None:
        self.read: list[date] = []

    def rows(self, day: date) -> Iterator[dict[str, Value]]:
        self.read.append(day)
        yield from _rows(*MORNING) if day == date(2026, 11, 23) else []


class _Shelf(dict[str, str]):
    """Keeps texts."""

    def put(self, name: str, text: str) -> None:
        self[name] = text


class _Told(NoTelemetry):
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.events: list[ServiceEvent] = []

    def report(self, event: ServiceEvent) -> None:
        self.events.append(event)


def test_each_day_is_read_once() -> None:
    """Thirty finished days, never today; the next day reads one more."""
    days, shelf, told = _Days(), _Shelf(), _Told()
    number = emit_baselines(days, shelf, told, SENSITIVE, NOW)
    assert days.read == [date(2026, 11, 24) - timedelta(days=back) for back in range(30, 0, -1)]
    assert number == len(told.events) == 5
    assert all(isinstance(event, Baseline) and event.days == 1 for event in told.events)
    emit_baselines(days, shelf, told, SENSITIVE, NOW + timedelta(days=1))
    assert days.read[30:] == [date(2026, 11, 24)]
    assert told.events[:5] == told.events[5:]
