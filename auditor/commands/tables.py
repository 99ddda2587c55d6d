"""`query` and `stats`: questions over all records, in KQL."""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from auditor.caching import cache_folder
from auditor.commands.options import EvidenceOption, JsonOption, KeyOption
from auditor.errors import AuditorError
from auditor.locating import Evidence, locate_evidence
from auditor.output import out, print_json, printable, progress_bar
from auditor.tables import Connection, build_tables, fetch, open_tables, run_kql
from shared.records.columns import ALL_COLUMNS
from shared.usecases.reading import list_segments

STATS = {
    "by_type": "AuditRecords | summarize records = count(), calls = sum(Count) by RecordType"
    " | order by records desc",
    "by_operation": "AuditRecords | where RecordType == 'access' | summarize calls = count(),"
    " allowed = countif(Allowed), denied = countif(not(Allowed)) by Operation | order by calls desc",
    "by_status": "AuditRecords | where isnotnull(Status) | summarize calls = sum(Count) by Status"
    " | order by Status asc",
    "by_caller": "AuditRecords | where isnotempty(Principal) | summarize calls = count(),"
    " characters = sum(InputChars), latest = max(RecordTime) by CallerTenant, Principal, CallerKind"
    " | top 20 by calls desc",
    "by_writer": "AuditRecords | summarize records = count(), earliest = min(RecordTime),"
    " latest = max(RecordTime) by Writer | order by Writer asc",
}


class Format(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(query)
    app.command()(stats)
    app.command()(columns)


def query(
    kql: Annotated[str, typer.Argument(metavar="KQL", help="A query over the table AuditRecords, or @FILE.")],
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="How the result is printed.")] = Format.TABLE,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to a file (needed for parquet)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the evidence in KQL, as one asks Log Analytics: AuditRecords | where … | summarize …

    A query reads what the evidence says; whether that is intact, verify tells.
    """
    found = locate_evidence(evidence, None, key or ())
    form = Format.JSON if as_json else form
    if form is Format.PARQUET and output is None:
        raise AuditorError("--format parquet writes a file: name it with --output")
    text = _read_query(kql)
    with open_records(found, output, is_quiet=as_json) as connection:
        relation = run_kql(connection, text)
        if form is Format.PARQUET:
            relation.write_parquet(str(output))
            return
        names, rows = fetch(relation)
    _write(form, names, rows, output)


def stats(evidence: EvidenceOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Count: records by type, calls by operation, status, caller, and the writers' logs."""
    found = locate_evidence(evidence, None, key or ())
    with open_records(found, None, is_quiet=as_json) as connection:
        results = {name: fetch(run_kql(connection, text)) for name, text in STATS.items()}
    if as_json:
        print_json({name: _objects(*result) for name, result in results.items()})
        return
    for name, (names, rows) in results.items():
        out.print(_table(names, rows, title=name.replace("_", " ")))


def columns(as_json: JsonOption = False) -> None:
    """List the columns of AuditRecords, with their types and meanings."""
    listed = [{"name": "TimeGenerated", "type": "datetime", "meaning": "the same as RecordTime"}] + [
        {"name": column.name, "type": column.type, "meaning": column.meaning} for column in ALL_COLUMNS
    ]
    if as_json:
        print_json(listed)
    else:
        out.print(_table(["name", "type", "meaning"], [tuple(row.values()) for row in listed]))


@contextmanager
def open_records(found: Evidence, output: Path | None, *, is_quiet: bool) -> Iterator[Connection]:
    """A connection with AuditRecords; its tables lie beside a local copy, or in a folder that goes away."""
    segments = [segment for group in list_segments(found.source).values() for segment in group]
    total, done = sum(segment.size for segment in segments), 0
    with tempfile.TemporaryDirectory(prefix="auditor-") as scratch:
        folder = (cache_folder(found.folder) if found.folder else Path(scratch)) / "records"
        with progress_bar("preparing tables", is_quiet=is_quiet) as progress:

            def advance(count: int) -> None:
                nonlocal done
                done += count
                progress(done, total)

            build_tables(found.source, segments, folder, advance)
        with open_tables(folder, output) as connection:
            yield connection


def _read_query(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AuditorError(f"cannot read the query file {text[1:]}") from error


def _write(form: Format, names: list[str], rows: list[tuple[Any, ...]], output: Path | None) -> None:
    if form is Format.TABLE and output is None:
        out.print(_table(names, rows))
        out.print(f"{len(rows):,} rows", style="dim")
    elif form is Format.JSON and output is None:
        print_json(_objects(names, rows))
    elif form is Format.CSV and output is None:
        _write_csv(sys.stdout, names, rows)
    elif output is not None:
        _write_file(form, names, rows, output)


def _write_file(form: Format, names: list[str], rows: list[tuple[Any, ...]], output: Path) -> None:
    if form is Format.JSON:
        import json

        output.write_text(
            json.dumps(_objects(names, rows), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        return
    with output.open("w", newline="", encoding="utf-8") as file:
        _write_csv(file, names, rows)


def _write_csv(file: Any, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    writer = csv.writer(file)
    writer.writerow(names)
    writer.writerows([["" if value is None else _plain(value) for value in row] for row in rows])


def _objects(names: list[str], rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(names, map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return str(value)


def _table(names: list[str], rows: list[tuple[Any, ...]], title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else _cell(value) for value in row))
    return table


def _cell(value: Any) -> str:
    return printable(str(_plain(value))).replace("[", "\\[")
