"""One caller while records are read: counters, extremes, and the newest records behind them."""

from __future__ import annotations

from array import array

from shared.review.calendar import Day, read_time
from shared.review.directory import PrincipalKey
from shared.review.evidence import Bucket, checked_text
from shared.review.exercising import Exercising
from shared.review.policy_view import OPEN_OPERATIONS
from shared.review.uses import CallerUse, ClientUse, Days, Evidence, FirstUse, RoleUse

DAY_EVIDENCE = 10
MOST_CLIENTS = 256
"""So many client apps or addresses of one caller are told apart."""

OTHERS = "(others)"


class _Role:
    __slots__ = ("calls", "evidence", "exercise", "last", "recent_calls")

    def __init__(self) -> None:
        self.calls = self.recent_calls = 0
        self.last = ""
        self.evidence = Bucket()
        self.exercise = Exercising()

    def freeze(self) -> RoleUse:
        return RoleUse(
            self.calls,
            self.recent_calls,
            read_time(self.last) if self.last else None,
            self.evidence.freeze(),
            self.exercise.freeze(),
        )


class _Times:
    """Calls of one sort: how many, when first, and the recent ones."""

    __slots__ = ("calls", "first", "recent")

    def __init__(self, time: str) -> None:
        self.calls = 0
        self.first = time
        self.recent = Bucket()

    def add(self, time: str, item: str, is_recent: bool) -> None:
        self.calls += 1
        if time < self.first:
            self.first = time
        if is_recent:
            self.recent.add(item)


def _raise(numbers: array[int], days: int, day: int, count: int) -> array[int]:
    """Count on a day; an array of days is made with the first number that it must hold."""
    if not numbers:
        numbers = array("Q", bytes(8 * days))
    numbers[day] += count
    return numbers


class Caller:
    """Everything that is kept of one principal. Its size has a bound that no number of calls moves."""

    __slots__ = (
        "addresses",
        "calls",
        "clients",
        "day_calls",
        "day_evidence",
        "day_refused",
        "day_reidentified",
        "days",
        "earlier_calls",
        "earlier_off_hours",
        "first",
        "kind",
        "off_hours_sensitive",
        "refusal_reasons",
        "refusals",
        "refused",
        "reidentifications",
        "reidentified",
        "roles",
        "seen",
        "sensitive_released",
        "told",
        "windows",
    )

    def __init__(self, time: str, days: int) -> None:
        self.kind = ""
        self.days = days
        self.first = self.seen = time
        self.calls = self.refused = 0
        self.day_calls = array("Q")
        self.day_refused = array("Q")
        self.day_reidentified = array("Q")
        self.day_evidence: dict[int, Bucket] = {}
        self.roles: dict[str, _Role] = {}
        self.refusals = Bucket()
        self.refusal_reasons: dict[str, int] = {}
        self.reidentifications = self.sensitive_released = 0
        self.reidentified: _Times | None = None
        self.told: _Times | None = None
        self.earlier_calls = self.earlier_off_hours = 0
        self.off_hours_sensitive = Bucket()
        self.clients: dict[str, _Times] = {}
        self.addresses: dict[str, _Times] = {}
        self.windows: dict[tuple[str, str], str] = {}

    def see(self, time: str, kind: str) -> None:
        """Some record names this caller."""
        if time > self.seen:
            self.seen = time
        if time < self.first:
            self.first = time
        if kind > self.kind:
            self.kind = kind

    def exercise(self, role: str, operation: str, time: str) -> Exercising:
        """A call under this role was allowed or announced; what it needs goes into the answer."""
        use = self.roles.get(role)
        if use is None:
            use = self.roles[checked_text(role)] = _Role()
        if time > use.last and operation not in OPEN_OPERATIONS:
            use.last = time
        return use.exercise

    def count_role(self, role: str, day: Day, item: str) -> None:
        """An allowed call that needed a permission of this role."""
        use = self.roles[role]
        use.calls += 1
        use.recent_calls += day.is_recent
        use.evidence.add(item)

    def count_call(self, day: Day, item: str, is_off_hours: bool) -> None:
        """An allowed call."""
        self.calls += 1
        self.day_calls = _raise(self.day_calls, self.days, day.index, 1)
        if not day.is_recent:
            self.earlier_calls += 1
            self.earlier_off_hours += is_off_hours
            return
        evidence = self.day_evidence.get(day.index)
        if evidence is None:
            evidence = self.day_evidence[day.index] = Bucket(DAY_EVIDENCE)
        evidence.add(item)

    def refuse(self, reason: str, count: int, day: Day, item: str) -> None:
        """So many refused calls."""
        self.refused += count
        self.day_refused = _raise(self.day_refused, self.days, day.index, count)
        if day.is_recent:
            self.refusals.add(item, count)
            self.refusal_reasons[reason] = self.refusal_reasons.get(reason, 0) + count

    def give_out(self, day: Day, texts: int, is_revealing: bool, told: int) -> None:
        """So many texts had values brought back, so many findings of sensitive entity types were told."""
        self.sensitive_released += told
        if is_revealing:
            self.reidentifications += 1
            self.day_reidentified = _raise(self.day_reidentified, self.days, day.index, texts)

    def reidentify(self, time: str, day: Day, item: str) -> None:
        """Values were brought back, in no emergency."""
        if self.reidentified is None:
            self.reidentified = _Times(time)
        self.reidentified.add(time, item, day.is_recent)

    def tell(self, time: str, day: Day, item: str) -> None:
        """Sensitive entity types were told of, in no emergency."""
        if self.told is None:
            self.told = _Times(time)
        self.told.add(time, item, day.is_recent)

    def come_through(self, client: str, time: str, day: Day, item: str) -> None:
        """A call through this client app."""
        _take(self.clients, client, time, item, day.is_recent)

    def come_from(self, address: str, time: str, day: Day, item: str) -> None:
        """A call from this address."""
        _take(self.addresses, address, time, item, day.is_recent)

    def begin_emergency(self, role: str, until: str, day: Day, item: str) -> None:
        """An emergency began under this role, until then. Each process that serves in it says so, once."""
        if day.is_recent:
            first = self.windows.get((role, checked_text(until)), item)
            self.windows[role, until] = min(first, item)

    def _emergencies(self) -> dict[str, Evidence]:
        """Each window once, by the record that came first."""
        buckets: dict[str, Bucket] = {}
        for (role, _), item in sorted(self.windows.items()):
            buckets.setdefault(role, Bucket()).add(item)
        return {role: bucket.freeze() for role, bucket in buckets.items()}

    def freeze(self, key: PrincipalKey) -> CallerUse:
        """What was learned of the caller."""
        has_addresses = self.kind == "app" and OTHERS not in self.addresses
        return CallerUse(
            key=key,
            kind=self.kind,
            first=read_time(self.first),
            seen=read_time(self.seen),
            calls=self.calls,
            refused=self.refused,
            days=Days(self.day_calls, self.day_refused, self.day_reidentified),
            roles={name: use.freeze() for name, use in sorted(self.roles.items())},
            recent_refusals=self.refusals.freeze(),
            refusal_reasons=dict(sorted(self.refusal_reasons.items())),
            reidentifications=self.reidentifications,
            sensitive_released=self.sensitive_released,
            reidentified=_first(self.reidentified),
            told=_first(self.told),
            earlier_calls=self.earlier_calls,
            earlier_off_hours=self.earlier_off_hours,
            off_hours_sensitive=self.off_hours_sensitive.freeze(),
            clients=_clients(self.clients),
            addresses=_clients(self.addresses) if has_addresses else None,
            emergencies=self._emergencies(),
            day_evidence={day: bucket.freeze() for day, bucket in sorted(self.day_evidence.items())},
        )


def _take(known: dict[str, _Times], name: str, time: str, item: str, is_recent: bool) -> None:
    times = known.get(name)
    if times is None:
        name = checked_text(name) if len(known) < MOST_CLIENTS else OTHERS
        times = known.setdefault(name, _Times(time))
    times.add(time, item, is_recent)


def _clients(known: dict[str, _Times]) -> dict[str, ClientUse]:
    return {
        name: ClientUse(times.calls, read_time(times.first), times.recent.freeze())
        for name, times in sorted(known.items())
    }


def _first(times: _Times | None) -> FirstUse | None:
    return None if times is None else FirstUse(read_time(times.first), times.recent.freeze())
