"""The tables and their columns as Microsoft's reference pages list them: `tables.json`, beside this file."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

TABLES_FILE = Path(__file__).parent / "tables.json"

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
    "real": "DOUBLE",
    "long": "BIGINT",
    "int": "INTEGER",
    "bool": "BOOLEAN",
    "guid": "VARCHAR",
}
"""Kusto type -> DuckDB type. `datetime` is UTC without a zone, as duckdb-kql reads it."""


@functools.cache
def load_tables() -> Mapping[str, Mapping[str, str]]:
    """Table -> column -> Kusto type."""
    tables = json.loads(TABLES_FILE.read_text("utf-8"))["tables"]
    return {name: table["columns"] for name, table in tables.items()}
