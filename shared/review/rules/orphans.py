"""Orphans: who is gone and still holds a role, and apps that nobody answers for."""

from __future__ import annotations

from collections.abc import Iterator

from shared.review.case import Case, is_out
from shared.review.findings import Finding
from shared.review.stating import gather, listed, number, path, revocation, state


def find_orphaned_principals(case: Case) -> Iterator[Finding]:
    """Deleted or disabled, and still holding a role. Whatever else is true of it goes away with its roles."""
    for principal, held in case.by_principal():
        if not is_out(principal):
            continue
        used = [holding.use for holding in held if holding.use is not None]
        evidence = gather(use.evidence for use in used)
        yield state(
            "orphaned_principal",
            f"This {principal.kind} is {principal.state} and still holds {number(len(held), 'role')} "
            f"({listed(holding.role for holding in held)}) {path(held)}; "
            f"{number(evidence.count, 'call')} by it in the window.",
            "revoke",
            f"Revoke: {revocation(held)}.",
            at_stake={name for holding in held for name in holding.permissions},
            principal=principal.key,
            evidence=evidence,
            held=held,
        )


def find_orphaned_apps(case: Case) -> Iterator[Finding]:
    """An app that holds a role and has no owner. Where owners are not known, nothing is said."""
    for principal, held in case.by_principal():
        if principal.kind != "app" or principal.owners != 0 or is_out(principal):
            continue
        caller = case.caller(principal.key)
        yield state(
            "orphaned_app",
            f"This app holds {number(len(held), 'role')} ({listed(holding.role for holding in held)}), made "
            f"{number(caller.calls if caller else 0, 'call')} in the window, and has 0 owners.",
            "assign_owner",
            "Assign an owner who answers for it, or revoke its roles.",
            at_stake={name for holding in held for name in holding.permissions},
            principal=principal.key,
            evidence=gather(holding.use.evidence for holding in held if holding.use is not None),
            held=held,
        )
