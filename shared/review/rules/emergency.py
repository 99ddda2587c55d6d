"""Break-glass: every use is shown, for the record and by itself."""

from __future__ import annotations

from collections.abc import Iterator

from shared.review.case import Case
from shared.review.findings import Finding
from shared.review.policy_view import OPEN_OPERATIONS, SENSITIVE
from shared.review.stating import NOTHING, gather, listed, number, state
from shared.review.uses import CallerUse, Evidence


def find_break_glass(case: Case) -> Iterator[Finding]:
    """A caller began an emergency, or was allowed a call by an emergency role, in the time under review."""
    for caller in case.usage.callers.values():
        for role in sorted(case.policy.emergency_roles):
            begun = caller.emergencies.get(role, NOTHING)
            calls = _recent_calls(case, caller, role)
            if begun.count or calls.count:
                yield _state_use(case, caller, role, begun, calls)


def _recent_calls(case: Case, caller: CallerUse, role: str) -> Evidence:
    use = caller.roles.get(role)
    if use is None:
        return NOTHING
    start = case.usage.recent_from.strftime("%Y-%m-%d")
    return Evidence(tuple(one for one in use.evidence.records if one[0] >= start), use.recent_calls)


def _state_use(case: Case, caller: CallerUse, role: str, begun: Evidence, calls: Evidence) -> Finding:
    use = caller.roles.get(role)
    operations = use.exercise.operations - OPEN_OPERATIONS if use is not None else frozenset()
    told = use is not None and bool(use.exercise.entities & case.policy.sensitive_entities)
    return state(
        "break_glass_used",
        f"The emergency role {role} was used: {number(begun.count, 'time window')} begun and "
        f"{number(calls.count, 'call')} ({listed(operations) or 'none completed'}) in the last "
        f"{case.options.recent_days} days.",
        "investigate",
        "Compare tickets and justifications with the incidents; approve if each stands.",
        at_stake=operations | ({SENSITIVE} if told else frozenset()),
        principal=caller.key,
        role=role,
        evidence=gather([begun, calls]),
    )
