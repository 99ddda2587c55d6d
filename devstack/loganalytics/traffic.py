"""Ordinary traffic, generated: weekdays, weekends, a nightly batch, month ends, a deployment, mishaps.

The same seed gives the same days. Nothing in it should raise an alarm; the tests of the rules hold that.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from devstack.loganalytics.cast import (
    BOT,
    ENGINE_DIGEST,
    NIGHTLY,
    OFFICE,
    PEOPLE,
    POLICY_DIGEST,
    SATURDAY_WORKER,
    Member,
)
from devstack.loganalytics.platform import platform_rows
from devstack.loganalytics.stream import ENGINE, Stream, TableRow, Use
from shared.records.canonical import format_time
from shared.records.events import (
    CommitFailed,
    Heartbeat,
    PipelineRun,
    Sealed,
    Verified,
    WriterSealed,
)
from shared.records.model import ClosedRecord, GenesisRecord, RefusalsRecord, Where
from shared.usecases.upkeep.baselines import DaySummary, combine_days, summarize_day

SENSITIVE = ("CREDIT_CARD", "CRYPTO", "US_SSN")
"""Of the policy's sensitive entity types, those that occur here."""

HISTORY_DAYS = 30
DEPLOYMENT_EVERY_DAYS = 13
MISHAP_EVERY_DAYS = 17


@dataclass(frozen=True, slots=True)
class Day:
    """Rows of one day by table."""

    day: date
    tables: dict[str, list[TableRow]]


@dataclass(slots=True)
class Traffic:
    """A service that has run for a while. `days` yields its days from `start` on."""

    start: date
    seed: int = 1
    policy: str = POLICY_DIGEST
    engine: str = ENGINE_DIGEST
    _stream: Stream = field(init=False)
    _history: list[DaySummary] = field(default_factory=list)
    _sealed: dict[str, int] = field(default_factory=dict)
    _restarts: int = 0

    def __post_init__(self) -> None:
        """Know the week before the start: baselines rest on it from the first day on."""
        self._stream = self._open_stream()
        for back in range(7, 0, -1):
            self._calls(self.start - timedelta(days=back))
            self._history.append(summarize_day(self._stream.flat, SENSITIVE))
            self._stream.flat.clear()
        self._stream = self._open_stream()

    def days(self, count: int) -> Iterator[Day]:
        """The next days, one after the other."""
        for number in range(count):
            yield self._day(self.start + timedelta(days=number), number)

    def _day(self, day: date, number: int) -> Day:
        stream = self._stream
        self._tell_baselines(day)
        is_deployment = number % DEPLOYMENT_EVERY_DAYS == DEPLOYMENT_EVERY_DAYS - 2
        self._calls(day, number if is_deployment else None)
        if number % MISHAP_EVERY_DAYS == MISHAP_EVERY_DAYS - 1:
            stream.tell(_at(day, 11), CommitFailed(stream.writers[0], "store_unavailable", 1, 2))
        self._pulse(day)
        stream.tell(_at(day, 3), Verified(0, 0, (), sum(stream.sizes.values()), 4_000))
        self._history.append(summarize_day(stream.flat, SENSITIVE))
        del self._history[:-HISTORY_DAYS]
        stream.rows.sort(key=lambda row: str(row["TimeGenerated"]))
        tables = {"AppEvents": stream.rows, **platform_rows(day, number % DEPLOYMENT_EVERY_DAYS == 5)}
        stream.rows, stream.flat = [], []
        return Day(day, tables)

    def _open_stream(self) -> Stream:
        engine = ENGINE.model_copy(update={"digest": self.engine})
        return Stream(self._new_writers(self.start), policy=self.policy, engine=engine)

    def _new_writers(self, day: date) -> list[str]:
        self._restarts += 1
        return [f"01JD{day:%Y%m%d}{self._restarts:06d}{'AB'[n]}0000000"[:26] for n in range(2)]

    def _tell_baselines(self, day: date) -> None:
        for baseline in combine_days(self._history):
            self._stream.tell(_at(day, 0, 30), baseline)

    def _calls(self, day: date, deploy: int | None = None) -> None:
        """Write the day's records in the order in which they were committed."""
        stream = self._stream
        steps: list[tuple[datetime, Callable[[], None]]] = []
        for number, use in enumerate((*self._uses(day), *self._batch(day))):
            steps.append((use.at, partial(stream.call, use, number)))
        for at in _refusal_times(day):
            steps.append((at, partial(self._refuse, at)))
        if deploy is not None:
            steps.append((_at(day, 14), partial(self._deploy, _at(day, 14), deploy)))
        for _, step in sorted(steps, key=lambda step: step[0]):
            step()

    def _uses(self, day: date) -> Iterator[Use]:
        rng = random.Random(f"{self.seed}/{day}")  # noqa: S311 - test data
        weekend = day.weekday() >= 5
        for member in PEOPLE:
            if not weekend:
                yield from _work(member, day, rng, range(8, 18), 1.0)
            elif member is SATURDAY_WORKER and day.weekday() == 5:
                yield from _work(member, day, rng, range(10, 12), 0.5)
        yield from _work(BOT, day, rng, range(24), 0.15 if weekend else 0.6)
        if not weekend:
            yield from _mishaps(day, rng)

    def _batch(self, day: date) -> Iterator[Use]:
        rng = random.Random(f"batch/{day}")  # noqa: S311 - test data
        is_month_end = (day + timedelta(days=1)).day == 1
        calls = 240 if is_month_end else 60 if day.weekday() >= 5 else 120
        redacted = 0
        for number in range(calls):
            step_s = 8 if is_month_end else 10
            at = _at(day, 2) + timedelta(seconds=number * step_s, milliseconds=rng.randrange(900))
            found = {name: rng.randrange(10, 60) for name in NIGHTLY.found}
            redacted += sum(found.values())
            yield Use(NIGHTLY, at, found, texts=20)
        run = PipelineRun(
            "claims", f"run-{day:%Y%m%d}", "succeeded", "", calls * 20, redacted, calls * 10_000
        )
        self._stream.tell(_at(day, 2, 44), run)

    def _refuse(self, at: datetime) -> None:
        stream = self._stream
        record = RefusalsRecord(
            time=format_time(at),
            until=format_time(at),
            count=1,
            request_ids=(f"refused-{at:%Y%m%d-%H%M%S}",),
            operations={"pii.analyze": 1},
            where=Where(address=OFFICE),
            reason="expired",
            status=401,
            code="invalid_token",
            policy=stream.policy,
            service=stream.service(stream.writers[0]),
        )
        stream.write(at + timedelta(seconds=1), record, stream.writers[0])

    def _deploy(self, at: datetime, number: int) -> None:
        """New code, the same policy and engine: old writers close, new ones begin."""
        stream = self._stream
        for writer in stream.writers:
            stream.write(at, ClosedRecord(time=format_time(at), service=stream.service(writer)), writer)
        stream.writers = self._new_writers(at.date())
        stream.version, stream.commit = f"0.1.{number}", f"{number:07x}"
        for writer in stream.writers:
            genesis = GenesisRecord(
                time=format_time(at),
                log="audit.example.com/presidio",
                vkey=f"audit.example.com/presidio/w/{writer}+00000000+AQID",
                policy=stream.policy,
                engine=stream.engine,
                service=stream.service(writer),
            )
            stream.write(at + timedelta(seconds=2), genesis, writer)

    def _pulse(self, day: date) -> None:
        """Heartbeat and seal of every minute. Seals tell the sizes that the records' own times make."""
        stream = self._stream
        committed: dict[int, dict[str, int]] = {}
        for row in stream.rows:
            if row["Name"] == "PresidioAudit":
                minute = int(row["TimeGenerated"][11:13]) * 60 + int(row["TimeGenerated"][14:16])
                sizes = committed.setdefault(minute, {})
                index = int(row["Measurements"]["RecordIndex"]) + 1
                writer = row["Properties"]["Writer"]
                sizes[writer] = max(sizes.get(writer, 0), index)
        for minute in range(1_440):
            at = _at(day, 0) + timedelta(minutes=minute, seconds=5)
            writer = stream.writers[0]
            digests = (stream.policy, stream.engine.digest)
            stream.tell(
                at,
                Heartbeat(writer, minute * 60, True, 0, 0, *digests, stream.version, stream.commit),
                writer,
            )
            for grown, size in sorted(committed.get(minute - 1, {}).items()):
                self._seal_writer(at, grown, size)
            stream.tell(at, Sealed(sum(self._sealed.values()), 2, 35), writer)
        for grown, size in sorted(committed.get(1_439, {}).items()):
            self._seal_writer(_at(day, 0) + timedelta(days=1, seconds=-0.5), grown, size)

    def _seal_writer(self, at: datetime, writer: str, size: int) -> None:
        before = self._sealed.get(writer, 0)
        if size > before:
            self._stream.tell(at, WriterSealed(writer, before, size))
            self._sealed[writer] = size


