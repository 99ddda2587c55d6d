"""What Git knows of the code that the local cloud runs: commit, author, signature. Never fails over it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from shared.configuration.commits import UNKNOWN, read_signature


def commit_settings(root: Path) -> dict[str, str]:
    """SERVICE_COMMIT, SERVICE_COMMIT_AUTHOR and SERVICE_COMMIT_SIGNED of the checked-out commit.

    A tree with changes is no commit: the name gets `-changed`, and nobody's name or signature stands for it.
    """
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    author, signed = "", "unknown"
    if commit is None:
        commit = UNKNOWN
    elif _git(root, "diff", "--quiet", "HEAD", "--") is None:
        commit = f"{commit}-changed"
    else:
        author, _, letter = (_git(root, "log", "-1", "--format=%ae %G?") or "").rpartition(" ")
        signed = read_signature(letter)
    return {
        "SERVICE_COMMIT": commit,
        "SERVICE_COMMIT_AUTHOR": author,
        "SERVICE_COMMIT_SIGNED": signed,
    }


def _git(root: Path, *arguments: str) -> str | None:
    """What Git prints, None where it or the repository is missing, or says no."""
    command = ["git", "-C", str(root), *arguments]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return found.stdout.strip()
