"""Directory + policy + usage -> the review. Pure: the same values always give the same review."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from shared.review.case import Case, Holding, make_case
from shared.review.directory import Directory, Principal, PrincipalKey
from shared.review.findings import RISKS, Finding, FindingKind, PrincipalRow, Review, Window
from shared.review.options import ReviewOptions
from shared.review.ordering import by_urgency, rows_by_risk
from shared.review.policy_view import PolicyView
from shared.review.rules import RULES, Rule
from shared.review.rules_unused import list_insufficient
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
        unknown=directory.unknown,
        decide_by=made_at + timedelta(days=chosen.decide_days),
        month_calls=usage.month_calls,
        previous=previous,
    )


def _list_rows(case: Case, findings: Iterable[Finding]) -> list[PrincipalRow]:
    """Everybody who holds a role, and everybody who made calls, with a role today or without one."""
    about: dict[PrincipalKey, list[Finding]] = {}
    for finding in findings:
        if finding.principal is not None:
            about.setdefault(finding.principal, []).append(finding)
    holders = {principal.key: (principal, held) for principal, held in case.by_principal()}
    return [
        _row(case, key, holders.get(key), about.get(key, []))
        for key in sorted(holders.keys() | case.usage.callers.keys())
    ]


def _row(
    case: Case,
    key: PrincipalKey,
    holder: tuple[Principal, tuple[Holding, ...]] | None,
    findings: list[Finding],
) -> PrincipalRow:
    caller = case.caller(key)
    principal = holder[0] if holder is not None else case.directory.principals.get(key)
    held = holder[1] if holder is not None else ()
    uses = caller.roles if caller is not None else {}
    lasts = [use.last for use in uses.values() if use.last is not None]
    kind = caller.kind if caller is not None and principal is None else None
    return PrincipalRow(
        key=key,
        kind=principal.kind if principal is not None else kind or "person",
        state=principal.state if principal is not None else "unknown",
        name=principal.name if principal is not None else None,
        roles=tuple(holding.role for holding in held),
        groups=tuple(sorted({group for holding in held for group in holding.groups})),
        calls={role: use.calls for role, use in uses.items() if use.calls},
        refused=caller.refused if caller is not None else 0,
        reidentifications=caller.reidentifications if caller is not None else 0,
        sensitive_released=caller.sensitive_released if caller is not None else 0,
        last_use=max(lasts, default=None),
        last_sign_in=principal.last_sign_in if principal is not None else None,
        findings=tuple(finding.id for finding in findings),
        risk=max((finding.risk for finding in findings), key=RISKS.index, default=None),
    )
