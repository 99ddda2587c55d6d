"""The workbook's queries as one HTML page that needs nothing else: `python -m devstack report`."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, Protocol

from devstack.loganalytics.charts import NARROW, WIDE, draw_bars, draw_columns, draw_lines
from devstack.loganalytics.database import Result, Span
from devstack.loganalytics.workbook import Part, load_parts

STYLE = (Path(__file__).parent / "report.css").read_text("utf-8")
NOTHING = '<p class="none">Nothing in this range.</p>'


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
        f"<p>Who found or saw which personal data. {since:%d %b %Y %H:%M} to {now:%d %b %Y %H:%M} UTC.</p>"
        f"</header>{sections}</main></body></html>\n"
    )


def _ask(source: Asker, part: Part, now: datetime, days: int) -> Result:
    return source.query(part.query, now=now, span=Span(now - timedelta(days=part.days or days), now))


def _section(part: Part, result: Result) -> str:
    shape = "wide" if part.width == 100 else "half"
    note = f'<p class="note">{escape(part.note)}</p>' if part.note else ""
    return f'<section class="{shape}"><h2>{escape(part.title)}</h2>{note}{_draw(part, result)}</section>'


def _draw(part: Part, result: Result) -> str:
    if part.show in ("tiles", "table"):
        return _tiles(result) if part.show == "tiles" else _table(result)
    chart = {"timechart": draw_lines, "barchart": draw_columns, "bars": draw_bars}[part.show]
    return chart(result, WIDE if part.width == 100 else NARROW)


def _tiles(result: Result) -> str:
    if not result.rows:
        return NOTHING
    tiles = "".join(
        f'<div class="tile"><b>{_cell(value)}</b><span>{escape(name)}</span></div>'
        for name, value in zip(result.columns, result.rows[0], strict=True)
    )
    return f'<div class="tiles">{tiles}</div>'


def _table(result: Result) -> str:
    if not result.rows:
        return NOTHING
    columns = range(len(result.columns))
    numeric = [all(isinstance(row[i], int | float | None) for row in result.rows) for i in columns]
    kinds = [' class="number"' if is_number else "" for is_number in numeric]
    head = "".join(f"<th{kinds[i]}>{escape(result.columns[i])}</th>" for i in columns)
    rows = ("".join(f"<td{kinds[i]}>{_cell(row[i])}</td>" for i in columns) for row in result.rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return escape(", ".join(str(item) for item in value if item))
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}" if value != int(value) else f"{value:,.0f}"
    text = str(value)
    is_time = len(text) == 27 and text.endswith("Z") and text[10] == "T"
    return f"{text[:10]} {text[11:16]}" if is_time else escape(text)
