"""Token buckets of a policy: whose they are, which role pays, and that they do not grow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import RateLimited
from shared.identity.caller import Caller
from shared.identity.policy import Policy, parse_policy
from shared.usecases import limiting
from shared.usecases.limiting import KEEP_BUCKETS, MAX_BUCKETS, Limiter
from tests.support.identities import make_caller

POLICY = """\
version: 1
refused_a_minute: 2
roles:
  Fast:
    permissions: [pii.analyze]
    max_chars: 10
    max_texts: 1
    requests_a_minute: 60
    burst: 10
  Slow:
    permissions: [pii.analyze, audit.read]
    max_chars: 100
    max_texts: 1
    requests_a_minute: {pii.analyze: 6}
    burst: 1
"""
SECOND_NS = 1_000_000_000


class HandClock:
    """A monotonic clock that a test moves, in either direction."""

    def __init__(self) -> None:
        self.now_ns = 10**15

    def __call__(self) -> int:
        return self.now_ns


def policy() -> Policy:
    return parse_policy(POLICY, "policy.yaml")


def make_limiter() -> tuple[Limiter, HandClock]:
    clock = HandClock()
    return Limiter(policy(), clock), clock


def other_caller(number: int) -> Caller:
    return replace(make_caller("Fast"), principal=f"principal-{number}")


def admitted(limiter: Limiter, caller: Caller, role: str, calls: int, operation: str = "pii.analyze") -> int:
    """How many of so many calls got a token."""
    count = 0
    for _ in range(calls):
        try:
            limiter.take(caller, operation, role)
        except RateLimited:
            continue
        count += 1
    return count


def test_the_granting_role_has_its_rate() -> None:
    """Each role's calls are admitted up to its own burst."""
    for role, burst in (("Fast", 10), ("Slow", 1)):
        limiter, _ = make_limiter()
        assert admitted(limiter, make_caller(role), role, 30) == burst


def test_an_operation_without_a_rate_is_not_limited() -> None:
    """Where the policy names no rate there is no bucket."""
    limiter, _ = make_limiter()
    assert admitted(limiter, make_caller("Slow"), "Slow", 1_000, "audit.read") == 1_000
    assert len(limiter) == 0


def test_what_needs_no_permission_is_never_without_a_limit() -> None:
    """The lists have the policy's own limit where the role names none, and so has what no role grants."""
    limiter, _ = make_limiter()
    assert admitted(limiter, make_caller("Slow"), "Slow", 20, "catalog.read") == 2
    limiter, _ = make_limiter()
    admitted_calls = 0
    for _ in range(20):
        try:
            limiter.take(make_caller(), "identity.read", None)
            admitted_calls += 1
        except RateLimited:
            continue
    assert admitted_calls == 2


def test_the_answer_says_how_long() -> None:
    """Retry-After is whole seconds, rounded up, until a token is there; it names only the policy's."""
    limiter, clock = make_limiter()
    caller = make_caller("Slow")
    limiter.take(caller, "pii.analyze", "Slow")
    clock.now_ns += SECOND_NS // 2
    with pytest.raises(RateLimited) as caught:
        limiter.take(caller, "pii.analyze", "Slow")
    assert caught.value.retry_after_s == 10
    assert caught.value.message == "expected at most 6 pii.analyze calls a minute; try again in 10 s"
    clock.now_ns += 10 * SECOND_NS
    limiter.take(caller, "pii.analyze", "Slow")


def test_operations_have_buckets_of_their_own() -> None:
    """Whoever has used up one operation may go on with another, and alternating gains nothing."""
    limiter, _ = make_limiter()
    caller = make_caller("Fast")
    for _ in range(50):
        admitted(limiter, caller, "Fast", 1)
        admitted(limiter, caller, "Fast", 1, "catalog.read")
    assert admitted(limiter, caller, "Fast", 5) == admitted(limiter, caller, "Fast", 5, "catalog.read") == 0
    assert len(limiter) == 2


