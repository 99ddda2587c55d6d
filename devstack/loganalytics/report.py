"""The workbook's queries as one HTML page that needs nothing else: `python -m devstack report`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape
from typing import Any, Protocol

from devstack.loganalytics.charts import draw_bars, draw_columns, draw_lines
from devstack.loganalytics.database import Result, Span
from devstack.loganalytics.workbook import Part, load_parts

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #667085; --line: #e3e7ee; --card: #fff; --back: #f4f6f9; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #2c3442; --card: #1b212b; --back: #12161d; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 32px 24px; background: var(--back); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1240px; margin: 0 auto; display: grid; grid-template-columns: 1fr 1fr; gap: 18px; }
header { grid-column: 1 / -1; } h1 { margin: 0; font-size: 24px; letter-spacing: -.01em; }
header p { margin: 4px 0 6px; color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px;
  min-width: 0; } section.wide { grid-column: 1 / -1; }
h2 { margin: 0; font-size: 15px; } section > p.note { margin: 2px 0 12px; color: var(--soft); font-size: 12.5px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 12px; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.tile b { display: block; font-size: 25px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); }
svg { width: 100%; height: auto; display: block; } .grid { stroke: var(--line); }
.tick { fill: var(--soft); font-size: 11px; } .label { fill: var(--ink); font-size: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-top: 8px; color: var(--soft); font-size: 12px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 12.5px; }
th { text-align: left; color: var(--soft); font-weight: 500; } th, td { padding: 5px 10px 5px 0; white-space: nowrap; }
tr + tr td { border-top: 1px solid var(--line); } tbody tr:first-child td { border-top: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; } .none { color: var(--soft); }
@media (max-width: 900px) { main { grid-template-columns: 1fr; } section { grid-column: 1 / -1; } }
"""


class Asker(Protocol):
    """Who answers KQL."""

    def query(self, kql: str, *, now: datetime | None = None, span: Span | None = None) -> Result:
        """Run a query."""
        ...


def render_report(source: Asker, now: datetime, days: int) -> str:
    """The page over the last `days` days."""
    sections = "".join(_section(part, _ask(source, part, now, days)) for part in load_parts())
    since = now - timedelta(days=days)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Presidio Access Audit</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><header><h1>Presidio Access Audit</h1>"
        f"<p>Who found or saw which personal data. {since:%d %b %Y %H:%M} to {now:%d %b %Y %H:%M} UTC.</p></header>"
        f"{sections}</main></body></html>\n"
    )


def _ask(source: Asker, part: Part, now: datetime, days: int) -> Result:
    return source.query(part.query, now=now, span=Span(now - timedelta(days=part.days or days), now))


def _section(part: Part, result: Result) -> str:
    shape = "wide" if part.width == 100 else "half"
    note = f'<p class="note">{escape(part.note)}</p>' if part.note else ""
    return f'<section class="{shape}"><h2>{escape(part.title)}</h2>{note}{_DRAW[part.show](result)}</section>'


def _tiles(result: Result) -> str:
    if not result.rows:
        return '<p class="none">Nothing in this range.</p>'
    cells = zip(result.columns, result.rows[0], strict=True)
    tiles = "".join(
        f'<div class="tile"><b>{_cell(value)}</b><span>{escape(name)}</span></div>' for name, value in cells
    )
    return f'<div class="tiles">{tiles}</div>'


def _table(result: Result) -> str:
    if not result.rows:
        return '<p class="none">Nothing in this range.</p>'
    numeric = [
        all(isinstance(row[i], int | float | None) for row in result.rows) for i in range(len(result.columns))
    ]
    kinds = ['class="number"' if is_number else "" for is_number in numeric]
    head = "".join(
        f"<th {kind}>{escape(name)}</th>" for kind, name in zip(kinds, result.columns, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td {kind}>{_cell(value)}</td>" for kind, value in zip(kinds, row, strict=True))
        + "</tr>"
        for row in result.rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return escape(", ".join(str(item) for item in value if item))
    if isinstance(value, bool) or value is None:
        return escape("" if value is None else str(value).lower())
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}" if value != int(value) else f"{value:,.0f}"
    text = str(value)
    if len(text) == 27 and text.endswith("Z") and text[10] == "T":
        return f"{text[:10]} {text[11:16]}"
    return escape(text)


_DRAW: dict[str, Callable[[Result], str]] = {
    "tiles": _tiles,
    "table": _table,
    "timechart": draw_lines,
    "barchart": draw_columns,
    "bars": draw_bars,
}
