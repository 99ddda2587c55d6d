"""The commit of the deployed code: told at provisioning, and again where only code is deployed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.bicep import INFRA
from tests.support.source_repositories import SourceRepository, make_repository

FAKE = """#!{python}
import sys
with open({log!r}, "a") as file:
    file.write(" ".join([{name!r}, *sys.argv[1:]]) + "\\n")
sys.stdin.read()
"""
"""A tool that notes how it was called; like azd, it reads what stands on its standard input."""


@dataclass(frozen=True, slots=True)
class Deployer:
    """Runs a script of a repository's own infra/scripts, with tools that note their calls."""

    source: SourceRepository
    tools: Path

    def run(self, name: str, **environment: str) -> list[str]:
        log = self.tools / "calls"
        log.unlink(missing_ok=True)
        for tool in ("az", "azd", "python3"):
            file = self.tools / tool
            file.write_text(FAKE.format(python=sys.executable, log=str(log), name=tool))
            file.chmod(0o755)
        subprocess.run(
            ["/bin/sh", str(self.source.path / "infra" / "scripts" / name)],
            env={
                "PATH": f"{self.tools}:{os.environ['PATH']}",
                "ENTRA_CLIENT_ID": "given",
                "AZURE_RESOURCE_GROUP": "rg",
                "SERVICE_APP_NAME": "doors",
                "KEEPER_APP_NAME": "keeper",
                **environment,
            },
            input="",
            capture_output=True,
            text=True,
            check=True,
        )
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def deployer(tmp_path: Path) -> Deployer:
    """A committed repository with the scripts in it."""
    source = make_repository(tmp_path / "source")
    shutil.copytree(INFRA / "scripts", source.path / "infra" / "scripts")
    source.commit("Add the scripts")
    (tmp_path / "tools").mkdir()
    return Deployer(source, tmp_path / "tools")


def _expected(deployer: Deployer) -> list[str]:
    commit = deployer.source.git("rev-parse", "--short=12", "HEAD")
    return [
        f"azd env set SERVICE_COMMIT {commit}",
        "azd env set SERVICE_COMMIT_AUTHOR ann@example.com",
        "azd env set SERVICE_COMMIT_SIGNED unsigned",
    ]


def test_provisioning_notes_commit_author_and_signature(deployer: Deployer) -> None:
    """All three, though azd reads its standard input."""
    assert deployer.run("preprovision.sh")[:3] == _expected(deployer)


def test_code_that_was_provisioned_is_deployed_as_it_is(deployer: Deployer) -> None:
    """`azd up` does both: the apps know already."""
    commit = deployer.source.git("rev-parse", "--short=12", "HEAD")
    assert deployer.run("predeploy.sh", SERVICE_COMMIT=commit) == []


def test_code_alone_names_its_own_commit(deployer: Deployer) -> None:
    """`azd deploy` of another commit, or of the one before: both apps are told."""
    commit = deployer.source.git("rev-parse", "--short=12", "HEAD")
    calls = deployer.run("predeploy.sh", SERVICE_COMMIT="0123456789ab")
    assert calls[:3] == _expected(deployer)
    assert [call.split("--name ")[1].split()[0] for call in calls[3:]] == ["doors", "keeper"]
    settings = (
        f"--settings SERVICE_COMMIT={commit} SERVICE_COMMIT_AUTHOR=ann@example.com "
        "SERVICE_COMMIT_SIGNED=unsigned"
    )
    assert all(call.endswith(settings) for call in calls[3:])


def test_a_changed_tree_is_said_to_be_one(deployer: Deployer) -> None:
    """Nobody's name stands for it."""
    deployer.source.edit("score: 0.6", "score: 0.1")
    commit = deployer.source.git("rev-parse", "--short=12", "HEAD")
    calls = deployer.run("predeploy.sh", SERVICE_COMMIT=commit)
    assert calls[0] == f"azd env set SERVICE_COMMIT {commit}-changed"
    assert calls[1].rstrip() == "azd env set SERVICE_COMMIT_AUTHOR"
