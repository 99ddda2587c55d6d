"""What one call may still spend: time and matches. Carried by a context variable, so by its thread."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shared.errors import AnalysisTimedOut, Unprocessable


class Budget:
    """One call's bounds: seconds of a clock for the whole, of the processor for the request's own patterns.

    The `regex` module times patterns by the processor as well: waiting for it does not count.
    """

    __slots__ = ("_ad_hoc_s", "_deadline_s", "_matches_left")

    def __init__(self, timeout_s: float, ad_hoc_s: float, matches: int) -> None:
        self._deadline_s = time.monotonic() + timeout_s
        self._ad_hoc_s = ad_hoc_s
        self._matches_left = matches

    def seconds_left(self) -> float:
        """Until the deadline. Raises AnalysisTimedOut where nothing is left."""
        left = self._deadline_s - time.monotonic()
        if left <= 0:
            raise AnalysisTimedOut("the analysis took longer than it may; nothing was found or released")
        return left

    def ad_hoc_seconds_left(self) -> float:
        """What patterns of the request may still take of both the call's time and their own."""
        if self._ad_hoc_s <= 0:
            raise AnalysisTimedOut(
                "the request's own patterns took longer than they may; nothing was released"
            )
        return min(self._ad_hoc_s, self.seconds_left())

    def spend_ad_hoc(self, seconds: float) -> None:
        """Count time against the patterns of the request."""
        self._ad_hoc_s -= seconds

    def spend_match(self) -> None:
        """Count a match before it becomes objects. Raises Unprocessable when there are too many."""
        self._matches_left -= 1
        if self._matches_left < 0:
            raise Unprocessable(
                "more matches than a request may have; use smaller texts or stricter patterns"
            )


_current: ContextVar[Budget] = ContextVar("budget")


@contextmanager
def spending(budget: Budget) -> Iterator[Budget]:
    """Within this block, every guarded pattern of this thread spends this budget."""
    token = _current.set(budget)
    try:
        yield budget
    finally:
        _current.reset(token)


def current_budget() -> Budget:
    """The budget of the call that runs in this thread. Raises LookupError outside of a call."""
    return _current.get()


def check_deadline() -> None:
    """Raise AnalysisTimedOut where this thread's call has no time left; nothing outside of a call."""
    budget = _current.get(None)
    if budget is not None:
        budget.seconds_left()
