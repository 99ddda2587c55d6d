"""The source commit that a configuration came with, as a record names it."""

from __future__ import annotations

from typing import Literal

from shared.records.digests import DigestKey
from shared.records.governance import CommitPart

Signed = Literal["good", "bad", "unsigned", "unknown"]

UNKNOWN = "unknown"
_LABEL = "presidio-access-audit/commit-author/v1\n"

_SIGNED: dict[str, Signed] = {"G": "good", "B": "bad", "R": "bad", "N": "unsigned"}
"""Git's letters (`git log --format=%G?`). The others say that it could not be checked, or no longer."""


def read_signature(letter: str) -> Signed:
    """What Git's letter for a signature means."""
    return _SIGNED.get(letter, "unknown")


def author_text(address: str) -> str:
    """What is digested of an author's address: its case does not count, and no text of a call is the same."""
    return _LABEL + address.strip().lower()


def commit_part(commit: str, author: str | None, signed: Signed, key: DigestKey) -> CommitPart | None:
    """The commit's part of a record; None where nothing is known. The address itself is in no record."""
    if commit == UNKNOWN:
        return None
    digest = key.digest_all([author_text(author)]) if author else None
    return CommitPart(id=commit, author=digest, signed=signed)
