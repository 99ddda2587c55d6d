"""Directory + policy + usage -> the review. Pure: the same values always give the same review."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shared.review.directory import Directory
from shared.review.findings import Review, Window
from shared.review.options import ReviewOptions
from shared.review.policy_view import PolicyView
from shared.review.uses import Usage


def review_access(
    directory: Directory,
    policy: PolicyView,
    usage: Usage,
    window: Window,
    *,
    log: str,
    review_id: str,
    made_at: datetime,
    previous: Mapping[str, int] | None = None,
    options: ReviewOptions | None = None,
) -> Review:
    """The review. `previous` are findings by kind of the review before. Use the options of the usage."""
    raise NotImplementedError
