"""The workbook: its parts (infra/workbook/parts.json, a .kql file each) and the JSON that Azure takes.

`infra/workbook/workbook.json` and `AuditRecords.kql` are written from them: `python -m devstack generate`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from devstack.layout import ROOT
from shared.cloud.telemetry import AUDIT_EVENT
from shared.records.columns import ALL_COLUMNS, KustoType

FOLDER = ROOT / "infra" / "workbook"
WORKBOOK_FILE = FOLDER / "workbook.json"
FUNCTION_FILE = FOLDER / "AuditRecords.kql"
DEFAULT_DAYS = 7

_AZURE_SHOWS = {
    "tiles": "table",
    "timechart": "timechart",
    "barchart": "barchart",
    "bars": "barchart",
    "table": "table",
}

READ_AS: dict[KustoType, str] = {
    "string": "tostring(Properties.{0})",
    "datetime": "todatetime(tostring(Properties.{0}))",
    "bool": "tobool(tostring(Properties.{0}))",
    "long": "tolong(Measurements.{0})",
    "dynamic": "todynamic(tostring(Properties.{0}))",
}
"""How a column of the event is read in KQL, by its type."""


@dataclass(frozen=True, slots=True)
class Part:
    """One query of the workbook. `days` is a range of its own; `width` is in percent."""

    name: str
    title: str
    show: str
    width: int
    note: str = ""
    days: int | None = None

    @property
    def query(self) -> str:
        """Its KQL."""
        return (FOLDER / f"{self.name}.kql").read_text("utf-8")


def load_parts() -> list[Part]:
    """The parts in their order."""
    return [Part(**part) for part in json.loads((FOLDER / "parts.json").read_text("utf-8"))]


def render_function() -> str:
    """The KQL function AuditRecords: events as typed columns, the same as the auditor's table."""
    columns = ",\n".join(f"    {c.name} = {READ_AS[c.type].format(c.name)}" for c in ALL_COLUMNS)
    return (
        "// Audit records with typed columns, as `python -m auditor query` has them. Written by the code:\n"
        "// `python -m devstack generate`.\n"
        f'AppEvents\n| where Name == "{AUDIT_EVENT}"\n| project TimeGenerated,\n{columns}\n'
    )


def render_workbook() -> str:
    """Azure Monitor's workbook as JSON text."""
    items: list[dict[str, Any]] = [_heading(), _time_range()]
    items += [_item(part) for part in load_parts()]
    workbook = {
        "version": "Notebook/1.0",
        "items": items,
        "fallbackResourceIds": ["{workspaceId}"],
        "$schema": "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json",
    }
    return json.dumps(workbook, indent=2, ensure_ascii=False) + "\n"


def _heading() -> dict[str, Any]:
    text = (
        "# Presidio Access Audit\nWho found or saw which personal data, when and why. "
        "The evidence is the ledger; this is the wire."
    )
    return {"type": 1, "content": {"json": text}, "name": "heading"}


def _time_range() -> dict[str, Any]:
    choices = [{"durationMs": days * 86_400_000} for days in (1, 7, 30)]
    parameter = {
        "id": "5d7a8f60-6a5e-4b43-9f7e-0c1d2e3f4a5b",
        "version": "KqlParameterItem/1.0",
        "name": "TimeRange",
        "type": 4,
        "isRequired": True,
        "value": {"durationMs": DEFAULT_DAYS * 86_400_000},
        "typeSettings": {"selectableValues": choices, "allowCustom": True},
    }
    content = {"version": "KqlParameterItem/1.0", "parameters": [parameter], "style": "pills"}
    return {"type": 9, "content": content, "name": "range"}


def _item(part: Part) -> dict[str, Any]:
    content: dict[str, Any] = {
        "version": "KqlItem/1.0",
        "query": part.query,
        "size": 0,
        "title": f"{part.title}: {part.note}" if part.note else part.title,
        "queryType": 0,
        "resourceType": "microsoft.operationalinsights/workspaces",
        "crossComponentResources": ["{workspaceId}"],
        "visualization": _AZURE_SHOWS[part.show],
    }
    if part.days:
        content["timeContext"] = {"durationMs": part.days * 86_400_000}
    else:
        content["timeContextFromParameter"] = "TimeRange"
    item = {"type": 3, "content": content, "name": part.name}
    return item if part.width == 100 else {**item, "customWidth": str(part.width)}
