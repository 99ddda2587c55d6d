"""What Git knows of the deployed code: for the local cloud and for a deployment the same; never a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from devstack.commits import commit_settings
from devstack.layout import ROOT
from tests.support.source_repositories import SourceRepository, make_repository

SCRIPT = ROOT / "infra" / "scripts" / "commit.sh"
NOTHING = {"SERVICE_COMMIT": "unknown", "SERVICE_COMMIT_AUTHOR": "", "SERVICE_COMMIT_SIGNED": "unknown"}


@pytest.fixture
def source(tmp_path: Path) -> SourceRepository:
    """A repository with the deployment's script in it, everything committed."""
    made = make_repository(tmp_path / "source")
    target = made.path / "infra" / "scripts"
    target.mkdir(parents=True)
    shutil.copy(SCRIPT, target)
    made.commit("Add the script")
    return made


def _script(folder: Path, path: str | None = None) -> dict[str, str]:
    """What the script prints, as azd's hook reads it."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    if path is not None:
        environment["PATH"] = path
    ran = subprocess.run(
        ["/bin/sh", str(folder / "infra" / "scripts" / "commit.sh")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in ran.stdout.splitlines())


def test_commit_author_and_signature_are_told(source: SourceRepository) -> None:
    """The local cloud names the whole id, a deployment twelve digits."""
    head = source.git("rev-parse", "HEAD")
    expected = {"SERVICE_COMMIT_AUTHOR": "ann@example.com", "SERVICE_COMMIT_SIGNED": "unsigned"}
    assert commit_settings(source.path) == {"SERVICE_COMMIT": head, **expected}
    assert _script(source.path) == {"SERVICE_COMMIT": head[:12], **expected}


def test_a_tree_with_changes_is_no_commit(source: SourceRepository) -> None:
    """Nobody's name and signature stand for what nobody committed."""
    source.edit("score: 0.6", "score: 0.1")
    head = source.git("rev-parse", "HEAD")
    expected = {"SERVICE_COMMIT_AUTHOR": "", "SERVICE_COMMIT_SIGNED": "unknown"}
    assert commit_settings(source.path) == {"SERVICE_COMMIT": f"{head}-changed", **expected}
    assert _script(source.path) == {"SERVICE_COMMIT": f"{head[:12]}-changed", **expected}


def test_without_a_repository_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download of the sources."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    target = tmp_path / "infra" / "scripts"
    target.mkdir(parents=True)
    shutil.copy(SCRIPT, target)
    assert commit_settings(tmp_path) == NOTHING
    assert _script(tmp_path) == NOTHING


def test_without_git_nothing_is_known(
    source: SourceRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that has none."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    monkeypatch.setenv("PATH", str(tools))
    assert commit_settings(source.path) == NOTHING
    assert _script(source.path, str(tools)) == NOTHING
