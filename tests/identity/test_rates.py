"""The token bucket of the policy's rates, and what a policy may say of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import SettingsError
from shared.identity.policy import parse_policy
from shared.identity.rates import FULL, MINUTE_NS, Bucket, Rate, rate_of, take_token
from shared.identity.standing import describe
from tests.support.identities import ROOT, make_caller
from tests.support.policies import SMALL

LIMITED = SMALL.replace("max_texts: 2", "max_texts: 2\n    requests_a_minute: 60\n    burst: 5")

rates = st.builds(Rate, st.integers(1, 600_000), st.integers(1, 50))
steps_ns = st.lists(st.integers(0, 3 * MINUTE_NS), max_size=60)


def complaints(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        parse_policy(text, "policy.yaml")
    return str(caught.value)


def test_a_burst_is_exact() -> None:
    """At one moment a full bucket gives its burst and not one call more."""
    bucket, rate, waits = FULL, Rate(60, 5), []
    for _ in range(8):
        bucket, wait_ns = take_token(bucket, rate, 7)
        waits.append(wait_ns)
    assert waits == [0] * 5 + [1_000_000_000] * 3


def test_waiting_as_told_is_enough_and_no_less() -> None:
    """A call that comes after the wait that was named is admitted, and a nanosecond before it is not."""
    bucket, rate = FULL, Rate(7, 1)
    bucket, _ = take_token(bucket, rate, 0)
    _, wait_ns = take_token(bucket, rate, 1_000)
    early, still_ns = take_token(bucket, rate, 1_000 + wait_ns - 1)
    assert still_ns == 1
    assert take_token(early, rate, 1_000 + wait_ns)[1] == 0


@settings(max_examples=300, deadline=None)
@given(rates, steps_ns)
def test_never_more_than_the_burst_and_the_rate(rate: Rate, steps: list[int]) -> None:
    """Over any time, at most the burst and what the rate allows in that time are admitted."""
    bucket, now_ns, admitted = FULL, 0, 0
    for step_ns in steps:
        now_ns += step_ns
        bucket, wait_ns = take_token(bucket, rate, now_ns)
        admitted += not wait_ns
        assert admitted <= rate.burst + now_ns * rate.a_minute // MINUTE_NS


@settings(max_examples=200, deadline=None)
@given(rates, st.integers(1, 40))
def test_whoever_keeps_to_the_rate_is_never_refused(rate: Rate, calls: int) -> None:
    """One call an interval is admitted for ever, however small the burst."""
    bucket = FULL
    for number in range(calls):
        bucket, wait_ns = take_token(bucket, rate, number * rate.interval_ns)
        assert wait_ns == 0


@settings(max_examples=200, deadline=None)
@given(rates, st.integers(0, 10**15), st.integers(1, 10**15))
def test_a_clock_that_goes_back_refills_nothing_and_freezes_nothing(
    rate: Rate, start_ns: int, back_ns: int
) -> None:
    """After a step back an empty bucket is empty, and has a token as soon as one interval has passed."""
    bucket = FULL
    for _ in range(rate.burst):
        bucket, wait_ns = take_token(bucket, rate, start_ns)
        assert wait_ns == 0
    now_ns = start_ns - back_ns
    bucket, wait_ns = take_token(bucket, rate, now_ns)
    assert wait_ns == rate.interval_ns
    assert take_token(bucket, rate, now_ns + wait_ns)[1] == 0


@settings(max_examples=200, deadline=None)
@given(rates, rates, st.lists(st.booleans(), min_size=1, max_size=60))
def test_two_roles_do_not_add_up(one: Rate, other: Rate, turns: list[bool]) -> None:
    """A caller with two roles has one bucket: it is charged for each call at the rate of its role."""
    bucket, spent_ns = FULL, 0
    for turn in turns:
        rate = one if turn else other
        bucket, wait_ns = take_token(bucket, rate, 5)
        if not wait_ns:
            spent_ns += rate.interval_ns
    widest_ns = max(rate.burst * rate.interval_ns for rate in (one, other))
    assert spent_ns <= widest_ns


def test_a_rested_bucket_is_full() -> None:
    """What was missing is filled up, and no more than that: rest is not saved up."""
    rate = Rate(60, 3)
    assert Bucket(3_000_000_000, 0).debt_at(3_000_000_000) == 0
    bucket, waits = Bucket(3_000_000_000, 0), []
    for _ in range(4):
        bucket, wait_ns = take_token(bucket, rate, 10**15)
        waits.append(bool(wait_ns))
    assert waits == [False, False, False, True]


def test_one_number_or_one_for_each_operation() -> None:
    """A number holds for all operations, a mapping for those that it names; a burst is a minute's."""
    assert rate_of(60, None, "pii.analyze") == Rate(60, 60)
    assert rate_of({"pii.analyze": 60}, 5, "pii.analyze") == Rate(60, 5)
    assert rate_of({"pii.analyze": 60}, 5, "catalog.read") is None
    assert rate_of(None, None, "pii.analyze") is None


