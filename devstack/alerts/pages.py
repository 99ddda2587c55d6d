"""Pages that are written from the code and the rules: docs/telemetry.md and docs/operations/alerts.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from devstack.alerts.rules import read_about, rule_names
from devstack.layout import ROOT
from devstack.loganalytics.workbook import READ_AS
from shared.cloud.azure_monitor import METRICS
from shared.cloud.event_attributes import CUT, MAX_VALUE_CHARS
from shared.cloud.telemetry import AUDIT_EVENT
from shared.records.columns import ALL_COLUMNS, Column
from shared.records.events import EVENT_COLUMNS, EVENT_TYPES
from shared.usecases.telemetry import GAUGES

TELEMETRY_PAGE = ROOT / "docs" / "telemetry.md"
RUNBOOK_PAGE = ROOT / "docs" / "operations" / "alerts.md"
WRITTEN = "<!-- Written by `python -m devstack generate`; change the code or the rules, not this page. -->"


def render_telemetry_page() -> str:
    """docs/telemetry.md: events with their columns and types, metrics, spans, and what is not sent."""
    events = "\n\n".join(
        _event_section(kind.NAME, kind.__doc__ or "", EVENT_COLUMNS[kind.NAME]) for kind in EVENT_TYPES
    )
    metrics = "\n".join(f"| {name} | {unit} | {meaning} |" for name, (unit, meaning) in METRICS.items())
    gauges = "\n".join(f"| {name} | | {meaning} |" for name, meaning in GAUGES.items())
    reads = "\n".join(f"| {kind} | `{text.format('NAME')}` |" for kind, text in READ_AS.items())
    return f"""# Telemetry

{WRITTEN}

Telemetry is the alarm wire; storage is the evidence. After a record is committed, and never before
or instead, the same facts leave as a custom event of Application Insights, which Log Analytics
files in the table `AppEvents`. What is lost on the way is still in the ledger, and the rule
`telemetry-gap` counts it.

It is sent to what `APPLICATIONINSIGHTS_CONNECTION_STRING` names. Without it nothing is sent, which
the log says once. Calls never wait for it: one append to a list is all that they pay, a thread does
the rest, and where that thread or the endpoint cannot keep up, events are dropped and counted.

## Reading a column

Properties are text and measurements are numbers, so a query converts by type. An absent fact is no
property at all. `{CUT}` lists the columns of an event that did not fit into {MAX_VALUE_CHARS:,}
characters; they are cut between items and still parse. The function `AuditRecords`
(infra/workbook/AuditRecords.kql) has every column converted, with the names and types of the
auditor's own table, so that a query which was tried there works on the evidence and the other way
round.

| type | in KQL |
|---|---|
{reads}

`OperationId` is the trace id of the caller's `traceparent`, `AppRoleInstance` the writer.
`TimeGenerated` is when the event was told, a moment after the commit; `RecordTime` is when the call
came.

{_event_section(AUDIT_EVENT, "One record of the ledger, of any type.", ALL_COLUMNS)}

{events}

## Metrics (AppMetrics)

| name | unit | meaning |
|---|---|---|
{metrics}
{gauges}

`engine.latency` has the dimension `Operation`.

## Spans (AppDependencies)

Each call and Presidio's share of it, as internal spans of the caller's trace; at most five calls a
second. They are made from the record after its commit, so that a call pays nothing for them.

## Log lines (AppTraces)

Loggers below `presidio_access` only. Libraries' own loggers are not exported, because their lines
may quote texts.

## On one machine

The local cloud has a Log Analytics workspace of its own, which takes what the real exporter posts, and
an evaluator, which runs the deployed rules at their schedule.

| command | does |
|---|---|
| `python -m devstack kql 'AppEvents \\| count'` | asks the workspace (`--json` for machines) |
| `python -m devstack seed --days 30` | writes ordinary traffic, so that there is a history |
| `python -m devstack demo` | plays six attacks and shows the alerts that they raise |
| `python -m devstack alerts` | shows what fired and resolved (`.devstack/alerts.jsonl`) |
| `python -m devstack report` | draws the workbook's queries as one page |

`TELEMETRY=off` leaves both out, `ALERT_WEBHOOK` names an address that gets each alert in the common
alert schema, `LOGS_PORT` chooses the workspace's port.

## What is never sent

Texts, found values, tokens, keys, names and mail addresses. Words that callers made up are replaced
before a record is written; the one exception is `Justification`, which callers write to be read.
"""


def render_runbook() -> str:
    """docs/operations/alerts.md: one section a rule."""
    rows = "\n".join(_row(name, read_about(name)) for name in rule_names())
    sections = "\n\n".join(_rule_section(name, read_about(name)) for name in rule_names())
    return f"""# Alerts: what they mean and what to do

{WRITTEN}

Each rule is a query and its metadata in `infra/alerts`; `infra/alerts.bicep` deploys them. `python
-m devstack demo` plays attacks against the local cloud, whose evaluator raises the same alerts.
Severity 0 is critical, 4 is for information.

| rule | severity | window / frequency | ATT&CK |
|---|---|---|---|
{rows}

Health of the platform itself (vault, storage, workspace, function apps) is watched by the metric
and activity alerts of `infra/modules/platform-alerts.bicep`.

{sections}

"""


def _event_section(name: str, meaning: str, columns: Iterable[Column]) -> str:
    rows = "\n".join(f"| {column.name} | {column.type} | {_cell(column.meaning)} |" for column in columns)
    words = " ".join(meaning.split())
    return f"## {name}\n\n{words}\n\n| column | type | meaning |\n|---|---|---|\n{rows}"


def _row(name: str, about: dict[str, Any]) -> str:
    attack = about["attack"]
    filed = f"{attack['tacticId']} / {attack['techniqueId']}" if "tacticId" in attack else "none"
    return f"| [{name}](#{name}) | {about['severity']} | {about['window']} / {about['frequency']} | {filed} |"


def _rule_section(name: str, about: dict[str, Any]) -> str:
    attack = about["attack"]
    if "none" in attack:
        filed = f"none. {attack['none']}"
    else:
        filed = f"{attack['tactic']} ({attack['tacticId']}), {attack['technique']} ({attack['techniqueId']})"
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(about["firstSteps"], 1))
    history = f"\n\n**Without history.** {about['emptyHistory']}" if about["emptyHistory"] else ""
    query = "\n".join(about["firstQuery"])
    return f"""## {name}

**{about["title"]}**, severity {about["severity"]}. {about["meaning"]}

**Why it matters.** {about["why"]}

**Look first.**

```kusto
{query}
```

**Do.**

{steps}{history}

**ATT&CK**: {filed}"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
