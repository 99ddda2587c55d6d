"""Generated files are what the code and the rules say now."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.alerts.rules import rule_names
from devstack.loganalytics.cli import generated_files
from shared.cloud.azure_monitor import METRICS
from shared.records.columns import ALL_COLUMNS
from shared.records.events import EVENT_COLUMNS
from shared.usecases.telemetry import GAUGES

FILES = generated_files()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_a_generated_file_is_current(file: Path) -> None:
    """`python -m devstack generate` would change nothing."""
    assert file.read_text("utf-8") == FILES[file], "run `python -m devstack generate`"


def test_the_telemetry_page_names_everything_that_is_sent() -> None:
    """Columns, events, metrics."""
    page = next(text for file, text in FILES.items() if file.name == "telemetry.md")
    for names in (ALL_COLUMNS, *EVENT_COLUMNS.values()):
        assert all(f"| {column.name} | {column.type} |" in page for column in names)
    assert all(f"## {name}" in page for name in EVENT_COLUMNS)
    assert all(f"| {name} |" in page for name in (*METRICS, *GAUGES))


def test_the_runbook_has_a_section_for_every_rule() -> None:
    """With the anchor that the alert's description points to."""
    page = next(text for file, text in FILES.items() if file.name == "alerts.md")
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == rule_names()
