"""Refusals of unknown callers, counted together so that a flood cannot become a flood of storage writes.

The first refusal of a source and reason is committed at once. Those that follow within its window wait and
share one record with their number and their request ids; each is still answered only after its record
is stored. A window is short for as long as few wait in it, and grows to a second in a flood: somebody whose
token has expired is told so quickly, and an attacker slows himself down. At most `MAX_IDS` share a record,
and at most `MAX_SOURCES` sources are told apart; the others share one window, so that neither records nor
memory grow with the attacker's addresses.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from shared.records.canonical import format_time
from shared.records.model import RefusalsRecord, ServicePart, Where
from shared.usecases.ports import Clock, Ledger, Receipt

MAX_WINDOW_S = 1.0
WINDOW_S_PER_REFUSAL = 0.05
"""Each refusal that waited makes the next window this much longer: at most 20 records a second and source."""

MAX_IDS = 1_000
MAX_SOURCES = 2_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """One call that no known caller made: why it was refused and what it was answered."""

    request_id: str
    operation: str
    received: datetime
    where: Where
    reason: str
    status: int
    code: str


@dataclass(frozen=True, slots=True)
class Source:
    """What refusals must have in common to share a record."""

    address: str | None
    reason: str
    status: int
    code: str


@dataclass(slots=True)
class Window:
    """The refusals of one source that wait for the end of the second."""

    waiting: list[Refusal] = field(default_factory=list)
    stored: asyncio.Future[Receipt] | None = None


class RefusalCounter:
    """Lives on one event loop; not thread-safe."""

    def __init__(self, ledger: Ledger, clock: Clock, policy: str, service: ServicePart) -> None:
        self._ledger = ledger
        self._clock = clock
        self._policy = policy
        self._service = service
        self._windows: dict[Source, Window] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def commit(self, refusal: Refusal) -> Receipt:
        """Return once a record that counts this refusal is stored. Raises AuditUnavailable."""
        source = self._source_of(refusal)
        window = self._windows.get(source)
        if window is None:
            window = self._windows[source] = Window()
            self._start(self._close_later(source, window))
            return await self._ledger.commit(self._record(source, [refusal]))
        window.waiting.append(refusal)
        if window.stored is None:
            window.stored = asyncio.get_running_loop().create_future()
        stored = window.stored
        if len(window.waiting) >= MAX_IDS:
            self._flush(source, window)
        return await asyncio.shield(stored)

    def _source_of(self, refusal: Refusal) -> Source:
        source = Source(_network(refusal.where.address), refusal.reason, refusal.status, refusal.code)
        if source in self._windows or len(self._windows) < MAX_SOURCES:
            return source
        return Source(None, refusal.reason, refusal.status, refusal.code)

    async def _close_later(self, source: Source, window: Window) -> None:
        """Flush at the end of each window for as long as refusals keep coming, then forget the source."""
        length_s = WINDOW_S_PER_REFUSAL
        while True:
            await asyncio.sleep(length_s)
            length_s = min(MAX_WINDOW_S, WINDOW_S_PER_REFUSAL * max(1, len(window.waiting)))
            if not window.waiting:
                del self._windows[source]
                return
            self._flush(source, window)

    def _flush(self, source: Source, window: Window) -> None:
        refusals, stored = window.waiting, window.stored
        window.waiting, window.stored = [], None
        if stored is not None:
            self._start(self._store(self._record(source, refusals), stored))

    async def _store(self, record: RefusalsRecord, stored: asyncio.Future[Receipt]) -> None:
        try:
            stored.set_result(await self._ledger.commit(record))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            stored.set_exception(error)
            stored.exception()  # mark it retrieved: a flood's callers may all have gone

    def _record(self, source: Source, refusals: list[Refusal]) -> RefusalsRecord:
        where = refusals[0].where if len(refusals) == 1 else Where(address=source.address)
        return RefusalsRecord(
            time=format_time(min(refusal.received for refusal in refusals)),
            until=format_time(self._clock()),
            count=len(refusals),
            request_ids=tuple(refusal.request_id for refusal in refusals),
            operations=dict(Counter(refusal.operation for refusal in refusals)),
            where=where,
            reason=source.reason,
            status=source.status,
            code=source.code,
            policy=self._policy,
            service=self._service,
        )

    def _start(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _network(address: str | None) -> str | None:
    """The address, or the /64 of an IPv6 address: one subscriber usually holds all of it."""
    if address is None:
        return None
    parsed = ipaddress.ip_address(address)
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
