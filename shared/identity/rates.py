"""How many calls a caller may make in a minute: the rates of a policy, and the token bucket that holds them.

A bucket has room for `burst` tokens and is filled at its rate. It is kept as what is missing from it, in
nanoseconds of refilling: no fractions, no rounding that adds up, and an empty debt is a full bucket, which
need not be kept at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

from shared.identity.shapes import show

MAX_A_MINUTE = 600_000
MINUTE_NS = 60_000_000_000

RATE = f"a whole number from 1 to {MAX_A_MINUTE}"
RATES = f"{RATE}, or a mapping from operations to such numbers"


def read_rates(value: Any) -> int | dict[str, int]:
    """One number for all operations of a role, or numbers by operation; which operations is another check.

    Raises PydanticCustomError that names the key whose number is wrong.
    """
    if not isinstance(value, dict):
        return _read_rate(value, RATES, None)
    if not value:
        raise PydanticCustomError("rule", "expected at least one operation with its number")
    return {name: _read_rate(number, RATE, name) for name, number in value.items()}


def _read_rate(value: Any, expected: str, key: str | None) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_A_MINUTE:
        return value
    context = {"expected": expected, "came": show(value)} | ({} if key is None else {"key": key})
    raise PydanticCustomError("rule", "expected {expected}, got {came}", context)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls a minute, and so many at once after a rest."""

    a_minute: int
    burst: int

    @property
    def interval_ns(self) -> int:
        """Until one token is there again, rounded up: never more than the rate."""
        return -(-MINUTE_NS // self.a_minute)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was missing from a full bucket at a time of a monotonic clock; both in nanoseconds."""

    debt_ns: int
    at_ns: int

    def debt_at(self, now_ns: int) -> int:
        """What is missing now. A clock that went back has refilled nothing."""
        return max(0, self.debt_ns - max(0, now_ns - self.at_ns))


FULL = Bucket(0, 0)


def rate_of(a_minute: int | dict[str, int] | None, burst: int | None, operation: str) -> Rate | None:
    """The rate of one operation, None where none is set. A burst left out is a minute's calls at once."""
    number = a_minute.get(operation) if isinstance(a_minute, dict) else a_minute
    return None if number is None else Rate(number, burst or number)


def take_token(bucket: Bucket, rate: Rate, now_ns: int) -> tuple[Bucket, int]:
    """The bucket after one call asked for a token, and how long to wait for one: 0 where it was there.

    The rate may be another one at each call (a caller's roles have different ones): the call is charged at
    the rate of the role that allows it, so that two roles never add up. Time is taken from the call's clock,
    wherever it stands: after a step back the bucket is as empty as it was, and goes on filling from there.
    """
    debt_ns, interval_ns = bucket.debt_at(now_ns), rate.interval_ns
    wait_ns = debt_ns + interval_ns - rate.burst * interval_ns
    if wait_ns > 0:
        return Bucket(debt_ns, now_ns), wait_ns
    return Bucket(debt_ns + interval_ns, now_ns), 0
