"""Charts of the page: SVG made here, without scripts or styles of their own, each with its numbers as text.

Widths are percentages, so that a chart fits a telephone and a wall without its letters shrinking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.review.findings import RISKS
from shared.review.page.words import RISK_WORDS, count, month, show

SERIES = 5
"""Operations that get a colour of their own in the chart of months; the rest is added up."""

REST = "other operations"
HEIGHT, TOP, BOTTOM = 190, 18, 22


def draw_risks(risks: Mapping[str, int]) -> str:
    """One bar, split by risk; the legend beneath it carries the numbers."""
    total = sum(risks.values())
    words = ", ".join(f"{risks.get(risk, 0)} {RISK_WORDS[risk].lower()}" for risk in reversed(RISKS))
    parts, left = [], 0.0
    for risk in reversed(RISKS):
        share = 100 * risks.get(risk, 0) / total if total else 0.0
        if share:
            parts.append(f'<rect class="fill-{risk}" x="{left:.2f}%" width="{share:.2f}%" height="18"/>')
        left += share
    legend = "".join(
        f'<li><span class="dot dot-{risk}"></span>{RISK_WORDS[risk]} <b>{risks.get(risk, 0):,}</b></li>'
        for risk in reversed(RISKS)
    )
    svg = f'<svg class="split" width="100%" height="18" role="img" aria-label="Findings by risk: {words}">'
    track = '<rect class="track" width="100%" height="18"/>'
    return f'{svg}{track}{"".join(parts)}</svg><ul class="legend">{legend}</ul>'


def draw_kinds(rows: Sequence[tuple[str, int, int | None]]) -> str:
    """Bars by kind, `(words, now, before)`: a table whose cells also show a bar. `before` None: no review."""
    largest = max((max(now, before or 0) for _, now, before in rows), default=0) or 1
    has_before = any(before is not None for _, _, before in rows)
    lines = []
    for words, now, before in rows:
        bars = f'<rect class="bar-now" width="{100 * now / largest:.1f}%" height="10" rx="2"/>'
        if has_before:
            share = 100 * (before or 0) / largest
            bars += f'<rect class="bar-before" y="13" width="{share:.1f}%" height="5" rx="2"/>'
        svg = f'<svg width="100%" height="18" aria-hidden="true" focusable="false">{bars}</svg>'
        change = f"<td>{before or 0:,}</td><td>{_change(now, before or 0)}</td>" if has_before else ""
        lines.append(
            f'<tr><th scope="row">{show(words)}</th><td class="bar">{svg}</td><td>{now:,}</td>{change}</tr>'
        )
    head = '<th scope="col">Last review</th><th scope="col">Change</th>' if has_before else ""
    return (
        '<table class="bars"><caption>Findings by kind'
        f"{', this review and the last' if has_before else ''}</caption>"
        '<thead><tr><th scope="col">Kind</th><td></td><th scope="col">Now</th>'
        f"{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )


def _change(now: int, before: int) -> str:
    if now == before:
        return "same"
    arrow, words = ("▲", "more") if now > before else ("▼", "fewer")
    return (
        f'<span class="{words}"><span aria-hidden="true">{arrow}</span> {abs(now - before):,} {words}</span>'
    )


def draw_months(calls: Mapping[str, Mapping[str, int]]) -> str:
    """Columns a month, the operations stacked; `calls` is operation -> month (`2026-11`) -> calls."""
    months = sorted({name for each in calls.values() for name in each})
    if not months:
        return '<p class="none">No calls in this window.</p>'
    series = _rank(calls)
    totals = {name: sum(points.get(name, 0) for _, points in series) for name in months}
    largest = max(totals.values()) or 1
    step = 100 / len(months)
    parts = []
    for place, name in enumerate(months):
        parts += _column(series, name, place * step + step * 0.16, step * 0.68, largest)
        middle, top = place * step + step / 2, _y(totals[name], largest)
        parts.append(f'<text class="tick" x="{middle:.2f}%" y="{HEIGHT - 6}">{show(month(name)[:3])}</text>')
        parts.append(
            f'<text class="tick top" x="{middle:.2f}%" y="{top - 5:.1f}">{_short(totals[name])}</text>'
        )
    words = show("; ".join(f"{month(name)}: {count(totals[name], 'call')}" for name in months))
    legend = "".join(
        f'<li><span class="dot series-{place}"></span>{show(name)}</li>'
        for place, (name, _) in enumerate(series)
    )
    svg = (
        f'<svg class="months" width="100%" height="{HEIGHT}" role="img" aria-label="Calls a month. {words}">'
    )
    base = f'<line class="axis" x1="0" x2="100%" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>'
    return f'{svg}{base}{"".join(parts)}</svg><ul class="legend">{legend}</ul>{_numbers(series, months)}'


def _rank(calls: Mapping[str, Mapping[str, int]]) -> list[tuple[str, Mapping[str, int]]]:
    ranked = sorted(calls.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    kept, rest = ranked[:SERIES], ranked[SERIES:]
    if rest:
        together: dict[str, int] = {}
        for _, points in rest:
            for name, number in points.items():
                together[name] = together.get(name, 0) + number
        kept.append((REST, together))
    return kept


def _column(
    series: Sequence[tuple[str, Mapping[str, int]]], name: str, left: float, wide: float, largest: int
) -> list[str]:
    parts, below = [], 0
    for place, (_, points) in enumerate(series):
        number = points.get(name, 0)
        if number:
            top, base = _y(below + number, largest), _y(below, largest)
            shape = f'x="{left:.2f}%" width="{wide:.2f}%" y="{top:.1f}" height="{base - top:.1f}"'
            parts.append(f'<rect class="series-{place}" {shape}/>')
        below += number
    return parts


def _y(value: float, largest: int) -> float:
    return HEIGHT - BOTTOM - value / largest * (HEIGHT - BOTTOM - TOP)


def _short(value: int) -> str:
    for limit, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return str(value)


def _numbers(series: Sequence[tuple[str, Mapping[str, int]]], months: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{show(month(name))}</th>' for name in months)
    body = "".join(
        f'<tr><th scope="row">{show(name)}</th>'
        f"{''.join(f'<td>{points.get(at, 0):,}</td>' for at in months)}</tr>"
        for name, points in series
    )
    return (
        '<details class="numbers"><summary>The numbers as a table</summary><div class="scroll" tabindex="0" '
        'role="region" aria-label="Calls a month as a table"><table><thead><tr><th scope="col">Operation</th>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )
