"""`keys`: who signs here, and whether it is somebody trusted."""

from __future__ import annotations

from typing import Any

import typer

from auditor.commands.options import EvidenceArgument, JsonOption, KeyOption
from auditor.locating import Evidence, locate_evidence
from auditor.output import print_json, print_text
from shared.errors import LedgerError
from shared.ledger.genesis import verify_genesis
from shared.ledger.lines import parse_line
from shared.usecases.reading import find_line, list_segments


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(keys)


def keys(evidence: EvidenceArgument = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """List the trusted keys, and every writer's key with what vouches for it."""
    found = locate_evidence(evidence, None, key or ())
    writers = [_writer(found, writer) for writer in list_segments(found.source)]
    if as_json:
        print_json({"trusted": [one.vkey for one in found.keys], "writers": writers})
        return
    print_text("Trusted:\n" + "".join(f"  {one.vkey}\n" for one in found.keys))
    print_text(
        "Writers:\n" + "".join(f"  {one['writer']}  {one['state']:<10} {one['vkey']}\n" for one in writers)
    )
    raise typer.Exit(1 if any(one["state"] == "untrusted" for one in writers) else 0)


def _writer(found: Evidence, writer: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"writer": writer, "state": "empty", "vkey": "", "since": None}
    try:
        line = find_line(found.source, writer, 0)
        if line is None:
            return entry
        fields = parse_line(line.line)
        entry |= {"state": "untrusted", "vkey": str(fields.get("vkey", "")), "since": fields.get("time")}
        verify_genesis(fields, found.log, writer, found.keys)
    except LedgerError as error:
        return {**entry, "state": "untrusted", "reason": error.message}
    return {**entry, "state": "trusted"}
