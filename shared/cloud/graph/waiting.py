"""How long a reading of the directory may take, and who waits for whom when Microsoft Graph throttles.

Graph answers 429 (or 503) with Retry-After, and counts what is asked meanwhile against the same limit: so one
throttled request stops all of a reading's threads until that time.
https://learn.microsoft.com/graph/throttling
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from shared.errors import DirectoryUnavailable

FIRST_BACKOFF_S = 0.5
MOST_BACKOFF_S = 30.0
MAX_RETRY_AFTER_CHARS = 64


@dataclass(frozen=True, slots=True)
class GraphLimits:
    """What one reading may cost. Times in seconds; `total_s` is for the whole of it, waiting included.

    `attempts` bounds repetitions after broken connections and 5xx; throttling is bounded by time alone.
    """

    total_s: float = 600.0
    connect_s: float = 5.0
    read_s: float = 30.0
    answer_s: float = 60.0
    attempts: int = 4
    page_bytes: int = 16 * 1024 * 1024
    pages: int = 2_000
    items: int = 250_000
    threads: int = 4


class Patience:
    """The time of one reading. Thread-safe; `clock` is monotonic."""

    def __init__(self, total_s: float, clock: Callable[[], float], sleep: Callable[[float], object]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._ends_at = clock() + total_s
        self._opens_at = clock()
        self._lock = threading.Lock()
        self.total_s = total_s

    def check_in(self) -> None:
        """Called before every request: returns when asking is allowed. Raises DirectoryUnavailable."""
        while True:
            now = self._clock()
            if now >= self._ends_at:
                raise DirectoryUnavailable(f"not finished after {self.total_s:.0f} s")
            if now >= self._opens_at:
                return
            self._sleep(self._opens_at - now)

    def pause(self, wait_s: float) -> None:
        """Nobody asks for this long. Raises DirectoryUnavailable where that is more than the time left."""
        opens_at = self._clock() + wait_s
        if opens_at >= self._ends_at:
            raise DirectoryUnavailable(
                f"throttled: asked to wait {wait_s:.0f} s, which is more than what is left of "
                f"{self.total_s:.0f} s"
            )
        with self._lock:
            self._opens_at = max(self._opens_at, opens_at)


def backoff_s(attempt: int, jitter: float) -> float:
    """Seconds before attempt number `attempt` + 1 (from 1 up): doubling, `jitter` in [0, 1) spreads them."""
    return min(MOST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(attempt - 1, 10)) * (0.5 + jitter / 2)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that Retry-After asks for (RFC 9110 section 10.2.3: seconds or a date), None for nonsense."""
    text = (value or "").strip()
    if not text or len(text) > MAX_RETRY_AFTER_CHARS:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
