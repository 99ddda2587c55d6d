"""Records of calls: what was about to be done, how it ended, and refusals that are counted together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.records.parts import (
    DecisionPart,
    EnginePart,
    Hex256,
    Outcome,
    Part,
    ServicePart,
    Time,
    What,
    Where,
    Who,
)


class AccessRecord(Part):
    """One call and how it ended: allowed, denied or failed. Exactly one for each answered call."""

    v: Literal[1] = 1
    type: Literal["access"] = "access"
    time: Time
    request_id: str
    who: Who
    what: What
    where: Where
    decision: DecisionPart
    outcome: Outcome
    engine: EnginePart
    service: ServicePart


class IntentRecord(Part):
    """Committed before data is revealed (deanonymize, break-glass); the outcome follows as `access`."""

    v: Literal[1] = 1
    type: Literal["intent"] = "intent"
    time: Time
    request_id: str
    who: Who
    what: What
    where: Where
    decision: DecisionPart
    engine: EnginePart
    service: ServicePart


BURST_ENDED = "burst_ended"
"""The reason of the record that ends a burst. Its first call has a record with the reason `rate_limited`."""


class RefusalsRecord(Part):
    """Refusals that are counted together: of one source and reason within one second, or of one burst.

    `who` is absent for unauthenticated ones; it names the caller whose burst was over a rate limit. Of a
    burst there are two: one for its first call, and one for all that followed, which were answered before it
    was written; `request_ids` may be fewer than `count` there.
    """

    v: Literal[1] = 1
    type: Literal["refusals"] = "refusals"
    time: Time
    until: Time
    count: Annotated[int, Field(ge=1)]
    request_ids: tuple[str, ...]
    operations: dict[str, int]
    where: Where
    reason: str
    status: int
    code: str
    policy: Hex256
    service: ServicePart
    who: Who | None = None

    @property
    def is_tally(self) -> bool:
        """True where the calls had their answers before this was written: it ends a burst."""
        return self.reason == BURST_ENDED