def _refusal_times(day: date) -> list[datetime]:
    """Expired tokens: a few a day, a dozen when everybody comes back on Monday."""
    return [
        _at(day, 8, 2) + timedelta(seconds=number * 7) for number in range(12 if day.weekday() == 0 else 3)
    ]


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)


def _work(member: Member, day: date, rng: random.Random, hours: range, share: float) -> Iterator[Use]:
    for hour in hours:
        calls = member.per_hour * share * rng.uniform(0.6, 1.4)
        for _ in range(int(calls) + (rng.random() < calls % 1)):
            at = _at(day, hour) + timedelta(seconds=rng.uniform(0, 3_599))
            found = {name: rng.randrange(1, 6) for name in member.found if rng.random() < 0.7}
            chars = int(member.chars * rng.uniform(0.3, 1.7))
            yield Use(member, at, found, chars=chars)
    if member.rarely:
        for _ in range(3):
            at = _at(day, 9) + timedelta(seconds=rng.uniform(0, 25_000))
            yield Use(member, at, dict.fromkeys(member.rarely, 1), chars=300)


def _mishaps(day: date, rng: random.Random) -> Iterator[Use]:
    """What goes wrong every day: a role that is missing, a bad request, somebody who changes networks."""
    for member in rng.sample(PEOPLE, 2):
        at = _at(day, 10) + timedelta(seconds=rng.uniform(0, 20_000))
        yield Use(
            member,
            at,
            operation="pii.deanonymize",
            status=403,
            code="insufficient_scope",
            reason="not_permitted",
        )
        yield Use(
            member, at + timedelta(seconds=40), status=400, code="invalid_request", reason="not_decided"
        )
    traveller, token = PEOPLE[0], f"anna-travels-{day:%Y%m%d}"
    for minutes, address in (
        (0, traveller.address),
        (6, traveller.address),
        (21, "203.0.113.99"),
        (30, "203.0.113.99"),
    ):
        yield Use(
            traveller,
            _at(day, 17, 5) + timedelta(minutes=minutes),
            {"PERSON": 1},
            address=address,
            token=token,
        )
