"""The policy in force as an access review reads it."""

from __future__ import annotations

from shared.identity.bounds import needed_statements
from shared.identity.rates import rate_of
from shared.identity.roles import Policy, Role
from shared.identity.terms import OPERATIONS
from shared.review.policy_view import PolicyView, RoleView


def view_policy(policy: Policy) -> PolicyView:
    """The same policy, as plain values of the review's room."""
    return PolicyView(
        digest=policy.digest,
        roles=tuple(_view_role(policy, role) for role in policy.roles),
        sensitive_entities=policy.sensitive,
    )


def _view_role(policy: Policy, role: Role) -> RoleView:
    rates = {name: rate_of(role.requests_a_minute, role.burst, name) for name in OPERATIONS}
    return RoleView(
        name=role.name,
        permissions=frozenset(role.permissions),
        held_by=role.held_by,
        entities=None if role.entities is None else frozenset(role.entities),
        denied_entities=frozenset(role.denied_entities),
        operators=frozenset(role.operators),
        languages=None if role.languages is None else frozenset(role.languages),
        ad_hoc_recognizers=role.ad_hoc_recognizers,
        decision_process=role.decision_process,
        max_chars=role.max_chars,
        max_texts=role.max_texts,
        purposes=None if role.purposes is None else frozenset(role.purposes),
        is_emergency=_is_emergency(role),
        statements={
            name: frozenset(needed_statements(policy, role, name))
            for name in OPERATIONS
            if name in role.permissions
        },
        requires=frozenset(role.requires),
        requests_a_minute={name: rate.a_minute for name, rate in rates.items() if rate is not None},
        burst=role.burst,
    )


def _is_emergency(role: Role) -> bool:
    """A role whose use is limited in time from its first use, or recorded before it is served."""
    return role.window_minutes is not None or role.record_intent