def test_rates_of_a_policy() -> None:
    """Both spellings are read, and the lists may have a rate in every role."""
    role = parse_policy(LIMITED, "policy.yaml").roles[0]
    assert (role.requests_a_minute, role.burst) == (60, 5)
    spelled = LIMITED.replace("a_minute: 60", "a_minute:\n      pii.analyze: 9\n      catalog.read: 3")
    assert parse_policy(spelled, "policy.yaml").roles[0].requests_a_minute == {
        "pii.analyze": 9,
        "catalog.read": 3,
    }


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("0", "12: roles.Reader.requests_a_minute: expected a whole number from 1 to 600000"),
        ("-1", "12: roles.Reader.requests_a_minute: expected a whole number"),
        ("600001", "12: roles.Reader.requests_a_minute: expected a whole number"),
        ("many", "12: roles.Reader.requests_a_minute: expected a whole number from 1 to 600000, or a"),
        ("1.5", "12: roles.Reader.requests_a_minute: expected a whole number"),
        ("true", "12: roles.Reader.requests_a_minute: expected a whole number"),
        ("", "12: roles.Reader.requests_a_minute: expected a whole number"),
        ("[60]", "12: roles.Reader.requests_a_minute: expected a whole number"),
        ("{}", "12: roles.Reader.requests_a_minute: expected at least one operation with its number"),
        (
            "\n      pii.analyze: 9\n      catalog.read: lots",
            "14: roles.Reader.requests_a_minute.catalog.read: expected a whole number from 1 to",
        ),
        (
            "\n      pii.analyze: 9\n      pii.redact: 9",
            "14: roles.Reader.requests_a_minute.pii.redact: has no effect: the role does not permit this",
        ),
        ("{pii.sensitive: 9}", "12: roles.Reader.requests_a_minute.pii.sensitive: unknown operation"),
        ("{pii.analyse: 9}", "unknown operation; did you mean 'pii.analyze'?"),
        ("{identity.read: 9}", "unknown operation"),
        ("{1: 9}", "expected text as a key"),
    ],
)  # fmt: skip
def test_mistakes_in_a_rate(new: str, said: str) -> None:
    """A wrong rate is named by its line and key."""
    assert said in complaints(LIMITED.replace("a_minute: 60", f"a_minute: {new}"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "    requests_a_minute: 60\n",
            "",
            "12: roles.Reader.burst: has no effect: the role has no requests",
        ),
        ("burst: 5", "burst: 0", "13: roles.Reader.burst: expected a whole number from 1 to 600000, got 0"),
        (
            "version: 1",
            "version: 1\nrefused_a_minute: no",
            "2: refused_a_minute: expected a whole number from",
        ),
    ],
)
def test_mistakes_beside_a_rate(old: str, new: str, said: str) -> None:
    """The numbers beside it have bounds too, and a burst of nothing is a mistake."""
    assert said in complaints(LIMITED.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a_minute: 60", "a_minute: 61"),
        ("a_minute: 60", "a_minute: {pii.analyze: 60}"),
        ("burst: 5", "burst: 6"),
        ("    burst: 5\n", ""),
        ("version: 1", "version: 1\nrefused_a_minute: 9"),
    ],
)
def test_rates_are_in_the_digest(old: str, new: str) -> None:
    """Who may do how much is part of what the policy means."""
    text = LIMITED.replace(old, new)
    assert text != LIMITED
    assert parse_policy(text, "p").digest != parse_policy(LIMITED, "p").digest


def test_order_of_a_mapping_means_nothing() -> None:
    """Two spellings of the same rates have the same digest."""
    one = LIMITED.replace("a_minute: 60", "a_minute: {pii.analyze: 9, catalog.read: 3}")
    other = LIMITED.replace("a_minute: 60", "a_minute:\n      catalog.read: 3\n      pii.analyze: 9")
    assert parse_policy(one, "p").digest == parse_policy(other, "p").digest


def test_whoami_shows_the_limits() -> None:
    """A caller sees what holds for each operation of its roles, and for calls that no role grants."""
    policy = parse_policy(LIMITED.replace("version: 1", "version: 1\nrefused_a_minute: 9"), "p")
    told = describe(make_caller("Reader", "Auditor"), policy)
    assert told["limits"] == {"refused_a_minute": 9}
    limits = [grant["limits"] for grant in told["grants"]]
    assert limits[0]["pii.analyze"] == limits[0]["catalog.read"] == {"requests_a_minute": 60, "burst": 5}
    assert limits[1]["audit.read"] is None
    assert limits[1]["catalog.read"] == {"requests_a_minute": 9, "burst": 9}


def test_the_comments_give_an_example_that_is_read() -> None:
    """The mapping in the comments of the default policy is one."""
    default = (ROOT / "config/policy.yaml").read_text("utf-8")

    example = re.search(r"\{pii\.analyze: \d+, catalog\.read: \d+\}", default)
    assert example is not None
    assert parse_policy(LIMITED.replace("a_minute: 60", f"a_minute: {example[0]}"), "p")
