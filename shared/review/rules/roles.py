"""Roles by themselves: assigned ones that the policy does not know, and known ones that nobody holds."""

from __future__ import annotations

from collections.abc import Iterator

from shared.review.case import Case, Holding
from shared.review.findings import Finding
from shared.review.policy_view import RoleView
from shared.review.stating import number, state


def find_roles_without_policy(case: Case) -> Iterator[Finding]:
    """An app role that somebody holds and the policy does not know: it grants nothing, and looks as if."""
    by_role: dict[str, list[Holding]] = {}
    for holding in case.holdings:
        if holding.view is None:
            by_role.setdefault(holding.role, []).append(holding)
    for role, held in sorted(by_role.items()):
        yield state(
            "role_without_policy",
            f"{number(len(held), 'principal')} hold{'s' if len(held) == 1 else ''} the app role {role}, "
            "which the policy does not know: it allows nothing today, and all that a later policy gives it.",
            "add_to_policy",
            "Add the role to the policy, or remove its assignments and the app role.",
            at_stake=(),
            role=role,
            held=held,
        )


def find_unheld_roles(case: Case) -> Iterator[Finding]:
    """A role of the policy that nobody holds. Where grants may be missing from the reading, none is said so.

    A role that was exercised in the time under review is held: by somebody who lost it since, or by callers
    of an issuer that this directory knows nothing of.
    """
    if case.directory.is_unknown("assignments") or case.directory.is_unknown("group_members"):
        return
    held = {holding.role for holding in case.holdings}
    for role in case.policy.roles:
        if role.name not in held and not _is_exercised(case, role):
            yield _state_unheld(case, role)


def _is_exercised(case: Case, role: RoleView) -> bool:
    uses = (caller.roles.get(role.name) for caller in case.usage.callers.values())
    return any(use is not None and use.recent_calls for use in uses)


def _state_unheld(case: Case, role: RoleView) -> Finding:
    calls = sum(
        caller.roles[role.name].calls for caller in case.usage.callers.values() if role.name in caller.roles
    )
    proposal = (
        "Assign it to those who must act in an emergency, or approve if they get it only when there is one."
        if role.is_emergency
        else "Remove the role from the policy and the app registration, or assign it."
    )
    return state(
        "role_unheld",
        f"0 principals hold the role {role.name}, which permits "
        f"{number(len(role.permissions), 'operation')}; {number(calls, 'call')} under it in the window, none "
        f"in the last {case.options.recent_days} days.",
        "remove_role",
        proposal,
        at_stake=(),  # what nobody holds, nobody can misuse
        role=role.name,
    )
