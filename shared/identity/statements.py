"""What callers say for themselves: a purpose of the policy's, a reason to be read, a ticket, an approval."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.identity.demands import Demand
from shared.identity.roles import Policy
from shared.identity.tickets import is_ticket

MIN_JUSTIFICATION_CHARS = 10
MAX_JUSTIFICATION_CHARS = 500

_RECORD_NAME = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}/(?:0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class Statement:
    """Each statement where it is well-formed; the flags tell of one that is not.

    A purpose that the policy does not list is a caller's own word: it is refused and not kept. So is a
    ticket of no form of the policy's (where it has any), and an approval that is no name of a record,
    `<writer>/<index>`.
    """

    purpose: str | None
    justification: str | None
    ticket: str | None
    approval: str | None
    has_unknown_purpose: bool
    has_bad_justification: bool
    has_bad_ticket: bool
    has_bad_approval: bool


def read_statement(policy: Policy, demand: Demand) -> Statement:
    """The statement of a request; blank headers count as absent."""
    purpose = (demand.purpose or "").strip() or None
    justification = (demand.justification or "").strip() or None
    ticket = (demand.ticket or "").strip() or None
    approval = (demand.approval or "").strip() or None
    is_known = purpose in policy.purposes
    is_readable = justification is not None and is_justification(justification)
    is_formed = ticket is not None and is_ticket(ticket, policy.tickets)
    is_name = approval is not None and _RECORD_NAME.fullmatch(approval) is not None
    return Statement(
        purpose=purpose if is_known else None,
        justification=justification if is_readable else None,
        ticket=ticket if is_formed else None,
        approval=approval if is_name else None,
        has_unknown_purpose=purpose is not None and not is_known,
        has_bad_justification=justification is not None and not is_readable,
        has_bad_ticket=bool(policy.tickets) and ticket is not None and not is_formed,
        has_bad_approval=approval is not None and not is_name,
    )


def is_justification(text: str) -> bool:
    """One line, long enough to say something, without control characters that would deceive a reader."""
    return MIN_JUSTIFICATION_CHARS <= len(text) <= MAX_JUSTIFICATION_CHARS and text.isprintable()
