"""Thirty-one days of ordinary traffic, generated once for all tests of the rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devstack.loganalytics.database import Database
from devstack.loganalytics.traffic import Traffic
from tests.support.month import DAYS, START
from tests.support.rule_table import TABLE


@pytest.fixture(scope="session")
def month() -> Iterator[Database]:
    """The tables after thirty-one ordinary days: one of history, thirty in which nothing may fire."""
    database = Database()
    for day in Traffic(START).days(DAYS):
        for table, rows in day.tables.items():
            database.insert(table, rows)
    yield database
    database.close()


@pytest.fixture
def sandbox(month: Database) -> Iterator[Database]:
    """The month in a transaction that is rolled back: an attack leaves no trace for the next test."""
    month.run_sql("BEGIN")
    yield month
    month.run_sql("ROLLBACK")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print rule x (fired, silent, semantic check, limits, slips seen) below the results."""
    if TABLE.evaluations:
        terminalreporter.section("alert rules")
        terminalreporter.write_line(TABLE.render())
