"""The limits of the policy: a token bucket for each caller and operation, in this process.

Each call of a known caller takes one token: a call that a role allows from its operation's bucket, at that
role's rate, before anything is recorded or run for it; any other call (refused, unreadable, over a size) from
one bucket for all of those, so that a flood of refusals is bounded like one of calls. Both are keyed by
tenant and principal: neither another token nor another client app opens a second bucket, and nobody can empty
somebody else's.

Only buckets that are not full are kept, at most `MAX_BUCKETS`. Beyond that those that miss least are taken
for full: what a crowd of callers gains by it is a part of their burst.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable

from shared.errors import RateLimited
from shared.identity.caller import Caller
from shared.identity.limits import limit_of, refused_limit
from shared.identity.policy import Policy
from shared.identity.rates import FULL, Bucket, Rate, take_token
from shared.identity.terms import OPEN_OPERATIONS, OPERATIONS

MAX_BUCKETS = 20_000
KEEP_BUCKETS = MAX_BUCKETS * 3 // 4
"""So many are left after a clearing, so that clearing is rare."""

REFUSED = "refused"
"""The bucket of calls that no role grants."""

SECOND_NS = 1_000_000_000

type Key = tuple[str, str, str]
"""Tenant, principal, operation or `REFUSED`."""


class Limiter:
    """Lives on one event loop; not thread-safe. `now_ns` is a monotonic clock."""

    def __init__(self, policy: Policy, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._rates = _rates(policy)
        self._refused = refused_limit(policy)
        self._buckets: dict[Key, Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: Caller, operation: str, role: str | None) -> None:
        """Take the token of an allowed call, at the rate of the role that grants it. Raises RateLimited."""
        rate = self._rates.get((role, operation))
        if rate is not None:
            self._take((caller.tenant, caller.principal, operation), rate, f"{operation} calls")

    def take_refused(self, caller: Caller) -> None:
        """Take the token of a call that is not served. Raises RateLimited."""
        if self._refused is not None:
            self._take((caller.tenant, caller.principal, REFUSED), self._refused, "calls that are refused")

    def _take(self, key: Key, rate: Rate, what: str) -> None:
        now_ns = self._now_ns()
        bucket, wait_ns = take_token(self._buckets.get(key, FULL), rate, now_ns)
        self._buckets[key] = bucket
        if len(self._buckets) > MAX_BUCKETS:
            self._clear(now_ns)
        if wait_ns:
            wait_s = -(-wait_ns // SECOND_NS)
            raise RateLimited(
                f"expected at most {rate.a_minute} {what} a minute; try again in {wait_s} s",
                retry_after_s=wait_s,
            )

    def _clear(self, now_ns: int) -> None:
        """Forget the buckets that are full, and of the others those that miss least, down to the bound."""
        missing = ((bucket.debt_at(now_ns), key) for key, bucket in self._buckets.items())
        kept = heapq.nlargest(KEEP_BUCKETS, (pair for pair in missing if pair[0]))
        self._buckets = {key: self._buckets[key] for _, key in kept}


def _rates(policy: Policy) -> dict[tuple[str | None, str], Rate]:
    """(role, operation) -> rate, for those that have one; the role is None where none grants."""
    return {
        (None if role is None else role.name, operation): rate
        for role in (None, *policy.roles)
        for operation in (*OPERATIONS, *OPEN_OPERATIONS)
        if (rate := limit_of(policy, role, operation)) is not None
    }
