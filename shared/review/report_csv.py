"""A review as two tables: a row a finding, and a row a principal (RFC 4180, UTF-8, every cell quoted).

Spreadsheets run cells that begin with certain characters as formulas; such cells get an apostrophe in front
(OWASP, CSV injection).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.review.directory import PrincipalKey
from shared.review.findings import Finding, PrincipalRow, Review
from shared.review.ordering import by_urgency, rows_by_risk

FINDING_COLUMNS = (
    "review", "finding", "risk", "score", "kind", "tenant", "principal", "principal_kind", "principal_state",
    "name", "role", "explanation", "action", "proposal", "evidence_count", "evidence", "assignments",
    "decide_by",
)  # fmt: skip
PRINCIPAL_COLUMNS = (
    "review", "tenant", "principal", "principal_kind", "principal_state", "name", "risk", "roles", "groups",
    "calls", "refused", "reidentifications", "sensitive_released", "last_use", "last_sign_in", "findings",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render_findings_csv(review: Review) -> bytes:
    """A row a finding, the most urgent first. Lists within a cell are joined by a space."""
    rows: dict[PrincipalKey | None, PrincipalRow] = {row.key: row for row in review.rows}
    found = by_urgency(review.findings)
    return _table(FINDING_COLUMNS, (_finding_cells(review, each, rows.get(each.principal)) for each in found))


def render_principals_csv(review: Review) -> bytes:
    """A row a principal, the riskiest first."""
    return _table(PRINCIPAL_COLUMNS, (_principal_cells(review, row) for row in rows_by_risk(review.rows)))


def _finding_cells(review: Review, finding: Finding, row: PrincipalRow | None) -> Sequence[object]:
    tenant, principal = finding.principal or ("", "")
    return (
        review.id,
        finding.id,
        finding.risk,
        finding.score,
        finding.kind,
        tenant,
        principal,
        row.kind if row else "",
        row.state if row else "",
        (row.name if row else None) or "",
        finding.role or "",
        finding.explanation,
        finding.action,
        finding.proposal,
        finding.evidence_count,
        " ".join(finding.evidence),
        " ".join(finding.assignments),
        _time(review.decide_by),
    )


def _principal_cells(review: Review, row: PrincipalRow) -> Sequence[object]:
    return (
        review.id,
        *row.key,
        row.kind,
        row.state,
        row.name or "",
        row.risk or "",
        " ".join(row.roles),
        " ".join(row.groups),
        sum(row.calls.values()),
        row.refused,
        row.reidentifications,
        row.sensitive_released,
        _time(row.last_use),
        _time(row.last_sign_in),
        " ".join(row.findings),
    )


def guard_cell(value: object) -> str:
    """The cell's text, which no spreadsheet takes for a formula. Numbers of ours stay numbers."""
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([guard_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
