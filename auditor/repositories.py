"""A Git repository, asked what a configuration's folder held at each commit. Git itself does the reading."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import AuditorError
from shared.configuration.commits import Signed, read_signature

MAX_COMMITS = 2_000
"""Commits that changed the folder; older ones are not looked at."""

MAX_FILE_BYTES = 8 << 20
GIT_S = 60.0

_COMMIT_ID = re.compile(r"[0-9a-f]{4,64}")
_FORMAT = "%H%x1f%aI%x1f%an%x1f%ae%x1f%G?%x1f%s%x1e"
_FILE = re.compile(rb"100(?:644|755) blob ([0-9a-f]+) +([0-9]+)\t(.*)", re.DOTALL)

_SAFE = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"),
    *("-c", "gpg.program=gpg", "-c", "gpg.openpgp.program=gpg"),
    *("-c", "gpg.x509.program=gpgsm", "-c", "gpg.ssh.program=ssh-keygen"),
)
"""A repository's own settings may name programs: none of them is run."""


@dataclass(frozen=True, slots=True)
class SourceCommit:
    """A commit. `time` is the author's, as ISO 8601."""

    id: str
    time: str
    author: str
    address: str
    signed: Signed
    subject: str


class Repository:
    """One repository, on this machine."""

    def __init__(self, path: Path) -> None:
        """Raises AuditorError where there is no Git or no repository."""
        self._path = path
        self._git("rev-parse", "--git-dir")

    def commits(self, folder: str) -> list[SourceCommit]:
        """Commits of all branches and tags that changed the folder, newest first. Raises AuditorError."""
        log = ("log", "--all", f"--max-count={MAX_COMMITS}", f"--format={_FORMAT}", "--", folder)
        return _parse_log(self._git(*log))

    def find(self, commit: str) -> SourceCommit | None:
        """The commit of an id that may be shortened, None where the repository has none."""
        if not _COMMIT_ID.fullmatch(commit):
            return None
        try:
            found = self._git("log", "-1", f"--format={_FORMAT}", f"{commit}^{{commit}}", "--")
        except AuditorError:
            return None
        return next(iter(_parse_log(found)), None)

    def tree(self, commit: str, folder: str) -> str | None:
        """The id of the folder's content at a commit: equal where nothing in it differs. None without it."""
        try:
            return self._git("rev-parse", "--verify", f"{commit}:{folder}").decode().strip()
        except AuditorError:
            return None

    def write(self, commit: str, folder: str, target: Path) -> None:
        """Write the folder's files, as they were at a commit, below `target`. Raises AuditorError.

        Links and files above 8 MiB are left out.
        """
        listed = self._git("ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", f"{folder}/")
        for entry in listed.split(b"\0"):
            match = _FILE.fullmatch(entry)
            if match is None or int(match[2]) > MAX_FILE_BYTES:
                continue
            place = target / match[3].decode("utf-8", "surrogateescape")
            if not place.resolve().is_relative_to(target.resolve()):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self._git("cat-file", "blob", match[1].decode()))

    def _git(self, *arguments: str) -> bytes:
        command = ["git", "--no-pager", "-C", str(self._path), *_SAFE, *arguments]
        try:
            return subprocess.run(command, capture_output=True, check=True, timeout=GIT_S).stdout
        except FileNotFoundError:
            raise AuditorError("--git: there is no Git on this machine") from None
        except subprocess.CalledProcessError:
            raise AuditorError(f"--git: git {arguments[0]} fails in {self._path}") from None
        except subprocess.TimeoutExpired:
            raise AuditorError(f"--git: git {arguments[0]} took longer than {GIT_S:.0f} s") from None


def _parse_log(data: bytes) -> list[SourceCommit]:
    found = []
    for entry in data.decode("utf-8", "replace").split("\x1e"):
        fields: Sequence[str] = entry.strip("\n").split("\x1f")
        if len(fields) == 6:
            commit, time, author, address, letter, subject = fields
            found.append(SourceCommit(commit, time, author, address, read_signature(letter), subject))
    return found
