"""Keys of issuers: fetched seldom, replaced wholly, and at hand for a while when an issuer is down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.cloud.keysets import BURST, FRESH_S, REFILL_S, STALE_S, WAIT_S, Keys, KeySets
from shared.errors import KeysUnavailable
from shared.identity.issuers import Issuer
from shared.identity.tokens import PublicKey
from tests.support.identities import local_issuers, signing_key

V2, V1 = local_issuers()


def public(name: str) -> PublicKey:
    return signing_key(name).private.public_key()


@dataclass
class Publisher:
    """An issuer in memory with a clock: what it publishes, whether it answers, how often it was asked."""

    keys: dict[str, PublicKey] = field(default_factory=lambda: {"one": public("one")})
    is_up: bool = True
    fetches: int = 0
    now: float = 1_000.0
    on_fetch: Callable[[], object] = lambda: None

    def fetch(self, _: Issuer) -> Keys:
        self.fetches += 1
        self.on_fetch()
        if not self.is_up:
            raise KeysUnavailable("down")
        return dict(self.keys)

    def clock(self) -> float:
        self.now += 0.001
        return self.now

    def sets(self) -> KeySets:
        return KeySets(local_issuers(), self.fetch, self.clock)


def test_one_fetch_serves_all() -> None:
    """A key set is fetched at first use and serves every later look-up while it is fresh."""
    publisher = Publisher()
    sets = publisher.sets()
    assert sets.find_cached(V2, "one") is None
    for _ in range(100):
        assert sets.find(V2, "one") == public("one")
        assert sets.find_cached(V2, "one") == public("one")
    assert publisher.fetches == 1


def test_issuers_are_kept_apart() -> None:
    """Each issuer has a key set and a budget of its own."""
    publisher = Publisher()
    sets = publisher.sets()
    sets.find(V2, "one")
    assert sets.find_cached(V1, "one") is None


def test_rotation_is_seen_at_once() -> None:
    """The first token with a new key's id finds the key, however fresh the key set is."""
    publisher = Publisher()
    sets = publisher.sets()
    sets.find(V2, "one")
    publisher.keys = {"two": public("two"), "one": public("one")}
    assert sets.find(V2, "two") == public("two")
    assert sets.find_cached(V2, "one") == public("one")
    assert publisher.fetches == 2


def test_withdrawn_key() -> None:
    """A key that is no longer published stops working with the next fetch."""
    publisher = Publisher()
    sets = publisher.sets()
    sets.find(V2, "one")
    publisher.keys = {"two": public("two")}
    sets.find(V2, "two")
    assert sets.find_cached(V2, "one") is None
    assert sets.find(V2, "one") is None


def test_withdrawn_key_without_a_new_token() -> None:
    """Where nobody brings a new key's id, a withdrawn key stops working once the key set is not fresh."""
    publisher = Publisher()
    sets = publisher.sets()
    sets.find(V2, "one")
    publisher.keys = {"two": public("two")}
    publisher.now += FRESH_S
    assert sets.find_cached(V2, "one") is None
    assert sets.find(V2, "one") is None


def test_flood_of_unknown_keys() -> None:
    """However many made-up key ids come, the issuer is asked a few times, then twice a minute."""
    publisher = Publisher()
    sets = publisher.sets()
    sets.find(V2, "one")
    for number in range(5_000):
        assert sets.find(V2, f"made-up-{number}") is None
    assert publisher.fetches == BURST
    publisher.now += 3600
    started = publisher.fetches
    for number in range(5_000):
        publisher.now += 0.72
        assert sets.find(V2, f"made-up-{number}") is None
        assert sets.find_cached(V2, "one") == public("one")
    assert publisher.fetches - started <= BURST + 3600 / REFILL_S + 1


def test_rotation_after_a_flood() -> None:
    """After a flood a new key is found when the budget has one fetch again."""
    publisher = Publisher()
    sets = publisher.sets()
    for number in range(10):
        sets.find(V2, f"made-up-{number}")
    publisher.keys = {"two": public("two")}
    assert sets.find(V2, "two") is None
    publisher.now += REFILL_S
    assert sets.find(V2, "two") == public("two")


