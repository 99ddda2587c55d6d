"""The findings on the page: by risk, each with its reason, evidence, proposal, and how it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from shared.review.directory import PrincipalKey
from shared.review.findings import RISKS, Finding, PrincipalRow, Review
from shared.review.ordering import by_urgency
from shared.review.page.words import (
    ACTIONS,
    KINDS,
    RISK_WORDS,
    STATES,
    count,
    minute,
    principal_text,
    show,
)
from shared.review.standing import UNDECIDED, Standing

type Rows = Mapping[PrincipalKey, PrincipalRow]


def render_findings(review: Review, standings: Mapping[str, Standing]) -> str:
    """Emergency access by itself, then everything else by risk."""
    rows = {row.key: row for row in review.rows}
    ordered = by_urgency(review.findings)
    emergencies = [each for each in ordered if each.kind == "break_glass_used"]
    others = [each for each in ordered if each.kind != "break_glass_used"]
    groups = [_group("Emergency access", "emergency", emergencies, rows, standings)] if emergencies else []
    for risk in reversed(RISKS):
        these = [each for each in others if each.risk == risk]
        if these:
            groups.append(_group(f"{RISK_WORDS[risk]} risk", risk, these, rows, standings))
    body = "".join(groups) or '<p class="none">No findings.</p>'
    return (
        '<section aria-labelledby="findings"><h2 id="findings">Findings</h2>'
        f"{_filters(review, ordered)}{body}</section>"
    )


def _filters(review: Review, findings: Sequence[Finding]) -> str:
    """Hidden until the page's script shows it: without a script everything is there to read."""
    kinds = sorted({each.kind for each in findings}, key=lambda kind: KINDS[kind])
    risks = [risk for risk in reversed(RISKS) if any(each.risk == risk for each in findings)]
    return (
        '<form class="filters" id="filters" role="search" aria-label="Filter findings and accounts" hidden>'
        "<label>Search"
        '<input type="search" id="f-text" autocomplete="off" placeholder="role, id, word"></label>'
        + _select("f-risk", "Risk", [(risk, RISK_WORDS[risk]) for risk in risks])
        + _select("f-kind", "Kind", [(kind, KINDS[kind]) for kind in kinds])
        + _select("f-state", "Decision", list(STATES.items()))
        + '<button type="reset">Show all</button><p id="f-count" role="status"></p></form>'
    )


def _select(name: str, label: str, options: Sequence[tuple[str, str]]) -> str:
    listed = "".join(f'<option value="{show(value)}">{show(words)}</option>' for value, words in options)
    return f'<label>{label}<select id="{name}"><option value="">All</option>{listed}</select></label>'


def _group(
    title: str, name: str, findings: Sequence[Finding], rows: Rows, standings: Mapping[str, Standing]
) -> str:
    cards = "".join(
        _card(each, rows.get(each.principal) if each.principal else None, standings.get(each.id, UNDECIDED))
        for each in findings
    )
    return (
        f'<div class="group" data-group><h3 id="risk-{name}">{title}'
        f' <span class="many">{len(findings):,}</span></h3>'
        f'<div class="cards">{cards}</div></div>'
    )


def _card(finding: Finding, row: PrincipalRow | None, standing: Standing) -> str:
    role = f'<span class="role">Role <code>{show(finding.role)}</code></span>' if finding.role else ""
    return (
        f'<article class="card edge-{finding.risk}" id="{show(finding.id)}" data-risk="{finding.risk}"'
        f' data-kind="{finding.kind}" data-state="{standing.state}">'
        f'<h4><span class="badge risk-{finding.risk}">{RISK_WORDS[finding.risk]}</span>'
        f" {KINDS[finding.kind]}</h4>"
        f'<p class="subject">{principal_text(finding.principal, row)} {role}</p>'
        f"<p>{show(finding.explanation)}</p>"
        f'<p class="proposal"><b>{show(ACTIONS.get(finding.action, finding.action))}:</b>'
        f" {show(finding.proposal)}</p>"
        f"{_groups(finding)}{_patch(finding)}{_evidence(finding)}{_standing(standing)}"
        f'<p class="fine">Finding <code>{show(finding.id)}</code> · weight {finding.score:,}</p></article>'
    )


def _groups(finding: Finding) -> str:
    if not finding.groups:
        return ""
    names = ", ".join(f"<code>{show(name)}</code>" for name in finding.groups)
    return f'<p class="fine">Held through {count(len(finding.groups), "group")}: {names}</p>'


def _patch(finding: Finding) -> str:
    if not finding.patch:
        return ""
    text = json.dumps(finding.patch, indent=2, ensure_ascii=False, sort_keys=True, default=str)
    lines = "\n".join(show(line) for line in text.split("\n"))
    return (
        f"<details><summary>The narrower rules of this role</summary>"
        f'<pre tabindex="0" role="region" aria-label="Narrower rules">{lines}</pre></details>'
    )


def _evidence(finding: Finding) -> str:
    if not finding.evidence:
        return (
            '<p class="fine">Evidence: the directory\'s assignments; no record of the ledger is involved.</p>'
        )
    total = max(finding.evidence_count, len(finding.evidence))
    shown = "" if total == len(finding.evidence) else f", the newest {len(finding.evidence):,} by name"
    names = "".join(f"<li><code>{show(name)}</code></li>" for name in finding.evidence)
    return (
        f"<details><summary>Evidence: {count(total, 'record')}{shown}</summary>"
        f'<ul class="records">{names}</ul></details>'
    )


def _standing(standing: Standing) -> str:
    words = f'<b class="state state-{standing.state}">{STATES[standing.state]}</b>'
    decision = standing.decision
    if decision is None:
        return f'<p class="standing">{words}</p>'
    until = f" until {minute(decision.defer_until)}" if decision.defer_until else ""
    lapsed = "; deferred" if standing.state == "undecided" else ""
    earlier = f" {count(standing.superseded, 'earlier decision')} replaced." if standing.superseded else ""
    return (
        f'<p class="standing">{words}{lapsed}{until}, {minute(decision.at)},'
        f" by <code>{show(decision.by[1])}</code>:"
        f" <q>{show(decision.justification)}</q>{earlier} <code>{show(decision.record)}</code></p>"
    )
