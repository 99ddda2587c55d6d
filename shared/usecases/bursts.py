"""Calls over a limit, recorded once a burst: two records however many calls there were.

The first call of a caller that is over a limit waits for a record of its own, as every answer does. Those
that follow are counted in memory and answered at once, with that record's name. The burst ends when its
caller has been within the limits for five seconds, after a minute, or when the service stops: then one record
tells how many followed, which, and of what operations. That a call is admitted in between ends nothing: a
flood just above its rate has one admitted every moment, and would leave two records for each.

The first record fails closed: without it nobody is answered 429, only 503. Once it stands, it is known who
was over a limit and since when; a process that is killed takes with it at most the tallies of a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import AuditUnavailable, RateLimited
from shared.records.canonical import format_time
from shared.records.model import BURST_ENDED, RefusalsRecord, ServicePart, Where, Who
from shared.usecases.commits.rewriting import UNAVAILABLE_STATUS
from shared.usecases.ports import Ledger, Receipt

MAX_IDS = 1_000
"""Request ids in one record; more are counted only."""

MAX_ALL_IDS = 100_000
"""Request ids of all bursts together: beyond that they are counted only."""

MAX_BURSTS = 5_000
"""Callers whose bursts are open at once; beyond that the oldest burst ends early."""

RATE_LIMITED = RateLimited.code
STATUS = 429

type Key = tuple[str | None, str | None]
"""Tenant and principal."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When a burst ends: after so long without a call over the limit, and after so long in any case."""

    quiet_s: float = 5.0
    longest_s: float = 60.0


@dataclass(frozen=True, slots=True)
class LimitedCall:
    """One call of a known caller that is over a limit."""

    request_id: str
    operation: str
    received: datetime
    who: Who
    where: Where


@dataclass(slots=True)
class Tally:
    """Calls that share a record, and what they have in common: what differs is not told of any."""

    who: Who
    where: Where
    since: datetime
    until: datetime
    count: int = 0
    request_ids: list[str] = field(default_factory=list)
    operations: Counter[str] = field(default_factory=Counter)

    @classmethod
    def before(cls, call: LimitedCall) -> Tally:
        """The tally that this call will be the first of."""
        return cls(call.who, Where(address=call.where.address), call.received, call.received)

    def add(self, call: LimitedCall, *, keeps_id: bool) -> None:
        """Count a call."""
        if self.who != call.who:
            self.who = _in_common(self.who, call.who)
        if self.where.address != call.where.address:
            self.where = Where()
        self.until = call.received
        self.count += 1
        self.operations[call.operation] += 1
        if keeps_id:
            self.request_ids.append(call.request_id)


@dataclass(slots=True, eq=False)
class Burst:
    """One caller's calls over its limits; `tally` are those after the first. Times are monotonic seconds."""

    opened: asyncio.Future[Receipt]
    since: float
    latest: float
    tally: Tally | None = None

    @property
    def ids(self) -> int:
        """Request ids that it keeps."""
        return 0 if self.tally is None else len(self.tally.request_ids)


