"""The public keys of trusted issuers, fetched from their key sets (RFC 7517) and kept in memory.

What a flood of tokens with made-up key ids costs an issuer is bounded by a budget: BURST fetches at once,
then one every REFILL_S seconds, however many ids are asked for. A key that the issuer has just begun to use
is found by the first token that names it, as long as the budget lasts.

    age of the key set   known key id                           unknown key id
    below FRESH_S        from memory                            one fetch, if the budget allows it
    below STALE_S        one caller fetches, all others go on   the same
                         with the key at hand; from memory
                         for REFILL_S after each attempt
    above                a fetch, or KeysUnavailable            a fetch, or KeysUnavailable

A new key set replaces the old one wholly: a key that the issuer withdrew stops working with the next fetch,
at the latest after STALE_S when the issuer cannot be reached.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from shared.cloud.keyset_source import fetch_keys
from shared.errors import KeysUnavailable
from shared.identity.issuers import Issuer
from shared.identity.tokens import PublicKey

logger = logging.getLogger("presidio_access.keys")

FRESH_S = 300.0
STALE_S = 4 * 3600.0
BURST = 3
REFILL_S = 30.0
WAIT_S = 2.0
"""How long a caller waits for another caller's fetch. A fetch itself may take longer."""

NEVER = float("-inf")

type Keys = Mapping[str, PublicKey]
type Fetch = Callable[[Issuer], Keys]
"""Reads an issuer's key set over the network; raises KeysUnavailable."""


@dataclass(slots=True)
class Cached:
    """One issuer's keys, and what is left of its budget. Times are of a monotonic clock.

    `attempted_at` and `ended_at` are of the last fetch, successful or not. Written with `fetching` held. Read
    without it: `keys` is replaced as a whole, before its time is.
    """

    keys: Keys = field(default_factory=dict)
    fetched_at: float = NEVER
    attempted_at: float = NEVER
    ended_at: float = NEVER
    budget: float = BURST
    counted_at: float = NEVER
    fetching: threading.Lock = field(default_factory=threading.Lock)


class KeySets:
    """Implements `TokenKeys`. Thread-safe; one instance a process."""

    def __init__(
        self,
        issuers: Iterable[Issuer],
        fetch: Fetch = fetch_keys,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._issuers = tuple(issuers)
        self._cached = {issuer.name: Cached() for issuer in self._issuers}

    def find_cached(self, issuer: Issuer, kid: str) -> PublicKey | None:
        """The key if it is at hand and nothing better can be had now; never blocks, never raises."""
        cached, now = self._cached[issuer.name], self._clock()
        is_fresh = now - cached.fetched_at < FRESH_S
        is_next_best = now - cached.fetched_at < STALE_S and now - cached.attempted_at < REFILL_S
        return cached.keys.get(kid) if is_fresh or is_next_best else None

    def is_usable(self, issuer: Issuer) -> bool:
        """True while a key set of this issuer is at hand; never blocks."""
        return self._clock() - self._cached[issuer.name].fetched_at < STALE_S

    def find(self, issuer: Issuer, kid: str) -> PublicKey | None:
        """The issuer's key of that id, None where its key set has none.

        May wait for one fetch (see `keyset_source.TIMEOUT_S`). Raises KeysUnavailable where no usable key
        set is at hand and none can be fetched.
        """
        found = self.find_cached(issuer, kid)
        if found is not None:
            return found
        cached = self._cached[issuer.name]
        is_usable = self._clock() - cached.fetched_at < STALE_S
        self._refresh(issuer, cached, wait_s=0 if is_usable and kid in cached.keys else WAIT_S)
        if self._clock() - cached.fetched_at >= STALE_S:
            raise KeysUnavailable(f"the key set of the issuer {issuer.name} cannot be read")
        return cached.keys.get(kid)

    def prefetch(self) -> bool:
        """Fetch what is not fresh; True where every issuer has keys that are usable. For readiness checks.

        Draws on the same budget as everything else, so it may be called as often as anybody likes.
        """
        for issuer in self._issuers:
            cached = self._cached[issuer.name]
            if self._clock() - cached.fetched_at >= FRESH_S:
                self._refresh(issuer, cached, wait_s=WAIT_S)
        return all(self._clock() - cached.fetched_at < STALE_S for cached in self._cached.values())

    def _refresh(self, issuer: Issuer, cached: Cached, *, wait_s: float) -> None:
        """Fetch once, unless another caller is at it (then wait for it) or the budget is spent."""
        asked_at = self._clock()
        if not cached.fetching.acquire(timeout=wait_s):
            return
        try:
            if cached.ended_at < asked_at and self._spend(cached):
                self._fetch_now(issuer, cached)
        finally:
            cached.fetching.release()

    def _fetch_now(self, issuer: Issuer, cached: Cached) -> None:
        cached.attempted_at = self._clock()
        try:
            cached.keys = self._fetch(issuer)
            cached.fetched_at = self._clock()
        except KeysUnavailable as error:
            logger.warning("key set of %s: %s", issuer.name, error.message)
        finally:
            cached.ended_at = self._clock()

    def _spend(self, cached: Cached) -> bool:
        """Take one fetch from the issuer's budget. Called with its lock held."""
        now = self._clock()
        cached.budget = min(BURST, cached.budget + (now - cached.counted_at) / REFILL_S)
        cached.counted_at = now
        if cached.budget < 1:
            return False
        cached.budget -= 1
        return True
