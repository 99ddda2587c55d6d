"""Which rate holds for a call: the granting role's, or the policy's own."""

from __future__ import annotations

from shared.identity.rates import Rate, rate_of
from shared.identity.roles import Policy, Role
from shared.identity.terms import OPEN_OPERATIONS


def limit_of(policy: Policy, role: Role | None, operation: str) -> Rate | None:
    """The limit of one caller's calls of this operation; None where there is none.

    `role` is the one that grants the call. Where none does, and for operations that need no permission
    and have no rate in the role, the policy's `refused_a_minute` holds: they leave records like any other.
    """
    found = None if role is None else rate_of(role.requests_a_minute, role.burst, operation)
    if found is None and (role is None or operation in OPEN_OPERATIONS):
        return refused_limit(policy)
    return found


def refused_limit(policy: Policy) -> Rate | None:
    """The limit of one caller's refused calls, whatever they ask for."""
    return rate_of(policy.refused_a_minute, None, "")
