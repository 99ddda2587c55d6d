"""The tables in DuckDB, and KQL over them with a clock and a time range of the asker's choice."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import duckdb_kql

from devstack.loganalytics.tables import DUCKDB_TYPES, load_tables

MAX_ROWS = 30_000
"""Log Analytics returns at most this many rows to its portal."""


class QueryFailed(ValueError):
    """A query that does not parse, names something unknown, or uses what duckdb-kql has not."""


@dataclass(frozen=True, slots=True)
class Result:
    """Column names, their Kusto types, and rows of JSON values (times as ISO 8601 text)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def as_dicts(self) -> list[dict[str, Any]]:
        """One object a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Span:
    """The time range that a query sees of every table: after `since`, up to and with `until` (both UTC)."""

    since: datetime
    until: datetime


class Database:
    """One DuckDB file (or memory), used by one process. Thread-safe."""

    def __init__(self, file: Path | None = None) -> None:
        self._connection = duckdb.connect(str(file) if file else ":memory:")
        self._lock = threading.Lock()
        self._translated: dict[str, tuple[str, bool]] = {}
        self._schema = {table: list(columns) for table, columns in load_tables().items()}
        self._connection.execute("SET TimeZone='UTC'")
        for table, columns in load_tables().items():
            described = ", ".join(f'"{name}" {DUCKDB_TYPES[kind]}' for name, kind in columns.items())
            self._connection.execute(f'CREATE TABLE IF NOT EXISTS "{table}" ({described})')
        self._connection.execute("SET enable_external_access=false")

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Add rows, given by column name; their number. Raises ValueError for an unknown table or column."""
        columns = load_tables().get(table)
        if columns is None:
            raise ValueError("expected the name of a table of the workspace")
        batch = list(rows)
        known = set(columns)
        if any(not known.issuperset(row) for row in batch):
            raise ValueError(f"expected columns of {table} only")
        used = {name: DUCKDB_TYPES[columns[name]] for name in columns if any(name in row for row in batch)}
        if batch:
            with self._lock:
                self._connection.execute(
                    f'INSERT INTO "{table}" BY NAME '  # noqa: S608 - a table of ours, checked above
                    "SELECT unnest(r) FROM (SELECT unnest(from_json(?, ?)) AS r)",
                    [json.dumps(batch), json.dumps([used])],
                )
        return len(batch)

    def query(self, kql: str, *, now: datetime | None = None, span: Span | None = None) -> Result:
        """Run KQL. `now` is what now() and ago() go by; `span` limits every table. Raises QueryFailed."""
        moment = now or datetime.now(UTC)
        with self._lock:
            sql, uses_clock = self._translate(kql)
            if span:
                sql = f"WITH {_ranged(self._tables_in(kql), span)} SELECT * FROM ({sql})"  # noqa: S608
            parameters = {"kqlnow": moment.astimezone(UTC).replace(tzinfo=None)} if uses_clock else {}
            try:
                cursor = self._connection.execute(sql, parameters)
                names = tuple(str(column[0]) for column in cursor.description or ())
                json_columns = [str(column[1]) == "JSON" for column in cursor.description or ()]
                rows = cursor.fetchmany(MAX_ROWS)
            except duckdb.Error as error:
                raise QueryFailed(str(error).splitlines()[0]) from None
        return Result(names, tuple(_plain(row, json_columns) for row in rows))

    def count(self, table: str) -> int:
        """Rows of a table."""
        with self._lock:
            rows = self._connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608
        return int(rows[0]) if rows else 0

    def clear(self) -> None:
        """Remove all rows of all tables."""
        with self._lock:
            for table in self._schema:
                self._connection.execute(f'DELETE FROM "{table}"')  # noqa: S608

    def run_sql(self, sql: str) -> None:
        """One SQL statement on the tables: for tests, which take rows away to see what misses them."""
        with self._lock:
            self._connection.execute(sql)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _translate(self, kql: str) -> tuple[str, bool]:
        found = self._translated.get(kql)
        if found is None:
            try:
                translated = duckdb_kql.to_sql(
                    kql,
                    schema=self._schema,
                    allow_write=False,
                    query_now=datetime(2000, 1, 1),
                )
            except Exception as error:  # noqa: BLE001 - the translator raises several kinds; all mean this
                raise QueryFailed(f"{type(error).__name__}: {error}") from None
            found = self._translated[kql] = (str(translated), "kqlnow" in translated.parameters)
        return found

    def _tables_in(self, kql: str) -> Sequence[str]:
        return [table for table in self._schema if table in kql]


def _ranged(tables: Sequence[str], span: Span) -> str:
    """Common table expressions that shadow the tables by what the range shows of them."""
    since, until = (
        moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ") for moment in (span.since, span.until)
    )
    condition = f"\"TimeGenerated\" > TIMESTAMP '{since}' AND \"TimeGenerated\" <= TIMESTAMP '{until}'"
    return ", ".join(f'"{table}" AS (SELECT * FROM main."{table}" WHERE {condition})' for table in tables)  # noqa: S608


def _plain(row: Sequence[Any], json_columns: Sequence[bool]) -> tuple[Any, ...]:
    return tuple(
        json.loads(value) if is_json and isinstance(value, str) else _iso(value)
        for value, is_json in zip(row, json_columns, strict=True)
    )


def _iso(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value if value is None or isinstance(value, str | int | float | bool | list | dict) else str(value)
