"""Unusual records of the time under review, measured by what the caller did before. Each is shown once."""

from __future__ import annotations

from collections.abc import Iterator

from shared.review.case import Case
from shared.review.findings import Finding
from shared.review.habits import bursts, has_habits, usual_sum
from shared.review.policy_view import REIDENTIFY, SENSITIVE
from shared.review.stating import gather, listed, number, state
from shared.review.uses import CallerUse, Evidence, FirstUse


def find_refusals(case: Case) -> Iterator[Finding]:
    """Many refusals, and far more than in the caller's worst month before. A caller without past has none."""
    options = case.options
    for caller in case.usage.callers.values():
        refused = caller.recent_refusals
        usual = usual_sum(caller.days.refused, case.usage.recent_day, options.recent_days)
        if refused.count < options.refusals_min or refused.count <= options.refusals_factor * usual:
            continue
        reasons = sorted(caller.refusal_reasons.items(), key=lambda item: (-item[1], item[0]))
        yield state(
            "unusual_refusals",
            f"{number(refused.count, 'call')} refused in the last {options.recent_days} days "
            f"({listed(f'{reason}: {count:,}' for reason, count in reasons[:4])}); the most in so many days "
            f"before was {usual:,}.",
            "investigate",
            "Ask what was tried: a wrong set-up needs help, probing needs an answer.",
            at_stake=caller.exercised,
            principal=caller.key,
            evidence=refused,
        )


def find_first_sensitive(case: Case) -> Iterator[Finding]:
    """A caller with a past without it brings values back, or is told of sensitive types, for the first time.

    Somebody who was given a role for it in the time under review does what the role is for.
    """
    for caller in case.usage.callers.values():
        if not has_habits(case, caller):
            continue
        firsts = [
            (REIDENTIFY, "brought values back", caller.reidentified, 1),
            (SENSITIVE, "was told of sensitive types", caller.told, case.options.first_sensitive_min_calls),
        ]
        new = [
            (permission, words, first)
            for permission, words, first, least in firsts
            if first is not None and _is_new(case, caller, permission, first, least)
        ]
        if new:
            yield _state_first(case, caller, new)


def _is_new(case: Case, caller: CallerUse, permission: str, first: FirstUse, least: int) -> bool:
    if first.at < case.usage.recent_from or first.recent.count < least:
        return False
    days = [
        holding.days_held
        for holding in case.holdings
        if holding.principal.key == caller.key and permission in holding.permissions
    ]
    just_given = [each for each in days if each is not None and each <= case.options.recent_days]
    return not days or len(just_given) < len(days)


def _state_first(case: Case, caller: CallerUse, new: list[tuple[str, str, FirstUse]]) -> Finding:
    what = " and ".join(f"{words} in {number(first.recent.count, 'call')}" for _, words, first in new)
    return state(
        "unusual_first_sensitive",
        f"For the first time since {caller.first:%Y-%m-%d} and after {number(caller.earlier_calls, 'call')} "
        f"without, this {caller.kind} {what}.",
        "investigate",
        "Ask what changed; if it is a new duty, approve.",
        at_stake=[permission for permission, _, _ in new],
        principal=caller.key,
        evidence=gather(first.recent for _, _, first in new),
    )


def find_off_hours(case: Case) -> Iterator[Finding]:
    """A person's sensitive use at night or on free days, who does not usually work then."""
    options = case.options
    for caller in case.usage.callers.values():
        uses = caller.off_hours_sensitive
        if caller.kind != "person" or uses.count < options.off_hours_min_calls:
            continue
        if not has_habits(case, caller):
            continue
        share = caller.earlier_off_hours / caller.earlier_calls
        if share > options.off_hours_usual_share:
            continue
        yield state(
            "unusual_off_hours",
            f"{number(uses.count, 'sensitive call')} out of office hours in the last {options.recent_days} "
            f"days; of {number(caller.earlier_calls, 'call')} before, {share:.0%} were out of hours.",
            "investigate",
            "Ask whether it was this person, and why at that time.",
            at_stake=caller.exercised | ({SENSITIVE} if caller.told else frozenset()),
            principal=caller.key,
            evidence=uses,
        )


def find_bursts(case: Case) -> Iterator[Finding]:
    """A day with many more calls, or re-identified texts, than on the caller's busiest day before."""
    options, first = case.options, case.usage.recent_day
    for caller in case.usage.callers.values():
        if not has_habits(case, caller):
            continue
        kinds = [
            ("call", caller.days.calls, options.burst_min_calls),
            ("re-identified text", caller.days.reidentified, options.burst_min_texts),
        ]
        found = [
            (noun, days[day], busiest, day)
            for noun, days, least in kinds
            for day, busiest in bursts(days, first, least, options.burst_factor).items()
        ]
        if found:
            yield _state_burst(case, caller, found)


def _state_burst(case: Case, caller: CallerUse, found: list[tuple[str, int, int, int]]) -> Finding:
    noun, most, busiest, _ = max(found, key=lambda burst: (burst[1] / max(1, burst[2]), burst[0]))
    days = sorted({day for _, _, _, day in found})
    shown = gather(caller.day_evidence[day] for day in days if day in caller.day_evidence)
    return state(
        "unusual_burst",
        f"{number(most, noun)} on one day, on the busiest day before {busiest:,}; {number(len(days), 'day')} "
        f"of the last {case.options.recent_days} stand out.",
        "investigate",
        "Ask for the job or the case behind it.",
        at_stake=caller.exercised,
        principal=caller.key,
        evidence=Evidence(shown.records, sum(caller.days.calls[day] for day in days)),
    )