def test_issuer_goes_down() -> None:
    """Known keys go on working for hours while the issuer is down, and not for longer."""
    publisher = Publisher()
    sets = publisher.sets()
    sets.find(V2, "one")
    publisher.is_up = False
    ends = publisher.now + STALE_S - 60
    while publisher.now + 600 < ends:
        publisher.now += 600
        assert sets.find(V2, "one") == public("one")
        assert sets.find_cached(V2, "one") == public("one"), "after an attempt, memory serves"
        assert sets.find(V2, "made-up") is None
    publisher.now += 720
    assert sets.find_cached(V2, "one") is None
    with pytest.raises(KeysUnavailable, match="local-v2"):
        sets.find(V2, "one")
    assert sets.find_cached(V2, "one") is None, "an attempt that failed does not make them young"


def test_issuer_comes_back() -> None:
    """An issuer that was down at the start is asked again as the budget allows, without a restart."""
    publisher = Publisher(is_up=False)
    sets = publisher.sets()
    for _ in range(20):
        with pytest.raises(KeysUnavailable):
            sets.find(V2, "one")
    assert publisher.fetches == BURST
    publisher.is_up = True
    publisher.now += REFILL_S
    assert sets.find(V2, "one") == public("one")


def test_unknown_key_while_down() -> None:
    """While the issuer is down, an unknown key id is refused, not answered with an outage."""
    publisher = Publisher()
    sets = publisher.sets()
    sets.find(V2, "one")
    publisher.is_up = False
    assert sets.find(V2, "made-up") is None


def test_prefetch() -> None:
    """Readiness means that every issuer's keys are at hand; asking for it draws on the same budget."""
    publisher = Publisher(is_up=False)
    sets = publisher.sets()
    for _ in range(50):
        assert not sets.prefetch()
    assert publisher.fetches == 2 * BURST
    publisher.is_up = True
    publisher.now += REFILL_S
    assert sets.prefetch()
    assert sets.find_cached(V2, "one") is not None
    assert sets.find_cached(V1, "one") is not None
    fetches = publisher.fetches
    assert sets.prefetch()
    assert publisher.fetches == fetches


def test_one_fetch_at_a_time() -> None:
    """Many callers who need the same key wait for one fetch and all get the key."""
    publisher = Publisher()
    sets = publisher.sets()
    everybody_asks = threading.Barrier(8)
    is_released = threading.Event()
    publisher.on_fetch = lambda: is_released.wait(5)

    def ask() -> PublicKey | None:
        everybody_asks.wait(5)
        return sets.find(V2, "one")

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask) for _ in range(8)]
        threading.Timer(0.2, is_released.set).start()
        found = [future.result(timeout=10) for future in asked]
    assert found == [public("one")] * 8
    assert publisher.fetches == 1


def test_known_keys_do_not_wait() -> None:
    """While one caller's fetch hangs, callers with known keys are served from memory, from any thread."""
    publisher = Publisher()
    sets = publisher.sets()
    sets.find(V2, "one")
    publisher.now += FRESH_S
    is_fetching, is_released = threading.Event(), threading.Event()

    def hang() -> None:
        is_fetching.set()
        is_released.wait(10)

    publisher.on_fetch = hang
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(sets.find, V2, "one")
        assert is_fetching.wait(5)
        assert sets.find_cached(V2, "one") == public("one")
        publisher.now += REFILL_S
        started = time.monotonic()
        assert sets.find(V2, "one") == public("one")
        assert time.monotonic() - started < WAIT_S / 2
        is_released.set()
        assert hanging.result(timeout=10) == public("one")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 400), st.sampled_from(["one", "two", "x"]), st.booleans()), max_size=60)
)
def test_budget_holds_for_any_sequence(steps: list[tuple[float, str, bool]]) -> None:
    """No sequence of look-ups, outages and pauses makes the issuer be asked more than its budget allows."""
    publisher = Publisher()
    sets = publisher.sets()
    started = publisher.now
    for pause, kid, is_up in steps:
        publisher.now += pause
        publisher.is_up = is_up
        try:
            sets.find(V2, kid)
        except KeysUnavailable:
            assert not is_up or publisher.fetches >= BURST
    assert publisher.fetches <= BURST + (publisher.now - started) / REFILL_S
