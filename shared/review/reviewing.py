"""Directory + policy + usage -> the review. Pure: the same values always give the same review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from shared.review.case import Case, find_principal, make_case
from shared.review.directory import Directory, Grant, PrincipalKey, Unknown
from shared.review.findings import RISKS, Finding, FindingKind, PrincipalRow, Review, Window
from shared.review.options import ReviewOptions
from shared.review.ordering import by_urgency, rows_by_risk
from shared.review.policy_view import PolicyView
from shared.review.rules.table import RULES, Rule
from shared.review.rules.unused import list_insufficient
from shared.review.uses import Usage


def review_access(
    directory: Directory,
    policy: PolicyView,
    usage: Usage,
    window: Window,
    *,
    log: str,
    review_id: str,
    made_at: datetime,
    previous: Mapping[str, int] | None = None,
    options: ReviewOptions | None = None,
    rules: Mapping[FindingKind, Rule] = RULES,
) -> Review:
    """The review; give it the options that the usage was gathered with.

    `window` is only passed on. `previous` are findings by kind of the review before, None without one.
    """
    chosen = options or ReviewOptions()
    case = make_case(directory, policy, usage, chosen)
    findings = tuple(by_urgency(finding for rule in rules.values() for finding in rule(case)))
    return Review(
        id=review_id,
        made_at=made_at,
        tenant=directory.tenant,
        log=log,
        window=window,
        policy=policy.digest,
        findings=findings,
        insufficient=tuple(list_insufficient(case)),
        rows=tuple(rows_by_risk(_list_rows(case, findings))),
        unknown=(*directory.unknown, *_unknown_use(usage)),
        decide_by=made_at + timedelta(days=chosen.decide_days),
        month_calls=usage.month_calls,
        previous=previous,
    )


def _unknown_use(usage: Usage) -> Iterator[Unknown]:
    """What the records did not tell."""
    if usage.not_understood:
        yield Unknown("records", "", f"{usage.not_understood:,} records have a form that is not understood")
    if usage.person_addresses is None:
        yield Unknown("addresses", "", "people called from too many addresses to compare those of apps with")


def _list_rows(case: Case, findings: Iterable[Finding]) -> list[PrincipalRow]:
    """Everybody who holds a role, and everybody who made calls, with a role today or without one."""
    granted: dict[PrincipalKey, list[Grant]] = {}
    for grant in case.directory.grants:
        granted.setdefault(grant.principal, []).append(grant)
    about: dict[PrincipalKey, list[Finding]] = {}
    for finding in findings:
        if finding.principal is not None:
            about.setdefault(finding.principal, []).append(finding)
    return [
        _row(case, key, granted.get(key, []), about.get(key, []))
        for key in sorted(granted.keys() | case.usage.callers.keys())
    ]


def _row(case: Case, key: PrincipalKey, grants: list[Grant], findings: list[Finding]) -> PrincipalRow:
    """Grants that lead to no role in a token are shown, too."""
    caller = case.caller(key)
    principal = find_principal(case.directory, case.usage, key)
    uses = caller.roles if caller is not None else {}
    lasts = [use.last for use in uses.values() if use.last is not None]
    return PrincipalRow(
        key=key,
        kind=principal.kind,
        state=principal.state,
        name=principal.name,
        roles=tuple(sorted({grant.role for grant in grants})),
        groups=tuple(sorted({grant.group for grant in grants if grant.group is not None})),
        calls={role: use.calls for role, use in uses.items() if use.calls},
        refused=caller.refused if caller is not None else 0,
        reidentifications=caller.reidentifications if caller is not None else 0,
        sensitive_released=caller.sensitive_released if caller is not None else 0,
        last_use=max(lasts, default=None),
        last_sign_in=principal.last_sign_in,
        findings=tuple(finding.id for finding in findings),
        risk=max((finding.risk for finding in findings), key=RISKS.index, default=None),
    )
