"""Runs the auditor's commands, and writes ledgers as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from auditor.app import app
from shared.errors import PresidioAccessError
from tests.support.ledgers import SmallLedger


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: exit status (3 for an error), output, and the error's sentence."""

    code: int
    text: str
    error: str

    @property
    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.text)


type Run = Callable[..., Ran]


def run_command(*arguments: object, stdin: str | None = None) -> Ran:
    """Run the auditor as its `main` does."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    if isinstance(result.exception, PresidioAccessError):
        return Ran(3, result.output, result.exception.message)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def write_copy(folder: Path, ledger: SmallLedger) -> Path:
    """The objects of a ledger as files."""
    return write_objects(folder, ledger.store.objects)


def write_objects(folder: Path, objects: Mapping[str, bytes]) -> Path:
    """Objects of a store as files."""
    for path, data in objects.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder
