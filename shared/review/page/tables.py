"""The page's tables: a row a principal, what was not judged, and what could not be known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from shared.review.findings import FindingKind, InsufficientHistory, PrincipalRow, Review
from shared.review.ordering import rows_by_risk
from shared.review.page.words import KINDS, RISK_WORDS, UNKNOWN_WORDS, count, principal_text, show

_HEADS = (
    "Account", "Risk", "Roles", "Calls", "Refused", "Restored values", "Sensitive told", "Last use",
    "Last sign-in", "Findings",
)  # fmt: skip


_YOUNG_HEADS = ("Account", "Role", "Why", "Days seen", "Days needed")
_REASONS = {
    "ledger": "the ledger is young",
    "grant": "the role was given lately",
    "since_unknown": "the directory did not say since when",
}


def render_principals(review: Review) -> str:
    """Everybody who holds a role, the riskiest first."""
    if not review.rows:
        return _section("accounts", "Accounts", '<p class="none">Nobody holds a role.</p>')
    kinds = {each.id: each.kind for each in review.findings}
    body = "".join(_row(row, kinds) for row in rows_by_risk(review.rows))
    return _section("accounts", "Accounts", _table("Accounts with access", _HEADS, body, "accounts"))


def _row(row: PrincipalRow, kinds: Mapping[str, FindingKind]) -> str:
    state = "" if row.state == "enabled" else f' <span class="chip">{show(row.state)}</span>'
    risk = f'<span class="badge risk-{row.risk}">{RISK_WORDS[row.risk]}</span>' if row.risk else "none"
    calls = sum(row.calls.values())
    by_role = ", ".join(f"{name} {number:,}" for name, number in sorted(row.calls.items()))
    groups = f'<span class="fine">through {count(len(row.groups), "group")}</span>' if row.groups else ""
    cells = (
        principal_text(row.key, row) + state,
        risk,
        "".join(f'<code class="line">{show(role)}</code>' for role in row.roles) + groups,
        f"{calls:,}" + (f'<br><span class="fine">{show(by_role)}</span>' if len(row.calls) > 1 else ""),
        f"{row.refused:,}",
        f"{row.reidentifications:,}",
        f"{row.sensitive_released:,}",
        _date(row.last_use),
        _date(row.last_sign_in),
        _links(row.findings, kinds),
    )
    return f'<tr data-row data-risk="{row.risk or ""}">{_cells(cells, _HEADS)}</tr>'


def render_insufficient(review: Review) -> str:
    """Grants that were not judged, because history does not reach back far enough."""
    rows = {row.key: row for row in review.rows}
    body = "".join(_young(each, rows.get(each.principal)) for each in review.insufficient)
    words = "<p>Too young to judge: neither used enough to keep nor unused enough to remove.</p>"
    none = '<p class="none">Every grant is old enough to be judged.</p>'
    inside = words + _table("Grants without enough history", _YOUNG_HEADS, body, "history") if body else none
    return _section("history", "Not enough history", inside)


def _date(moment: datetime | None) -> str:
    return f'<span class="date">{moment:%Y-%m-%d}</span>' if moment is not None else "–"


def _links(findings: Iterable[str], kinds: Mapping[str, FindingKind]) -> str:
    """Links to findings, each by what it is about."""
    links = (
        f'<a class="line" href="#{show(name)}">{KINDS[kinds[name]] if name in kinds else show(name)}</a>'
        for name in findings
    )
    return "".join(links) or "none"


def _young(each: InsufficientHistory, row: PrincipalRow | None) -> str:
    cells = (
        principal_text(each.principal, row),
        f"<code>{show(each.role)}</code>",
        _REASONS[each.reason],
        f"{each.days_seen:,}",
        f"{each.days_needed:,}",
    )
    return f"<tr>{_cells(cells, _YOUNG_HEADS)}</tr>"


def render_unknown(review: Review) -> str:
    """What could not be read, and what would make it readable. No finding rests on any of it."""
    items = "".join(
        f"<li><b>{show(UNKNOWN_WORDS.get(each.code, each.code))}</b>"
        f"{f' <code>{show(each.subject)}</code>' if each.subject else ''}: {show(each.message)}</li>"
        for each in review.unknown
    )
    none = '<p class="none">Everything that was asked of the directory was answered.</p>'
    words = "<p>The directory did not tell these. Nothing was concluded from their absence.</p>"
    return _section("unknown", "Could not be known", f"{words}<ul>{items}</ul>" if items else none)


def render_method(review: Review) -> str:
    """How to decide, and where everything comes from."""
    command = f"python -m auditor review decide {review.id} FINDING --revoke --because 'reason'"
    return _section(
        "method",
        "How to decide, and what this rests on",
        "<p>A reviewer approves, revokes or defers each finding, with a reason that the ledger keeps:</p>"
        f'<pre tabindex="0" role="region" aria-label="Command">{show(command)}</pre>'
        "<p>Nobody decides about themselves. Nothing is changed in the directory by a decision;"
        " <code>auditor review export</code> writes the commands that carry out what was revoked.</p>"
        f'<dl class="facts">{_fact("Ledger", review.log)}{_fact("Tenant", review.tenant)}'
        f"{_fact('Policy (SHA-256)', review.policy)}</dl>",
    )


def _fact(name: str, value: str) -> str:
    return f"<div><dt>{name}</dt><dd><code>{show(value)}</code></dd></div>"


def _section(name: str, title: str, inside: str) -> str:
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>{inside}</section>'


def _table(caption: str, heads: Sequence[str], body: str, name: str) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="stack" id="table-{name}"><caption class="off">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(cells: Iterable[str], heads: Sequence[str]) -> str:
    """The first cell names its row. `data-label` gives a narrow screen the column's name."""
    first, *rest = zip(heads, cells, strict=True)
    named = "".join(f'<td data-label="{head}"><div>{cell}</div></td>' for head, cell in rest)
    return f'<th scope="row" data-label="{first[0]}"><div>{first[1]}</div></th>{named}'
