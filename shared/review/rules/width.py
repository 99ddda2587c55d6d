"""Roles that allow more than is used: of everybody who holds one, and of one principal among them.

What nobody needed is the role's own matter, put once; what others need and this principal does not is
its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.review.case import Case, Holding, is_out
from shared.review.findings import Finding
from shared.review.narrowing import (
    Unused,
    find_narrower_role,
    find_unused,
    join,
    narrow,
    needed_permissions,
    render_patch,
)
from shared.review.policy_view import RoleView
from shared.review.stating import gather, listed, number, state
from shared.review.uses import Exercise, RoleUse


def find_wide_grants(case: Case) -> Iterator[Finding]:
    """Held for long enough, used at least `narrow_min_calls` times, and only in part."""
    for role in case.policy.roles:
        judged = [
            holding for holding in case.holdings if holding.role == role.name and _is_judged(case, holding)
        ]
        if not judged or role.is_emergency:
            continue
        left = role
        if len(judged) > 1:
            every = _every_use(case, role)
            unused = _unused(case, role, every)
            if unused.is_any:
                yield _state_role(case, role, judged, every, unused)
                left = _narrow(case, role, every, unused)
        for holding in judged:
            yield from _judge_holding(case, left, holding)


def _is_judged(case: Case, holding: Holding) -> bool:
    return (
        holding.is_standing
        and not is_out(holding.principal)
        and case.is_judged(holding)
        and not case.is_unused(holding)
        and holding.use is not None
        and holding.use.calls >= case.options.narrow_min_calls
    )


def _every_use(case: Case, role: RoleView) -> Exercise:
    """What anybody needed of the role in the window, whoever holds it today."""
    callers = case.usage.callers.values()
    return join(caller.roles[role.name].exercise for caller in callers if role.name in caller.roles)


def _unused(case: Case, role: RoleView, use: Exercise) -> Unused:
    return find_unused(role, use, case.policy.sensitive_entities, case.options.narrow_unused_share)


def _narrow(case: Case, role: RoleView, use: Exercise, unused: Unused) -> RoleView:
    return narrow(role, use, unused, case.policy.sensitive_entities)


def _judge_holding(case: Case, role: RoleView, holding: Holding) -> Iterator[Finding]:
    use = holding.use
    if use is None:
        return
    unused = _unused(case, role, use.exercise)
    if not unused.is_any:
        return
    other = find_narrower_role(case.policy, role, use.exercise, holding.principal.kind)
    narrowed = _narrow(case, role, use.exercise, unused)
    yield state(
        "over_permissive",
        _explain(case, role, use, unused),
        "narrow",
        f"Assign {other.name} instead of {role.name}: it allows all that was used."
        if other is not None
        else "Give it a role of its own with these narrower rules: they allow all that was used.",
        at_stake=unused.permissions,
        principal=holding.principal.key,
        role=role.name,
        evidence=use.evidence,
        held=[holding],
        patch=None if other is not None else render_patch(holding.view or role, narrowed),
    )


def _state_role(
    case: Case, role: RoleView, judged: list[Holding], every: Exercise, unused: Unused
) -> Finding:
    uses = [holding.use for holding in judged if holding.use is not None]
    calls = sum(use.calls for use in uses)
    return state(
        "over_permissive",
        f"{number(len(judged), 'principal')} used {role.name} in {number(calls, 'call')}, and nobody "
        f"needed {_name(role, every, unused)}.",
        "narrow",
        "Narrow the role for everybody: these rules allow all that was used.",
        at_stake=unused.permissions,
        role=role.name,
        evidence=gather(use.evidence for use in uses),
        patch=render_patch(role, _narrow(case, role, every, unused)),
    )


def _explain(case: Case, role: RoleView, use: RoleUse, unused: Unused) -> str:
    needed = needed_permissions(use.exercise, case.policy.sensitive_entities) & role.permissions
    return (
        f"In {number(use.calls, 'call')} under {role.name}, {len(needed)} of "
        f"{number(len(role.permissions), 'permission')} were used; not needed: "
        f"{_name(role, use.exercise, unused)}."
    )


def _name(role: RoleView, use: Exercise, unused: Unused) -> str:
    parts = [listed(unused.permissions)] if unused.permissions else []
    if unused.operators:
        parts.append(
            f"{len(unused.operators)} of {number(len(role.operators), 'operator')} "
            f"({listed(unused.operators)})"
        )
    if unused.entities:
        others = "all others" if role.entities is None else f"{len(role.entities - use.entities)} others"
        parts.append(f"of entity types more than {listed(use.entities, 5)} ({others})")
    return "; ".join(parts)
