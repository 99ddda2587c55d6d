"""The table AuditRecords: record lines turned into Parquet once, and asked in KQL through DuckDB.

Columns and types are those of `shared/records/columns.py`, which the telemetry events have too.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import duckdb_kql

from auditor.errors import AuditorError
from shared.errors import MalformedLedger
from shared.records.columns import ALL_COLUMNS, COLUMNS, Column
from shared.usecases.ports import Reader
from shared.usecases.reading import SegmentRef, read_commits

type Connection = duckdb.DuckDBPyConnection
type Relation = duckdb.DuckDBPyRelation

_TYPES = {"string": "VARCHAR", "long": "BIGINT", "bool": "BOOLEAN", "datetime": "VARCHAR", "dynamic": "JSON"}
_SUMS = {"FoundTotal": "what.entities_found", "ReleasedTotal": "what.entities_released"}


def build_tables(
    reader: Reader, segments: Sequence[SegmentRef], folder: Path, advance: Callable[[int], None]
) -> int:
    """Write one Parquet file for each segment that has none of its present length. Returns how many.

    Raises AuditorError for a segment that does not parse: verify says what is wrong with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    present = {path.name for path in folder.glob("*.parquet")}
    wanted = {_file_name(segment): segment for segment in segments if segment.size}
    connection = duckdb_kql.connect()
    for name in sorted(present - wanted.keys()):
        (folder / name).unlink()
    for name, segment in wanted.items():
        if name not in present:
            _write_table(connection, reader, segment, folder / name)
        advance(segment.size)
    return len(wanted.keys() - present)


def open_tables(folder: Path, output: Path | None = None) -> Connection:
    """A connection that has the table AuditRecords, and can reach nothing but it and the output file."""
    connection = duckdb_kql.connect()
    if any(folder.glob("*.parquet")):
        connection.execute(
            "CREATE VIEW AuditRecords AS SELECT * FROM read_parquet($1, union_by_name = true)".replace(
                "$1", _quote(str(folder / "*.parquet"))
            )
        )
    else:
        columns = ", ".join(f'"{column.name}" {_sql_type(column)}' for column in ALL_COLUMNS)
        connection.execute(f'CREATE TABLE AuditRecords ("TimeGenerated" TIMESTAMP, {columns})')
    allowed = [str(folder), *([str(output.resolve().parent)] if output else [])]
    connection.execute(f"SET allowed_directories = [{', '.join(map(_quote, allowed))}]")
    connection.execute("SET enable_external_access = false")
    return connection


def run_kql(connection: Connection, query: str) -> Relation:
    """The result of a query that reads. Raises AuditorError with what is wrong with the query."""
    try:
        return duckdb_kql.kql(connection, query, allow_write=False)
    except (duckdb_kql.KqlError, duckdb.Error) as error:
        raise AuditorError(f"the query cannot be run: {str(error).partition(' expecting {')[0]}") from error


def fetch(relation: Relation) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows. Raises AuditorError for what only shows when it runs."""
    try:
        return list(relation.columns), relation.fetchall()
    except duckdb.Error as error:
        raise AuditorError(f"the query failed: {error}") from error


def _file_name(segment: SegmentRef) -> str:
    return f"{segment.writer}-{segment.number:08}-{segment.size}.parquet"


def _write_table(connection: Connection, reader: Reader, segment: SegmentRef, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        lines = Path(scratch, "lines.ndjson")
        try:
            with lines.open("wb") as file:
                for _, commit, _note in read_commits(reader, segment):
                    file.writelines(line + b"\n" for line in commit)
            part = target.with_name(f"{target.name}.{os.getpid()}.part")
            connection.execute(
                f"COPY ({_select(segment.writer, lines)}) TO {_quote(str(part))}"
                " (FORMAT parquet, COMPRESSION zstd)"
            )
        except MalformedLedger as error:
            raise AuditorError(f"{segment.path} does not parse ({error.message}): run verify") from error
        except duckdb.Error as error:
            raise AuditorError(f"{segment.path} holds lines that are no records: run verify") from error
        part.replace(target)


def _select(writer: str, lines: Path) -> str:
    """The SQL that makes rows of a file of record lines. `writer` is a ULID: nothing to escape."""
    structure: dict[str, Any] = {"seq": "BIGINT"}
    for column in COLUMNS:
        for field in column.fields:
            place = structure
            *parents, last = field.split(".")
            for name in parents:
                place = place.setdefault(name, {})
            place[last] = _TYPES[column.type]
    columns = [
        'r."time"::TIMESTAMP AS TimeGenerated',
        f"'{writer}/' || r.seq AS RecordId",
        f"'{writer}' AS Writer",
        "r.seq AS RecordIndex",
        *(f'{_expression(column)} AS "{column.name}"' for column in COLUMNS),
        *(f'{_sum(field)} AS "{name}"' for name, field in _SUMS.items()),
    ]
    return (
        f"SELECT {', '.join(columns)} FROM (SELECT json_transform(json, {_quote(json.dumps(structure))}) AS r"  # noqa: S608 - constants, a ULID, quoted
        f" FROM read_json({_quote(str(lines))}, format='newline_delimited', records='false',"
        " columns={'json': 'JSON'}))"
    )


def _expression(column: Column) -> str:
    fields = [_field(field) for field in column.fields]
    value = fields[0] if len(fields) == 1 else f"coalesce({', '.join(fields)})"
    if column.name == "Count":
        return f"coalesce({value}, 1)"
    return f"{value}::TIMESTAMP" if column.type == "datetime" else value


def _sum(field: str) -> str:
    value = _field(field)
    total = f"list_sum(map_values(from_json({value}, '\"MAP(VARCHAR, BIGINT)\"')))"
    return f"CASE WHEN {value} IS NOT NULL THEN coalesce({total}, 0)::BIGINT END"


def _field(field: str) -> str:
    return "r." + ".".join(f'"{name}"' for name in field.split("."))


def _sql_type(column: Column) -> str:
    return "TIMESTAMP" if column.type == "datetime" else _TYPES[column.type]


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
