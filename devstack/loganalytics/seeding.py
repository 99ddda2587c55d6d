"""Ordinary traffic, shifted in time to end now, put into a workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from devstack.loganalytics.cast import ENGINE_DIGEST, POLICY_DIGEST
from devstack.loganalytics.database import Result
from devstack.loganalytics.traffic import Traffic

CHUNK_ROWS = 5_000
RUNNING = """
AppEvents
| where Name == "PresidioAudit"
| where isnotempty(tostring(Properties.PolicyDigest)) and isnotempty(tostring(Properties.EngineDigest))
| top 1 by TimeGenerated desc
| project tostring(Properties.PolicyDigest), tostring(Properties.EngineDigest)
"""
"""Policy and engine of the running service: its past must have had the same, or they would have changed."""


class Workspace(Protocol):
    """The database itself, or the process that holds it."""

    def query(self, kql: str) -> Result:
        """Run a query."""
        ...

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Add rows by column name."""
        ...


def seed(
    workspace: Workspace, now: datetime, days: int, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write `days` days that end today, up to now; the number of rows. `progress` gets the day's number."""
    total, running = 0, workspace.query(RUNNING).rows
    policy, engine = running[0] if running else (POLICY_DIGEST, ENGINE_DIGEST)
    start = now.date() - timedelta(days=days - 1)
    last = now.strftime("%Y-%m-%d %H:%M:%S.%f")
    for number, day in enumerate(Traffic(start, policy=policy, engine=engine).days(days)):
        for table, rows in day.tables.items():
            past = [row for row in rows if row["TimeGenerated"] <= last]
            for first in range(0, len(past), CHUNK_ROWS):
                total += workspace.insert(table, past[first : first + CHUNK_ROWS])
        progress(number + 1)
    return total
