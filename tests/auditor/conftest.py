"""A small ledger as files, and a runner of the auditor's commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from auditor.app import app
from shared.errors import PresidioAccessError
from tests.support.ledgers import SERVICE, SmallLedger, small_ledger


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


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The runner, where no local cloud and no environment helps it."""
    for name in ("AUDIT_STORAGE_CONNECTION_STRING", "AUDIT_STORAGE_ACCOUNT_URL", "DIGEST_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEVSTACK_DIR", str(tmp_path / "no-cloud"))
    monkeypatch.setenv("AUDIT_TRUSTED_KEYS", SERVICE.vkey)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return run_command


@pytest.fixture(scope="session")
def ledger() -> SmallLedger:
    """Three writers, several segments, a root log."""
    return small_ledger()


@pytest.fixture
def copy(tmp_path: Path, ledger: SmallLedger) -> Path:
    """The ledger in a folder."""
    return write_copy(tmp_path / "copy", ledger)


def write_copy(folder: Path, ledger: SmallLedger) -> Path:
    """The objects of a ledger as files."""
    for path, data in ledger.store.objects.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder
