"""Kusto's own language service over KQL texts: unknown columns, wrong types, misspelled functions."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.loganalytics.tables import load_tables
from shared.errors import SettingsError

SCRIPT = Path(__file__).parent / "semantic.js"
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Semantics:
    """What the language service says of one query: diagnostics (none is good) and its result's columns."""

    diagnostics: tuple[str, ...]
    columns: Mapping[str, str]


def check_queries(queries: Mapping[str, str]) -> dict[str, Semantics]:
    """Check queries by name against the workspace's tables. Raises SettingsError where node is missing."""
    node = shutil.which("node")
    if node is None:
        raise SettingsError("node", "is not on PATH; install Node.js 20 or newer to check KQL")
    asked = {
        "tables": {name: dict(columns) for name, columns in load_tables().items()},
        "queries": dict(queries),
    }
    done = subprocess.run(
        [node, str(SCRIPT)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise SettingsError("@kusto/language-service-next", done.stderr.strip().splitlines()[-1])
    return {
        name: Semantics(tuple(found["diagnostics"]), found["columns"])
        for name, found in json.loads(done.stdout).items()
    }
