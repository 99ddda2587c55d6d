"""Git repositories that hold a configuration, for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devstack.layout import ROOT

RECOGNIZER = """
  - name: EmployeeNumberRecognizer
    supported_entity: EMPLOYEE_NUMBER
    type: custom
    supported_languages: [{language: en, context: [staff]}]
    patterns:
      - name: employee number
        regex: '\\bE-\\d{6}\\b'
        score: 0.6
"""


@dataclass(frozen=True, slots=True)
class SourceRepository:
    """A repository with the project's config/ and one recognizer of its own."""

    path: Path

    @property
    def recognizers(self) -> Path:
        """The recognizers' file in its working tree."""
        return self.path / "config" / "recognizers.yaml"

    def edit(self, old: str, new: str, file: str = "recognizers.yaml") -> None:
        """Replace a text in a file of config/."""
        place = self.path / "config" / file
        text = place.read_text("utf-8")
        assert old in text
        place.write_text(text.replace(old, new), "utf-8")

    def commit(self, subject: str, author: str = "Ann Example <ann@example.com>") -> str:
        """Commit everything; the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--author={author}", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Run Git, with nothing of this machine's settings."""
        environment = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_COMMITTER_NAME": "Committer",
            "GIT_COMMITTER_EMAIL": "committer@example.com",
        }
        command = ["git", "-C", str(self.path), "-c", "commit.gpgsign=false", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()


def make_repository(path: Path) -> SourceRepository:
    """A repository with one commit."""
    shutil.copytree(ROOT / "config", path / "config")
    made = SourceRepository(path)
    with made.recognizers.open("a", encoding="utf-8") as file:
        file.write(RECOGNIZER)
    made.git("init", "--quiet")
    made.commit("Begin")
    return made