def test_nobody_can_empty_another_bucket() -> None:
    """Callers do not share a bucket, nor do the same ids of two tenants."""
    limiter, _ = make_limiter()
    flood, victim = make_caller("Fast"), other_caller(1)
    admitted(limiter, flood, "Fast", 1_000)
    assert admitted(limiter, victim, "Fast", 20) == 10
    assert admitted(limiter, replace(flood, tenant="another"), "Fast", 20) == 10


def test_no_new_bucket_for_a_new_token_app_or_role() -> None:
    """Another token, client app, issuer's version or order of roles is the same caller."""
    limiter, _ = make_limiter()
    caller = make_caller("Fast", "Slow")
    assert admitted(limiter, caller, "Fast", 20) == 10
    for changed in (
        replace(caller, token_id="another"),
        replace(caller, app="another"),
        replace(caller, issuer="local-v1"),
        replace(caller, roles=("Slow", "Fast")),
        replace(caller, expires_at=caller.expires_at + 1),
    ):
        assert admitted(limiter, changed, "Fast", 20) == 0


def test_a_slow_role_is_not_used_at_the_speed_of_a_fast_one() -> None:
    """With both roles, the calls that only the slow one allows are as few as with it alone."""
    limiter, clock = make_limiter()
    caller, slow = make_caller("Fast", "Slow"), 0
    for _ in range(600):
        slow += admitted(limiter, caller, "Slow", 1)
        admitted(limiter, caller, "Fast", 1)
        clock.now_ns += SECOND_NS // 10
    assert slow <= 1 + 60 * 6 // 60


def test_refused_calls_have_a_bucket_too() -> None:
    """Full buckets are forgotten; of a crowd that is all at work, those that miss least."""
    limiter, _ = make_limiter()
    caller = make_caller("Fast")
    refused = 0
    for _ in range(10):
        try:
            limiter.take_refused(caller)
        except RateLimited as error:
            refused += 1
            assert "2 calls that are refused a minute" in error.message
    assert refused == 8
    assert admitted(limiter, caller, "Fast", 20) == 10


def test_a_clock_that_jumps() -> None:
    """A clock that goes back by an hour neither refills a bucket nor freezes it for an hour."""
    limiter, clock = make_limiter()
    caller = make_caller("Fast")
    assert admitted(limiter, caller, "Fast", 20) == 10
    clock.now_ns -= 3_600 * SECOND_NS
    assert admitted(limiter, caller, "Fast", 20) == 0
    clock.now_ns += SECOND_NS
    assert admitted(limiter, caller, "Fast", 20) == 1


def test_memory_is_bounded_however_many_callers_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Full buckets are forgotten; of a crowd that is all at work, those that miss least."""
    monkeypatch.setattr(limiting, "MAX_BUCKETS", 200)
    monkeypatch.setattr(limiting, "KEEP_BUCKETS", 150)
    limiter, clock = make_limiter()
    flood = make_caller("Fast")
    admitted(limiter, flood, "Fast", 20)
    for number in range(2_000):
        limiter.take(other_caller(number), "pii.analyze", "Fast")
        assert len(limiter) <= 200
    assert admitted(limiter, flood, "Fast", 20) == 0, "the flood's empty bucket was forgotten"
    clock.now_ns += 60 * SECOND_NS
    for number in range(60):
        limiter.take(other_caller(number), "pii.analyze", "Fast")
    assert len(limiter) <= 60 + 200


def test_full_buckets_make_room_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a rest of all callers nothing is left of them but those who come again."""
    monkeypatch.setattr(limiting, "MAX_BUCKETS", 100)
    limiter, clock = make_limiter()
    for number in range(100):
        limiter.take(other_caller(number), "pii.analyze", "Fast")
    clock.now_ns += 60 * SECOND_NS
    limiter.take(other_caller(100), "pii.analyze", "Fast")
    assert len(limiter) == 1


def test_the_bounds_are_these() -> None:
    """Twenty thousand buckets at most: some megabytes."""
    assert (MAX_BUCKETS, KEEP_BUCKETS) == (20_000, 15_000)
