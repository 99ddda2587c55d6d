"""What lies unused: principals, and roles of principals that are in use. Too little history is no finding."""

from __future__ import annotations

from collections.abc import Iterator

from shared.review.case import Case, Holding, is_out
from shared.review.directory import Principal
from shared.review.findings import Finding, InsufficientHistory
from shared.review.stating import listed, number, path, revocation, state


def find_dormant_principals(case: Case) -> Iterator[Finding]:
    """Holds standing roles, all for long enough; no record names it, and it did not sign in anywhere.

    Where sign-ins are not known nobody can say that: there its roles are unused, each by itself.
    """
    for principal, held in case.by_principal():
        standing = [holding for holding in held if holding.is_standing]
        if not is_dormant(case, principal, held):
            continue
        caller = case.caller(principal.key)
        seen = f"last seen on {caller.seen:%Y-%m-%d}" if caller is not None else "never seen"
        days = min([case.usage.history_days, *(holding.days_held or 0 for holding in standing)])
        signed = f"signed in last on {principal.last_sign_in:%Y-%m-%d}" if principal.last_sign_in else ""
        yield state(
            "dormant_principal",
            f"This {principal.kind} holds {number(len(held), 'role')} "
            f"({listed(holding.role for holding in held)}) {path(held)}, was {seen} in "
            f"{number(days, 'day')} of records, and {signed or 'never signed in'}.",
            "revoke",
            f"Revoke: {revocation(held)}.",
            at_stake={name for holding in held for name in holding.permissions},
            principal=principal.key,
            held=held,
        )


def is_dormant(case: Case, principal: Principal, held: tuple[Holding, ...]) -> bool:
    """True where nothing shows that the principal is in use, and everything would."""
    standing = [holding for holding in held if holding.is_standing]
    if is_out(principal) or not standing or not all(case.is_judged(holding) for holding in standing):
        return False
    caller = case.caller(principal.key)
    if caller is not None and caller.seen >= case.unused_before:
        return False
    last = principal.last_sign_in
    return principal.sign_ins_known and (last is None or last < case.unused_before)


def find_unused_roles(case: Case) -> Iterator[Finding]:
    """A standing role, held for long enough, that was not exercised in `unused_days`.

    Calls that another role of the principal allowed first are that role's: then this one is not needed.
    """
    for principal, held in case.by_principal():
        if is_out(principal) or is_dormant(case, principal, held):
            continue
        for holding in held:
            if holding.is_standing and case.is_judged(holding) and case.is_unused(holding):
                yield _state_unused(case, holding)


def _state_unused(case: Case, holding: Holding) -> Finding:
    last = holding.use.last if holding.use is not None else None
    when = f"exercised last on {last:%Y-%m-%d}" if last else "never exercised"
    days = number(min(holding.days_held or 0, case.usage.history_days), "day")
    return state(
        "unused_role",
        f"The role {holding.role}, held {path([holding])} for {number(holding.days_held or 0, 'day')}, was "
        f"{when} in {days} of records.",
        "revoke",
        f"Revoke: {revocation([holding])}.",
        at_stake=holding.permissions,
        principal=holding.principal.key,
        role=holding.role,
        held=[holding],
    )


def list_insufficient(case: Case) -> Iterator[InsufficientHistory]:
    """Every standing role that was not judged, and why: the verdict of the three rules that look back."""
    needed = case.options.unused_days
    for holding in case.holdings:
        if not holding.is_standing or is_out(holding.principal) or case.is_judged(holding):
            continue
        about = (holding.principal.key, holding.role)
        if holding.days_held is None:
            yield InsufficientHistory(*about, 0, needed, "since_unknown")
        elif holding.days_held < case.usage.history_days:
            yield InsufficientHistory(*about, holding.days_held, needed, "grant")
        else:
            yield InsufficientHistory(*about, case.usage.history_days, needed, "ledger")
