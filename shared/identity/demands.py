"""What one request asks of the policy."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Demand:
    """The measures of a request that the policy bounds.

    `entities`: the types asked for by name, None (or an empty tuple, which Presidio takes for the same) where
    the request names none. `operators`: those that would be used, Presidio's default `replace` included
    where it would apply. `chars` is the sum over all `texts`. `purpose`, `justification`, `ticket` and
    `approval` are the headers X-Purpose, X-Justification, X-Ticket and X-Approval as they came. `asks` is set
    where an approval is asked for: whether the call would be allowed, once it is approved.
    """

    operation: str
    entities: tuple[str, ...] | None = None
    operators: tuple[str, ...] = ()
    language: str | None = None
    texts: int = 0
    chars: int = 0
    ad_hoc_recognizers: int = 0
    decision_process: bool = False
    purpose: str | None = None
    justification: str | None = None
    ticket: str | None = None
    approval: str | None = None
    asks: bool = False

    def with_purpose(
        self,
        purpose: str | None,
        justification: str | None,
        ticket: str | None = None,
        approval: str | None = None,
    ) -> Demand:
        """The same demand, with what the caller says that it is for."""
        return replace(self, purpose=purpose, justification=justification, ticket=ticket, approval=approval)
