"""The workbook: each query is understood by Kusto, answers on real rows, and is drawn."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from devstack.alerts.semantics import Semantics, check_queries
from devstack.loganalytics.database import Database, Span
from devstack.loganalytics.report import render_report
from devstack.loganalytics.workbook import FOLDER, Part, load_parts, render_function, render_workbook
from shared.records.columns import ALL_COLUMNS
from tests.support.attacks_on_configuration import changed_score
from tests.support.month import span_of_silence

PARTS = load_parts()
EVERY = pytest.mark.parametrize("part", PARTS, ids=lambda part: str(part.name))
END = span_of_silence()[1] - timedelta(hours=3)


@pytest.fixture(scope="module")
def semantics() -> dict[str, Semantics]:
    """What Kusto's language service says of the queries."""
    return check_queries({part.name: part.query for part in PARTS} | {"AuditRecords": render_function()})


def _ask(part: Part, month: Database) -> list[dict[str, object]]:
    span = Span(END - timedelta(days=part.days or 30), END)
    return month.query(part.query, now=END, span=span).as_dicts()


@EVERY
def test_kusto_understands_a_query(semantics: dict[str, Semantics], part: Part) -> None:
    """No diagnostics."""
    assert semantics[part.name].diagnostics == ()


@EVERY
def test_a_query_answers_on_a_month(sandbox: Database, semantics: dict[str, Semantics], part: Part) -> None:
    """A month in which the configuration was changed once: with rows, and the columns that Kusto names."""
    changed_score(sandbox, END - timedelta(hours=1))
    rows = _ask(part, sandbox)
    assert rows
    assert list(rows[0]) == list(semantics[part.name].columns)


def test_numbers_are_right(month: Database) -> None:
    """Against what the records of that time say."""
    overview = _ask(PARTS[0], month)[0]
    audit = (
        'AppEvents | where Name == "PresidioAudit" | project Type = tostring(Properties.RecordType), '
        "Status = tolong(Measurements.Status), Found = tolong(Measurements.FoundTotal), "
        "Operation = tostring(Properties.Operation), Who = tostring(Properties.Principal), "
        "Count = tolong(Measurements.Count)"
    )
    records = month.query(audit, now=END, span=Span(END - timedelta(days=30), END)).as_dicts()
    calls = [record for record in records if record["Type"] in ("access", "refusals")]
    assert overview["Calls"] == sum(record["Count"] for record in calls)
    assert overview["Callers"] == len({record["Who"] for record in calls if record["Who"]})
    assert overview["Refused"] == sum(r["Count"] for r in calls if r["Status"] in (401, 403, 429))
    assert overview["Findings"] == sum(record["Found"] or 0 for record in calls)
    revealed = [r for r in calls if r["Operation"] == "pii.deanonymize" and r["Status"] == 200]
    assert overview["Revealed"] == len(revealed)


def test_seal_age_never_exceeds_a_minute_on_ordinary_days(month: Database) -> None:
    """A minute between seals, so the newest is younger."""
    part = next(part for part in PARTS if part.name == "seal-age")
    ages = [row["Age"] for row in _ask(part, month)[:-1]]
    assert all(isinstance(age, int) and 0 <= age <= 60 for age in ages)


def test_the_typed_function_has_the_auditors_columns(semantics: dict[str, Semantics]) -> None:
    """Names and types of the shared list, after TimeGenerated."""
    columns = dict(semantics["AuditRecords"].columns)
    assert columns.pop("TimeGenerated") == "datetime"
    assert columns == {column.name: column.type for column in ALL_COLUMNS}


def test_the_workbook_holds_every_part_once() -> None:
    """As Azure's JSON: one item a part, each with the query that is tested here."""
    items = [item for item in json.loads(render_workbook())["items"] if item["type"] == 3]
    assert [(item["name"], item["content"]["query"]) for item in items] == [(p.name, p.query) for p in PARTS]
    files = {file.stem for file in FOLDER.glob("*.kql")}
    assert files == {part.name for part in PARTS} | {"AuditRecords"}


class _Tags(HTMLParser):
    """Collects what a page would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []
        self.sections = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sections += tag == "section"
        if tag in ("script", "link", "img", "iframe") or any(name in ("src", "href") for name, _ in attrs):
            self.foreign.append(tag)


def test_the_report_is_one_page_that_loads_nothing(month: Database) -> None:
    """A section for each part, no script, no address of anything."""
    page = render_report(month, END, 30)
    tags = _Tags()
    tags.feed(page)
    assert (tags.foreign, tags.sections) == ([], len(PARTS))
    assert not re.search(r"https?://|url\(", page)


def test_the_report_of_an_empty_workspace_says_so() -> None:
    """No traceback where nothing is to draw."""
    database = Database()
    page = render_report(database, END, 30)
    database.close()
    assert page.count("Nothing in this range.") >= len(PARTS) - 1


def test_the_report_escapes_what_it_shows() -> None:
    """Markup in a value is text."""
    database = Database()
    row = {
        "TimeGenerated": "2026-11-19 10:00:00",
        "Name": "PresidioAudit",
        "Properties": {"RecordType": "access", "Principal": "<script>x</script>", "Operation": "<b>"},
        "Measurements": {"Count": 1, "Status": 200},
    }
    database.insert("AppEvents", [row])
    page = render_report(database, END, 30)
    database.close()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
