"""The limited time of an emergency role: opened by its first use with a ticket, over when it is over.

A window belongs to one person and one ticket. It is opened by two claims: a numbered one among the person's
windows, which counts them and fixes the time, and one under the ticket's name. Whoever makes the first has
opened it; who comes at the same moment reads it. Before a process serves its first call in a window it
commits an `emergency` record, whether it opened the window or found it open: so no call is served in a
window of which the ledger does not know, whatever died in between. Records of one window differ in nothing
that bounds it.

Claims carry a keyed digest of what they say. Storage is believed about none of it: a claim whose digest does
not hold opens nothing. A window's claim that is gone is made again with the time of its number: a ticket
does not become fresh by that. Without storage there is no emergency: the role is refused with 503.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import AccessDenied, MalformedLedger, StoreUnavailable
from shared.identity.decisions import Emergency
from shared.ledger.sideobjects import (
    Claim,
    ClaimKind,
    emergency_key,
    emergency_slot_key,
    emergency_slots,
)
from shared.records.canonical import canonical_bytes, format_time, parse_time
from shared.records.digests import DigestKey
from shared.records.model import EmergencyRecord
from shared.usecases.once import Claims
from shared.usecases.ports import Receipt

WEEK = timedelta(days=7)
SKEW = timedelta(minutes=1)
"""How far the clocks of two processes may differ: a window that begins later than that has not begun."""

MAX_SLOTS = 128
"""So many of a person's windows are looked at, the newest: more than a week may have by any policy."""

MAX_KNOWN = 1_000
ATTEMPTS = 5

type MakeRecord = Callable[[datetime], EmergencyRecord]
"""The record of a window that ends at this time."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of an emergency role. `who` names the call that makes it, and nothing else."""

    tenant: str
    principal: str
    role: str
    ticket: str
    bounds: Emergency
    who: str

    @property
    def key(self) -> str:
        """The key of the window's claim."""
        return emergency_key(self.tenant, self.principal, self.ticket)


@dataclass(frozen=True, slots=True)
class Window:
    """A window: when it was opened, and when it ends."""

    first: datetime
    until: datetime


class Emergencies:
    """The windows of all persons, as this process knows them. Thread-safe; all but `is_open` block."""

    def __init__(self, claims: Claims, key: DigestKey) -> None:
        self._claims = claims
        self._key = key
        self._known: OrderedDict[tuple[str, str], Window] = OrderedDict()
        self._lock = threading.Lock()

    def is_open(self, use: Use, now: datetime) -> bool:
        """True where this process knows the window, has its record, and it lasts. Touches no storage.

        Raises AccessDenied where it knows that the window is over.
        """
        window = self._known.get((use.key, use.role))
        if window is None:
            return False
        _check_time(window, use.bounds, now)
        return True

    def end_of(self, use: Use) -> datetime | None:
        """When the window ends, if this process knows it."""
        window = self._known.get((use.key, use.role))
        return None if window is None else _end(window, use.bounds)

    def enter(
        self, use: Use, now: datetime, make_record: MakeRecord, commit: Callable[[EmergencyRecord], Receipt]
    ) -> None:
        """Open the window or find it open, and commit its record.

        Raises AccessDenied (`emergency_over`, `emergency_too_many`, `emergency_early`,
        `emergency_tampered`), StoreUnavailable, AuditUnavailable.
        """
        with self._lock:  # one process opens one window at a time, and records it once
            if self.is_open(use, now):
                return
            window = self._find_or_open(use, now)
            _check_time(window, use.bounds, now)
            commit(make_record(window.until))
            self._known[use.key, use.role] = window
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)

    def _find_or_open(self, use: Use, now: datetime) -> Window:
        for _ in range(ATTEMPTS):
            claim = self._find(ClaimKind.EMERGENCY, use.key)
            if claim is not None:
                return self._read(claim)
            window = self._take_slot(use, now)
            if window is not None:
                self._claims.make(self._claim(ClaimKind.EMERGENCY, use.key, window, {}, use.who))
        raise StoreUnavailable("the window of an emergency could not be agreed on")

    def _take_slot(self, use: Use, now: datetime) -> Window | None:
        """The window that a number among the person's gives; None where another call was quicker."""
        numbers = self._numbers(use)
        slots = [self._slot(use, number) for number in numbers[-MAX_SLOTS:]]
        for slot in slots:
            if slot.members.get("ticket") == use.key:
                return self._read(slot)
        recent = [slot for slot in slots if parse_time(slot.time) > now - WEEK]
        if len(recent) >= use.bounds.windows_a_week:
            raise AccessDenied(
                "emergency_too_many",
                f"expected at most {use.bounds.windows_a_week} emergencies of one person in seven days",
            )
        window = Window(now, now + use.bounds.window)
        key = emergency_slot_key(use.tenant, use.principal, len(numbers) + 1)
        claim = self._claim(ClaimKind.EMERGENCY_SLOT, key, window, {"ticket": use.key}, use.who)
        return window if self._claims.make(claim) else None

    def _numbers(self, use: Use) -> list[int]:
        """The numbers of the person's windows: from 1, without a gap, since claims are never deleted."""
        start = f"{emergency_slots(use.tenant, use.principal)}-"
        numbers = [int(key.removeprefix(start)) for key in self._claims.keys(ClaimKind.EMERGENCY_SLOT, start)]
        if numbers != list(range(1, len(numbers) + 1)):
            raise _tampered()
        return numbers

    def _slot(self, use: Use, number: int) -> Claim:
        key = emergency_slot_key(use.tenant, use.principal, number)
        claim = self._find(ClaimKind.EMERGENCY_SLOT, key)
        if claim is None:
            raise _tampered()
        self._read(claim)
        return claim

    def _find(self, kind: ClaimKind, key: str) -> Claim | None:
        try:
            return self._claims.find(kind, key)
        except MalformedLedger as error:
            raise _tampered() from error

    def _claim(self, kind: ClaimKind, key: str, window: Window, more: dict[str, str], who: str) -> Claim:
        members = {**more, "until": format_time(window.until), "by": who, "key_id": self._key.key_id}
        claim = Claim(kind, key, format_time(window.first), members)
        return Claim(kind, key, claim.time, {**members, "digest": self._digest(claim)})

    def _read(self, claim: Claim) -> Window:
        """What a claim says, if its digest holds. One of another digest key is over: nobody can check it."""
        members = {name: value for name, value in claim.members.items() if name != "digest"}
        is_ours = members.get("key_id") == self._key.key_id
        if is_ours and claim.members.get("digest") != self._digest(
            Claim(claim.kind, claim.key, claim.time, members)
        ):
            raise _tampered()
        try:
            first, until = parse_time(claim.time), parse_time(str(members.get("until")))
        except ValueError as error:
            raise _tampered() from error
        return Window(first, until if is_ours else first)

    def _digest(self, claim: Claim) -> str:
        """Over all that the claim says, its place included."""
        said = {**claim.members, "kind": claim.kind.value, "key": claim.key, "time": claim.time}
        return self._key.digest(f"presidio-access-audit/claim/v1\n{canonical_bytes(said).decode()}")


def _end(window: Window, bounds: Emergency) -> datetime:
    """The shorter of what was promised and what the policy says now is what there is."""
    return min(window.until, window.first + bounds.window)


def _check_time(window: Window, bounds: Emergency, now: datetime) -> None:
    if window.first > now + SKEW:
        raise AccessDenied("emergency_early", "the emergency's first use lies in the future; clocks differ")
    if now >= _end(window, bounds):
        raise AccessDenied(
            "emergency_over", "the time of this emergency is over; a new emergency has a new ticket"
        )


def _tampered() -> AccessDenied:
    return AccessDenied(
        "emergency_tampered", "what storage says of this emergency is not what the service wrote"
    )
