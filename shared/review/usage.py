"""From verified records, one by one, to what callers did. Memory grows with callers, never with records.

The order of records means nothing: numbers are sums, times are extremes, evidence is the newest of all.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.review.options import ReviewOptions
from shared.review.policy_view import PolicyView
from shared.review.uses import Usage


class UsageBuilder:
    """Give `observe` every record of the window (others are passed over), then ask `build` once."""

    def __init__(
        self, policy: PolicyView, since: datetime, until: datetime, options: ReviewOptions | None = None
    ) -> None:
        self._policy = policy
        self._since = since
        self._until = until
        self._options = options or ReviewOptions()

    def observe(self, writer: str, index: int, fields: dict[str, Any]) -> None:
        """Take one record (`fields` as parsed from its line). Never raises for anything that a record says."""

    def build(self) -> Usage:
        """All that was observed."""
        raise NotImplementedError
