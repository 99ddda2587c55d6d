"""One emergency is one, however many processes of the service served in it."""

from __future__ import annotations

from datetime import timedelta

from shared.records.canonical import format_time, parse_time
from shared.records.model import EmergencyRecord
from shared.review.usage import UsageBuilder
from shared.usecases.reviews.policy import view_policy
from tests.support.identities import default_policy
from tests.support.records import EVERY_TYPE

RECORD = next(record for record in EVERY_TYPE if isinstance(record, EmergencyRecord))
BEGAN = parse_time(RECORD.time)


def test_a_window_is_counted_once() -> None:
    """Each process that finds it open records it, with the same end; another end is another window."""
    builder = UsageBuilder(
        view_policy(default_policy()), BEGAN - timedelta(days=60), BEGAN + timedelta(days=1)
    )
    ends = [RECORD.until, RECORD.until, format_time(BEGAN + timedelta(hours=9)), RECORD.until]
    for index, until in enumerate(ends):
        fields = RECORD.model_copy(update={"until": until}).model_dump(mode="json", exclude_none=True)
        builder.observe(f"01JD000000000000000000000{index}", 1, fields)
    (caller,) = builder.build().callers.values()
    assert caller.emergencies["Pii.BreakGlass"].count == 2
