"""Small charts as SVG text: lines over time, stacked columns over time, horizontal bars. No scripts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from devstack.loganalytics.database import Result

WIDTH, HEIGHT = 920, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 10, 26
COLOURS = ("#3b6fb6", "#e08a3c", "#4a9d6e", "#b6534f", "#7d66ad", "#5aa3b8", "#a88b3d", "#8a8f98")
MAX_SERIES = len(COLOURS)
REST = "(others)"

Series = dict[str, dict[datetime, float]]


def draw_lines(result: Result) -> str:
    """A line for each series. First column time; a text column names the series; the number is the value."""
    series = _series(result)
    return _frame(series, stacked=False) if series else _nothing()


def draw_columns(result: Result) -> str:
    """Columns over time, the series stacked."""
    series = _series(result)
    return _frame(series, stacked=True) if series else _nothing()


def draw_bars(result: Result) -> str:
    """Horizontal bars: the text column names them, each number column is a bar of its own colour."""
    if not result.rows:
        return _nothing()
    numbers = [i for i, value in enumerate(result.rows[0]) if isinstance(value, int | float)]
    label = next(i for i, value in enumerate(result.rows[0]) if isinstance(value, str))
    largest = max(float(row[i]) for row in result.rows for i in numbers) or 1.0
    bar, gap = 11, 8
    step = bar * len(numbers) + gap
    parts = []
    for n, row in enumerate(result.rows):
        y = n * step
        parts.append(
            f'<text x="170" y="{y + bar}" class="label" text-anchor="end">{escape(str(row[label])[:26])}</text>'
        )
        for k, i in enumerate(numbers):
            length = float(row[i]) / largest * 640
            parts.append(
                f'<rect x="178" y="{y + k * bar}" width="{length:.1f}" height="{bar - 2}" rx="2" fill="{COLOURS[k]}"/>'
                f'<text x="{184 + length:.0f}" y="{y + k * bar + bar - 2}" class="tick">{_short(float(row[i]))}</text>'
            )
    names = [result.columns[i] for i in numbers]
    return _svg(len(result.rows) * step + 4, parts) + _legend(names)


def _series(result: Result) -> Series:
    """Series by name; beyond the eighth largest they are added up as others."""
    if not result.rows:
        return {}
    first = result.rows[0]
    value = max(
        i for i, cell in enumerate(first) if isinstance(cell, int | float) and not isinstance(cell, bool)
    )
    texts = [i for i, cell in enumerate(first) if i > 0 and isinstance(cell, str)]
    found: Series = {}
    for row in result.rows:
        name = str(row[texts[0]]) if texts else result.columns[value]
        points = found.setdefault(name, {})
        at = datetime.fromisoformat(row[0])
        points[at] = points.get(at, 0.0) + float(row[value] or 0)
    ranked = sorted(found, key=lambda name: -sum(found[name].values()))
    kept = {name: found[name] for name in ranked[: MAX_SERIES - 1]}
    for name in ranked[MAX_SERIES - 1 :]:
        rest = kept.setdefault(REST, {})
        for at, number in found[name].items():
            rest[at] = rest.get(at, 0.0) + number
    return kept


def _frame(series: Series, *, stacked: bool) -> str:
    times = sorted({at for points in series.values() for at in points})
    totals = [sum(points.get(at, 0.0) for points in series.values()) for at in times]
    largest = max(totals) if stacked else max(max(points.values()) for points in series.values())
    top = _round_up(largest or 1.0)
    parts = [*_grid(top), *_times(times)]
    parts += _columns(series, times, top) if stacked else _lines(series, times, top)
    return _svg(HEIGHT, parts) + _legend(list(series))


def _lines(series: Series, times: Sequence[datetime], top: float) -> list[str]:
    parts = []
    for k, points in enumerate(series.values()):
        path = " ".join(f"{_x(at, times):.1f},{_y(points.get(at, 0.0), top):.1f}" for at in times)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[k]}" stroke-width="1.6"/>')
    return parts


def _columns(series: Series, times: Sequence[datetime], top: float) -> list[str]:
    parts = []
    wide = max(2.0, (WIDTH - LEFT - RIGHT) / len(times) * 0.7)
    step = (WIDTH - LEFT - RIGHT) / len(times)
    for n, at in enumerate(times):
        below = 0.0
        for k, points in enumerate(series.values()):
            value = points.get(at, 0.0)
            y, base = _y(below + value, top), _y(below, top)
            below += value
            x = LEFT + n * step + (step - wide) / 2
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{base - y:.1f}" fill="{COLOURS[k]}"/>'
            )
    return parts


def _grid(top: float) -> list[str]:
    parts = []
    for n in range(5):
        value = top * n / 4
        y = _y(value, top)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" class="tick" text-anchor="end">{_short(value)}</text>'
        )
    return parts


def _times(times: Sequence[datetime]) -> list[str]:
    shown = times[:: max(1, len(times) // 6)]
    short = (times[-1] - times[0]).days < 2
    form = "%H:%M" if short else "%d %b"
    return [
        f'<text x="{_x(at, times):.1f}" y="{HEIGHT - 6}" class="tick" text-anchor="middle">{at.strftime(form)}</text>'
        for at in shown
    ]


def _x(at: datetime, times: Sequence[datetime]) -> float:
    whole = (times[-1] - times[0]).total_seconds() or 1.0
    return LEFT + (at - times[0]).total_seconds() / whole * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP)


def _round_up(value: float) -> float:
    unit = 1.0
    while unit * 10 <= value:
        unit *= 10
    return next(unit * factor for factor in (1, 2, 4, 5, 8, 10) if unit * factor >= value)


def _short(value: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):.3g} {unit}"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _svg(height: float, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img">{"".join(parts)}</svg>'


def _legend(names: Sequence[str]) -> str:
    items = [
        f'<span><i style="background:{COLOURS[k]}"></i>{escape(name)}</span>' for k, name in enumerate(names)
    ]
    return f'<div class="legend">{"".join(items)}</div>'


def _nothing() -> str:
    return '<p class="none">Nothing in this range.</p>'
