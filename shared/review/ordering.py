"""In which order findings and principals are shown: what hurts most comes first, ties are stable."""

from __future__ import annotations

from collections.abc import Iterable

from shared.review.findings import RISKS, Finding, PrincipalRow


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """Highest risk first, then score, kind and id."""
    return sorted(findings, key=lambda each: (-RISKS.index(each.risk), -each.score, each.kind, each.id))


def rows_by_risk(rows: Iterable[PrincipalRow]) -> list[PrincipalRow]:
    """Highest risk first, those without a finding last; then by findings and id."""
    return sorted(
        rows,
        key=lambda row: (-RISKS.index(row.risk) if row.risk else 1, -len(row.findings), row.kind, row.key),
    )
