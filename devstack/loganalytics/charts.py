"""Small charts as SVG text: lines over time, stacked columns over time, horizontal bars. No scripts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from devstack.loganalytics.database import Result

WIDE, NARROW = 1180, 560
"""Widths in pixels at which text has its size: of a whole row of the page and of half of one."""

HEIGHT = 230
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 26
COLOURS = ("#3b6fb6", "#e08a3c", "#4a9d6e", "#b6534f", "#7d66ad", "#5aa3b8", "#a88b3d", "#8a8f98")
MAX_SERIES = len(COLOURS)
REST = "(others)"

Series = dict[str, dict[datetime, float]]


def draw_lines(result: Result, width: int = WIDE) -> str:
    """A line for each series. First column time; a text column names the series; the number is the value."""
    series = _series(result)
    return _frame(series, width, stacked=False) if series else _nothing()


def draw_columns(result: Result, width: int = WIDE) -> str:
    """Columns over time, the series stacked."""
    series = _series(result)
    return _frame(series, width, stacked=True) if series else _nothing()


def draw_bars(result: Result, width: int = WIDE) -> str:
    """Horizontal bars: the text column names them, each number column is a bar of its own colour."""
    if not result.rows:
        return _nothing()
    numbers = [i for i, value in enumerate(result.rows[0]) if isinstance(value, int | float)]
    label = next(i for i, value in enumerate(result.rows[0]) if isinstance(value, str))
    largest = max(float(row[i]) for row in result.rows for i in numbers) or 1.0
    bar, gap, edge = 12, 8, 150
    step = bar * len(numbers) + gap
    parts = []
    for n, row in enumerate(result.rows):
        name = escape(str(row[label])[:22])
        parts.append(
            f'<text x="{edge - 8}" y="{n * step + bar}" class="label" text-anchor="end">{name}</text>'
        )
        for k, i in enumerate(numbers):
            value, y = float(row[i]), n * step + k * bar
            long = value / largest * (width - edge - 70)
            shape = f'x="{edge}" y="{y}" width="{long:.1f}" height="{bar - 2}" rx="2" fill="{COLOURS[k]}"'
            parts.append(f"<rect {shape}/>")
            parts.append(
                f'<text x="{edge + long + 6:.0f}" y="{y + bar - 3}" class="tick">{_short(value)}</text>'
            )
    return _svg(width, len(result.rows) * step + 4, parts) + _legend([result.columns[i] for i in numbers])


def _series(result: Result) -> Series:
    """Series by name; beyond the eighth largest they are added up as others."""
    if not result.rows:
        return {}
    first = result.rows[0]
    value = max(i for i, cell in enumerate(first) if isinstance(cell, int | float))
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


def _frame(series: Series, width: int, *, stacked: bool) -> str:
    times = sorted({at for points in series.values() for at in points})
    totals = [sum(points.get(at, 0.0) for points in series.values()) for at in times]
    largest = max(totals) if stacked else max(max(points.values()) for points in series.values())
    top = _round_up(largest or 1.0)
    parts = [*_grid(top, width), *_times(times, width)]
    parts += (_columns if stacked else _lines)(series, times, top, width)
    return _svg(width, HEIGHT, parts) + _legend(list(series))


def _lines(series: Series, times: Sequence[datetime], top: float, width: int) -> list[str]:
    parts = []
    for k, points in enumerate(series.values()):
        path = " ".join(f"{_x(at, times, width):.1f},{_y(points.get(at, 0.0), top):.1f}" for at in times)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[k]}" stroke-width="1.6"/>')
    return parts


def _columns(series: Series, times: Sequence[datetime], top: float, width: int) -> list[str]:
    parts = []
    step = (width - LEFT - RIGHT) / len(times)
    wide = max(2.0, step * 0.7)
    for n, at in enumerate(times):
        below, x = 0.0, LEFT + n * step + (step - wide) / 2
        for k, points in enumerate(series.values()):
            value = points.get(at, 0.0)
            y, base = _y(below + value, top), _y(below, top)
            below += value
            shape = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{base - y:.1f}"'
            parts.append(f'<rect {shape} fill="{COLOURS[k]}"/>')
    return parts


def _grid(top: float, width: int) -> list[str]:
    parts = []
    for n in range(5):
        value = top * n / 4
        y = _y(value, top)
        parts.append(f'<line x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" class="tick" text-anchor="end">{_short(value)}</text>'
        )
    return parts


def _times(times: Sequence[datetime], width: int) -> list[str]:
    shown = times[:-1][:: max(1, len(times) // 6)] or times
    form = "%H:%M" if (times[-1] - times[0]).days < 2 else "%d %b"
    parts = []
    for n, at in enumerate(shown):
        place = f'x="{_x(at, times, width):.1f}" y="{HEIGHT - 6}" text-anchor="{"middle" if n else "start"}"'
        parts.append(f'<text {place} class="tick">{at.strftime(form)}</text>')
    return parts


def _x(at: datetime, times: Sequence[datetime], width: int) -> float:
    whole = (times[-1] - times[0]).total_seconds() or 1.0
    return LEFT + (at - times[0]).total_seconds() / whole * (width - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP)


def _round_up(value: float) -> float:
    unit = 1.0
    while unit * 10 <= value:
        unit *= 10
    return next(unit * factor for factor in (1, 2, 4, 5, 8, 10) if unit * factor >= value)


def _short(value: float) -> str:
    for limit, scale, unit in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= limit:
            return f"{value / scale:.3g} {unit}"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _svg(width: int, height: float, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height:.0f}" role="img">{"".join(parts)}</svg>'


def _legend(names: Sequence[str]) -> str:
    items = [
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for colour, name in zip(COLOURS, names, strict=False)
    ]
    return f'<div class="legend">{"".join(items)}</div>'


def _nothing() -> str:
    return '<p class="none">Nothing in this range.</p>'
