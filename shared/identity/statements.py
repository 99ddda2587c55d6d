"""What callers say for themselves: a purpose from the policy's list, and a justification to be read."""

from __future__ import annotations

from dataclasses import dataclass

from shared.identity.demands import Demand
from shared.identity.roles import Policy

MIN_JUSTIFICATION_CHARS = 10
MAX_JUSTIFICATION_CHARS = 500


@dataclass(frozen=True, slots=True)
class Statement:
    """Purpose and justification where they are well-formed; the two flags tell of one that is not.

    A purpose that the policy does not list is a caller's own word: it is refused and not kept.
    """

    purpose: str | None
    justification: str | None
    has_unknown_purpose: bool
    has_bad_justification: bool


def read_statement(policy: Policy, demand: Demand) -> Statement:
    """The statement of a request; blank headers count as absent."""
    purpose = (demand.purpose or "").strip() or None
    justification = (demand.justification or "").strip() or None
    is_known = purpose in policy.purposes
    is_readable = justification is not None and _is_readable(justification)
    return Statement(
        purpose=purpose if is_known else None,
        justification=justification if is_readable else None,
        has_unknown_purpose=purpose is not None and not is_known,
        has_bad_justification=justification is not None and not is_readable,
    )


def _is_readable(text: str) -> bool:
    """One line, long enough to say something, without control characters that would deceive a reader."""
    return MIN_JUSTIFICATION_CHARS <= len(text) <= MAX_JUSTIFICATION_CHARS and text.isprintable()