class BurstCounter:
    """Lives on one event loop; `end_all` may be called from a thread once no calls come any more."""

    def __init__(
        self,
        ledger: Ledger,
        policy: str,
        service: ServicePart,
        pace: Pace | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._policy = policy
        self._service = service
        self._pace = pace or Pace()
        self._now_s = now_s
        self._bursts: dict[Key, Burst] = {}
        self._ids = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._bursts)

    @property
    def kept_ids(self) -> int:
        """Request ids in memory."""
        return self._ids

    async def commit(self, call: LimitedCall) -> Receipt:
        """Count the call; returns the receipt of its burst's first record. Raises AuditUnavailable."""
        key, now = (call.who.tenant, call.who.principal), self._now_s()
        burst = self._bursts.get(key)
        if burst is not None and self._is_over(burst, now):
            self._end(key, burst)
            burst = None
        if burst is None:
            burst = self._open(key, call, now)
        else:
            burst.latest = now
            self._count(burst, call)
        return await asyncio.shield(burst.opened)

    def end_all(self) -> list[RefusalsRecord]:
        """The last records of all open bursts, for whoever stops the service to commit."""
        records = []
        while self._bursts:
            _, burst = self._bursts.popitem()
            self._ids -= burst.ids
            if burst.tally is not None:
                records.append(self._last(burst.tally))
        return records

    def _open(self, key: Key, call: LimitedCall, now: float) -> Burst:
        if len(self._bursts) >= MAX_BURSTS:
            self._end_oldest()
        burst = Burst(asyncio.get_running_loop().create_future(), now, now)
        self._bursts[key] = burst
        self._start(self._store_first(key, burst, call))
        return burst

    def _end_oldest(self) -> None:
        """One whose first record is still on its way is left alone: calls in flight are few."""
        oldest = next((pair for pair in self._bursts.items() if pair[1].opened.done()), None)
        if oldest is not None:
            self._end(*oldest)

    def _count(self, burst: Burst, call: LimitedCall) -> None:
        if burst.tally is None:
            burst.tally = Tally.before(call)
        keeps_id = burst.ids < MAX_IDS and self._ids < MAX_ALL_IDS
        burst.tally.add(call, keeps_id=keeps_id)
        self._ids += keeps_id

    async def _store_first(self, key: Key, burst: Burst, call: LimitedCall) -> None:
        first = Tally.before(call)
        first.add(call, keeps_id=True)
        first.where = call.where
        try:
            receipt = await self._ledger.commit(self._record(first, RATE_LIMITED, STATUS, RATE_LIMITED))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._give_up(key, burst, error)
            return
        burst.opened.set_result(receipt)
        await self._watch(key, burst)

    def _give_up(self, key: Key, burst: Burst, error: Exception) -> None:
        """There is no first record: all who waited for it are answered 503, and the ledger hears of them."""
        burst.opened.set_exception(error)
        burst.opened.exception()  # mark it retrieved: the callers may all have gone
        if self._forget(key, burst) and burst.tally is not None:
            code = AuditUnavailable.code
            self._start(self._store(self._record(burst.tally, RATE_LIMITED, UNAVAILABLE_STATUS, code)))

    async def _watch(self, key: Key, burst: Burst) -> None:
        """End the burst when its time has come, if nothing has ended it before."""
        while self._bursts.get(key) is burst:
            now = self._now_s()
            if self._is_over(burst, now):
                self._end(key, burst)
                return
            await asyncio.sleep(self._end_of(burst) - now)

    def _is_over(self, burst: Burst, now: float) -> bool:
        """A burst whose first record is still on its way is never over."""
        return burst.opened.done() and now >= self._end_of(burst)

    def _end_of(self, burst: Burst) -> float:
        return min(burst.latest + self._pace.quiet_s, burst.since + self._pace.longest_s)

    def _end(self, key: Key, burst: Burst) -> None:
        if self._forget(key, burst) and burst.tally is not None:
            self._start(self._store(self._last(burst.tally)))

    def _forget(self, key: Key, burst: Burst) -> bool:
        """False where another way of ending it was first: a burst is told of once."""
        if self._bursts.get(key) is not burst:
            return False
        del self._bursts[key]
        self._ids -= burst.ids
        return True

    async def _store(self, record: RefusalsRecord) -> None:
        # Nobody waits for it. Where storage is away, the ledger keeps it until it is back or tells of a gap.
        with contextlib.suppress(AuditUnavailable):
            await self._ledger.commit(record)

    def _last(self, tally: Tally) -> RefusalsRecord:
        return self._record(tally, BURST_ENDED, STATUS, RATE_LIMITED)

    def _record(self, tally: Tally, reason: str, status: int, code: str) -> RefusalsRecord:
        return RefusalsRecord(
            time=format_time(tally.since),
            until=format_time(tally.until),
            count=tally.count,
            request_ids=tuple(tally.request_ids),
            operations=dict(tally.operations),
            where=tally.where,
            reason=reason,
            status=status,
            code=code,
            policy=self._policy,
            service=self._service,
            who=tally.who,
        )

    def _start(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _in_common(one: Who, other: Who) -> Who:
    """The same principal, without the token, client app or roles that differ."""
    changed = {
        name: empty
        for name, empty in (("token_id", None), ("app", None), ("roles", ()), ("issuer", None))
        if getattr(one, name) != getattr(other, name)
    }
    return one.model_copy(update=changed)
