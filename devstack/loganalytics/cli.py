"""Commands around telemetry: kql, seed, report, alerts, demo, generate. `mount` adds them to a typer app."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from devstack.alerts.pages import RUNBOOK_PAGE, TELEMETRY_PAGE, render_runbook, render_telemetry_page
from devstack.alerts.told import describe, read_alerts
from devstack.layout import ROOT, choose_layout
from devstack.loganalytics.client import WorkspaceClient
from devstack.loganalytics.database import QueryFailed
from devstack.loganalytics.demo import Demo
from devstack.loganalytics.report import render_report
from devstack.loganalytics.seeding import seed as write_days
from devstack.loganalytics.workbook import FUNCTION_FILE, WORKBOOK_FILE, render_function, render_workbook
from devstack.state import read_state
from devstack.watching import alerts_file, find_workspace
from shared.review.report_json import report_schema

out = Console(soft_wrap=True, highlight=False)


def mount(app: typer.Typer) -> None:
    """Add the commands to the command line of the local cloud."""
    for command in (kql, seed, report, alerts, demo, generate):
        app.command()(command)


def kql(
    query: Annotated[
        str, typer.Argument(help="KQL over AppEvents, AppTraces, AppMetrics, ...; - reads stdin")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of objects, for machines")] = False,
) -> None:
    """Ask the local Log Analytics workspace."""
    try:
        result = _workspace().query(sys.stdin.read() if query == "-" else query)
    except QueryFailed as error:
        _refuse(str(error))
    if as_json:
        sys.stdout.write(json.dumps(result.as_dicts(), ensure_ascii=False) + "\n")
        return
    table = Table(box=None, header_style="bold")
    for column in result.columns:
        table.add_column(column, overflow="fold")
    for row in result.rows:
        table.add_row(*("" if cell is None else _plain(cell) for cell in row))
    out.print(table, markup=False)


def seed(days: Annotated[int, typer.Option(min=1, max=90, help="Days that end today")] = 30) -> None:
    """Write days of ordinary, generated traffic into the workspace."""
    workspace = _workspace()
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("Ordinary traffic", total=days)
        rows = write_days(
            workspace, datetime.now(UTC), days, lambda day: progress.update(task, completed=day)
        )
    out.print(f"{rows:,} rows of {days} days.")


def report(
    days: Annotated[int, typer.Option(min=1, max=90, help="Days that end now")] = 30,
    file: Annotated[
        Path | None, typer.Option(help="Where to write (default: report.html in .devstack)")
    ] = None,
) -> None:
    """Draw the workbook's queries as one HTML page."""
    target = file or choose_layout(os.environ).folder / "report.html"
    target.write_text(render_report(_workspace(), datetime.now(UTC), days), "utf-8")
    out.print(f"{target}")


def alerts(
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they are, for machines")] = False,
) -> None:
    """Show the alerts that fired and resolved."""
    file = alerts_file(choose_layout(os.environ))
    if as_json:
        sys.stdout.write(file.read_text("utf-8") if file.exists() else "")
        return
    for alert in read_alerts(file):
        out.print(describe(alert), markup=False)


def demo(
    days: Annotated[int, typer.Option(min=0, max=90, help="Days of ordinary traffic to write first")] = 30,
    wait_s: Annotated[int, typer.Option(help="How long to wait for the alerts")] = 480,
) -> None:
    """Write ordinary traffic, play six attacks through HTTP with real tokens, and show the alerts."""
    layout = choose_layout(os.environ)
    state = read_state(layout.state_file)
    if state is None:
        _refuse("the local cloud is not up; `make up` starts it")
    if days:
        seed(days)
    missing = Demo(state, alerts_file(layout), lambda line: out.print(line, markup=False)).run(wait_s)
    if missing:
        _refuse(f"no alert came for: {', '.join(missing)}")


def generate() -> None:
    """Write what is made from code and rules: docs/telemetry.md, the alerts' runbook, the workbook."""
    for file, text in generated_files().items():
        file.write_text(text, "utf-8")
        out.print(f"{file}")


REPORT_SCHEMA = ROOT / "docs" / "access-review.schema.json"


def generated_files() -> dict[Path, str]:
    """Each generated file of the repository and the text that it must have."""
    return {
        TELEMETRY_PAGE: render_telemetry_page(),
        RUNBOOK_PAGE: render_runbook(),
        WORKBOOK_FILE: render_workbook(),
        FUNCTION_FILE: render_function(),
        REPORT_SCHEMA: json.dumps(report_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def _plain(cell: object) -> str:
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, list | dict) else str(cell)


def _workspace() -> WorkspaceClient:
    workspace = find_workspace(choose_layout(os.environ))
    if workspace is None:
        _refuse("no local Log Analytics workspace answers; `make up` starts one")
    return workspace


def _refuse(sentence: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"stopped: {sentence}", markup=False)
    raise typer.Exit(1)
