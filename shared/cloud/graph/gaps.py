"""What a reading of the directory could not learn: said once for each reason, with what would help."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from shared.errors import DirectoryRefused, DirectoryUnavailable
from shared.review.directory import Unknown

MOST_SUBJECTS = 20
"""From more subjects of one reason on, they are counted instead of named."""

APPLICATIONS = "Application.Read.All"
USERS = "User.Read.All"
MEMBERS = "GroupMember.Read.All"
HIDDEN_MEMBERS = "Member.Read.Hidden"
SIGN_INS = "AuditLog.Read.All"


def reason_of(error: DirectoryUnavailable, permission: str) -> str:
    """Why something is not known: the error, and the permission that would have helped if it was refused."""
    if isinstance(error, DirectoryRefused):
        return f"{error.message}; the application permission {permission} gives it"
    return error.message


class Gaps:
    """Collects them. Thread-safe."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], set[str]] = {}
        self._lock = threading.Lock()

    def add(self, code: str, subjects: Iterable[str], message: str) -> None:
        """`subjects` are ids; one that is "" stands for the whole."""
        with self._lock:
            self._found.setdefault((code, message), set()).update(subjects)

    def say(self) -> tuple[Unknown, ...]:
        """All of them, in a fixed order."""
        return tuple(
            unknown
            for (code, message), subjects in sorted(self._found.items())
            for unknown in _unknowns(code, message, subjects)
        )


def _unknowns(code: str, message: str, subjects: set[str]) -> Iterable[Unknown]:
    if "" in subjects:
        return [Unknown(code, "", message)]
    if len(subjects) > MOST_SUBJECTS:
        return [Unknown(code, "", f"{len(subjects):,} of them: {message}")]
    return [Unknown(code, subject, message) for subject in sorted(subjects)]
