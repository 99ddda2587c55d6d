"""A small ledger as files, and a runner of the auditor's commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.auditing import Run, run_command, write_copy
from tests.support.ledgers import SERVICE, SmallLedger, small_ledger


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
