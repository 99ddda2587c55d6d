"""From verified records, one by one, to what callers did. Memory grows with callers, never with records.

The order of records means nothing: numbers are sums, times are extremes, evidence is the newest of all.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import Any

from shared.review.calendar import Calendar, Day, read_time
from shared.review.callers import Caller
from shared.review.directory import PrincipalKey
from shared.review.evidence import checked_text, entry
from shared.review.options import ReviewOptions
from shared.review.policy_view import OPEN_OPERATIONS, REIDENTIFY, PolicyView
from shared.review.uses import Usage

__all__ = ["MOST_ADDRESSES", "Usage", "UsageBuilder"]

MOST_ADDRESSES = 100_000
"""So many addresses of persons are kept; with more, nothing is said about addresses."""

NOT_DECIDED = "not_decided"
"""The reason on a call that ended before the policy was asked: nobody was refused anything."""

type Fields = dict[str, Any]


class UsageBuilder:
    """Give `observe` every record of the window (others are passed over), then ask `build`."""

    def __init__(
        self, policy: PolicyView, since: datetime, until: datetime, options: ReviewOptions | None = None
    ) -> None:
        """`since` and `until` are inclusive. Raises ValueError for a window that is none."""
        self._since, self._until = since, until
        self._calendar = Calendar(since, until, options or ReviewOptions())
        self._from, self._to = self._calendar.since, self._calendar.until
        self._sensitive = policy.sensitive_entities
        self._emergency_roles = policy.emergency_roles
        self._first: str | None = None
        self._records = self._not_understood = 0
        self._callers: dict[PrincipalKey, Caller] = {}
        self._networks: dict[str, str] = {}
        self._person_addresses: set[str] = set()
        self._month_calls: dict[tuple[str, str], int] = {}
        self._readers = {
            "access": self._take_access,
            "intent": self._take_intent,
            "refusals": self._take_refusals,
            "emergency": self._take_emergency,
            "approval": self._take_other,
            "review_decision": self._take_other,
        }

    def observe(self, writer: str, index: int, fields: Fields) -> None:
        """Take one record (`fields` as parsed from its line). Never raises for anything a record says."""
        try:
            time = checked_text(fields["time"])
            if self._first is None or time < self._first:
                read_time(time)
                self._first = time
            if not self._from <= time <= self._to:
                return
            self._records += 1
            take = self._readers.get(fields["type"])
            if take is not None:
                take(time, entry(time, writer, index), fields)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
            self._not_understood += 1  # of a later version, which the report says

    def build(self) -> Usage:
        """All that was observed so far."""
        months: dict[str, dict[str, int]] = {}
        for (operation, month), calls in sorted(self._month_calls.items()):
            months.setdefault(operation, {})[month] = calls
        is_complete = len(self._person_addresses) < MOST_ADDRESSES
        return Usage(
            since=self._since,
            until=self._until,
            first=None if self._first is None else read_time(self._first),
            records=self._records,
            not_understood=self._not_understood,
            recent_from=self._calendar.recent_from,
            recent_day=self._calendar.recent_day,
            callers={key: caller.freeze(key) for key, caller in sorted(self._callers.items())},
            person_addresses=frozenset(self._person_addresses) if is_complete else None,
            month_calls=months,
        )

    def _caller(self, time: str, who: Fields | None) -> Caller | None:
        """The caller of a record, None for an anonymous one."""
        if who is None or (principal := who.get("principal")) is None:
            return None
        key = (who["tenant"], principal)
        caller = self._callers.get(key)
        if caller is None:
            key = (checked_text(key[0]), checked_text(principal))
            caller = self._callers[key] = Caller(time, self._calendar.days)
        caller.see(time, who["kind"])
        return caller

    def _take_access(self, time: str, item: str, fields: Fields) -> None:
        decision, what, who = fields["decision"], fields["what"], fields["who"]
        operation = what["operation"]
        caller = self._caller(time, who)
        if caller is None:
            return
        day = self._calendar.day(time)
        if not decision["allowed"]:
            if decision["reason"] != NOT_DECIDED:
                caller.refuse(checked_text(decision["reason"]), 1, day, item)
            return
        self._count_month(operation, time[:7])
        role = decision.get("role")
        if role is not None:
            caller.exercise(role, operation, time).take(operation, what, decision)
            if operation not in OPEN_OPERATIONS:
                caller.count_role(role, day, item)
        is_off_hours = self._calendar.is_off_hours(time, day)
        caller.count_call(day, item, is_off_hours)
        released = what.get("entities_released")
        if released or operation == REIDENTIFY:
            self._take_release(caller, time, item, day, fields, is_off_hours)
        self._take_place(caller, time, item, day, fields)

    def _count_month(self, operation: str, month: str) -> None:
        known = self._month_calls.get((operation, month))
        self._month_calls[checked_text(operation), month] = 1 if known is None else known + 1

    def _take_release(
        self, caller: Caller, time: str, item: str, day: Day, fields: Fields, is_off_hours: bool
    ) -> None:
        """Something was given out: values brought back, or findings of sensitive entity types told."""
        what = fields["what"]
        texts = what.get("texts", 0)
        is_revealing = what["operation"] == REIDENTIFY and fields["outcome"]["status"] < 400
        released = what.get("entities_released") or {}
        told = sum(count for name, count in released.items() if name in self._sensitive)
        caller.give_out(day, texts if is_revealing else 0, is_revealing, told)
        if fields["decision"].get("role") in self._emergency_roles:
            return
        if is_revealing:
            caller.reidentify(time, day, item)
        if told:
            caller.tell(time, day, item)
        if (is_revealing or told) and is_off_hours and day.is_recent:
            caller.off_hours_sensitive.add(item)

    def _take_place(self, caller: Caller, time: str, item: str, day: Day, fields: Fields) -> None:
        """Through which app the call came, and from which address."""
        who = fields["who"]
        client = who.get("app")
        if client is not None:
            caller.come_through(client, time, day, item)
        address = fields["where"].get("address")
        if address is None:
            return
        network = self._networks.get(address)
        if network is None:
            network = self._network(address)
        if who["kind"] == "app":
            caller.come_from(network, time, day, item)
        elif len(self._person_addresses) < MOST_ADDRESSES:
            self._person_addresses.add(network)

    def _network(self, address: str) -> str:
        """The address, or the /64 of an IPv6 one: a device changes its own within that."""
        if len(self._networks) >= MOST_ADDRESSES:
            self._networks.clear()
        network = checked_text(address)
        if ":" in address:
            network = str(ipaddress.ip_network((ipaddress.ip_address(address), 64), strict=False))
        self._networks[address] = network
        return network

    def _take_intent(self, time: str, item: str, fields: Fields) -> None:
        decision, what = fields["decision"], fields["what"]
        caller = self._caller(time, fields["who"])
        role = decision.get("role")
        if caller is not None and role is not None and decision["allowed"]:
            operation = checked_text(what["operation"])
            caller.exercise(role, operation, time).take(operation, what, decision)

    def _take_refusals(self, time: str, item: str, fields: Fields) -> None:
        """Refusals counted together: of a burst over a caller's rate limit. Others name nobody."""
        caller = self._caller(time, fields.get("who"))
        if caller is not None:
            caller.refuse(checked_text(fields["reason"]), fields["count"], self._calendar.day(time), item)

    def _take_emergency(self, time: str, item: str, fields: Fields) -> None:
        caller = self._caller(time, fields["who"])
        if caller is not None:
            caller.begin_emergency(
                checked_text(fields["role"]), fields["until"], self._calendar.day(time), item
            )

    def _take_other(self, time: str, item: str, fields: Fields) -> None:
        """Somebody did something that is no call on its own."""
        self._caller(time, fields.get("who"))
