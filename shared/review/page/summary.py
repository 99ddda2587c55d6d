"""The top of the page: what it is, whether its evidence held, and what it comes to in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from shared.review.findings import RISKS, Review, Window
from shared.review.page.charts import draw_kinds, draw_months, draw_risks
from shared.review.page.words import KINDS, RISK_WORDS, count, day, minute, show
from shared.review.standing import Standing

VERDICTS: Mapping[str, tuple[str, str, str]] = {
    "intact": (
        "good",
        "The evidence is intact",
        "Every record of this window was read again and proven complete and unmodified.",
    ),
    "findings": (
        "bad",
        "The evidence is NOT intact",
        "The verification of the ledger found something wrong. What this page says may rest on records that"
        " were changed or are missing: have that cleared up before you rely on it.",
    ),
    "unchecked": (
        "warn",
        "The evidence could not be checked completely",
        "Something could not be read or proven. What follows rests on what could.",
    ),
}


def render_header(review: Review) -> str:
    """Title, whose access this is about, and when it was looked at."""
    window = review.window
    return (
        '<header class="top"><p class="eyebrow">Presidio Access Audit</p>'
        f"<h1>Access review <span>{show(review.id)}</span></h1>"
        "<p>Who may find, see or restore personal data, and who did,"
        f" {day(window.since)} to {day(window.until)}. Made {minute(review.made_at)}."
        f" To be decided by <strong>{day(review.decide_by)}</strong>.</p></header>"
    )


def render_verdict(window: Window) -> str:
    """What the ledger's verification said, and the two root checkpoints between which was looked."""
    mood, title, words = VERDICTS[window.verdict]
    found = "".join(
        f"<li><code>{show(kind)}</code> {number:,}</li>"
        for kind, number in sorted(window.verification.items())
    )
    looked = f"{count(window.records, 'record')} looked at." if window.records else "It holds no record."
    listed = f'<ul class="classes">{found}</ul>' if found else ""
    return (
        f'<section class="verdict {mood}" aria-labelledby="verdict"><h2 id="verdict">{title}</h2>'
        f"<p>{words} {looked}</p>{listed}"
        '<dl class="roots">'
        f"{_root('From root checkpoint', window.from_size, window.from_root)}"
        f"{_root('To root checkpoint', window.to_size, window.to_root)}</dl></section>"
    )


def _root(name: str, size: int, root: str) -> str:
    return f"<div><dt>{name}</dt><dd>size {size:,}<br><code>{show(root)}</code></dd></div>"


def render_summary(review: Review, standings: Mapping[str, Standing]) -> str:
    """Sentences that a manager can repeat, and the numbers behind them."""
    risks = Counter(finding.risk for finding in review.findings)
    is_open = sum(standing.is_open for standing in standings.values())
    severe = risks["critical"] + risks["high"]
    tiles = (
        (count(len(review.rows), "account").split(" ")[0], "accounts with access"),
        (f"{len(review.findings):,}", "findings"),
        (f"{severe:,}", "of critical or high risk"),
        (f"{is_open:,}", "still to decide"),
    )
    drawn = "".join(f'<div class="tile"><b>{value}</b><span>{words}</span></div>' for value, words in tiles)
    sentences = "".join(f"<li>{sentence}</li>" for sentence in _sentences(review, is_open))
    return (
        '<section aria-labelledby="short"><h2 id="short">In short</h2>'
        f'<div class="tiles">{drawn}</div><ul class="plain">{sentences}</ul></section>'
    )


def _sentences(review: Review, is_open: int) -> list[str]:
    worst = next(
        (risk for risk in reversed(RISKS) if any(each.risk == risk for each in review.findings)), None
    )
    active = sum(row.last_use is not None for row in review.rows)
    said = [
        f"{count(len(review.rows), 'person or app', 'people and apps')} hold access;"
        f" {active:,} of them used it in this window."
    ]
    if worst is None:
        said.append("There is nothing to decide: no finding.")
    else:
        said.append(
            f"{count(len(review.findings), 'finding')}; the highest risk is {RISK_WORDS[worst].lower()}."
            f" {_open_words(is_open)} by {day(review.decide_by)}."
            if is_open
            else f"{count(len(review.findings), 'finding')}, and all of them are decided."
        )
    uses = sum(each.kind == "break_glass_used" for each in review.findings)
    said.append(
        f"Emergency access was used: {count(uses, 'case')}." if uses else "Emergency access was not used."
    )
    said.append(_trend_sentence(review))
    if review.unknown:
        said.append(
            f"{count(len(review.unknown), 'matter')} could not be known: listed below; nothing was guessed."
        )
    return said


def _open_words(is_open: int) -> str:
    return f"{count(is_open, 'finding')} still {'needs' if is_open == 1 else 'need'} a decision"


def _trend_sentence(review: Review) -> str:
    if review.previous is None:
        return "There is no earlier review to compare with."
    before, now = sum(review.previous.values()), len(review.findings)
    if before == now:
        return "As many findings as in the last review."
    change = "more" if now > before else "fewer"
    return f"{abs(now - before):,} {change} findings than in the last review ({before:,})."


def render_charts(review: Review) -> str:
    """Findings by risk and by kind against the last review, and the calls of each month."""
    risks = Counter[str](finding.risk for finding in review.findings)
    kinds = Counter[str](finding.kind for finding in review.findings)
    before = review.previous
    rows = [
        (words, kinds[kind], None if before is None else before.get(kind, 0))
        for kind, words in KINDS.items()
        if kinds[kind] or (before or {}).get(kind)
    ]
    table = draw_kinds(rows) if rows else '<p class="none">No findings, now or then.</p>'
    return (
        '<section aria-labelledby="trend"><h2 id="trend">Risk and trend</h2>'
        f'<div class="halves"><div>{draw_risks(risks)}{table}</div>'
        f"<div><h3>Calls a month, by operation</h3>{draw_months(review.month_calls)}</div></div></section>"
    )
