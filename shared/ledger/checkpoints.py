"""Checkpoints (C2SP tlog-checkpoint): the size and root of a log, as the text of a signed note."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from shared.errors import MalformedLedger
from shared.ledger.encoding import decode_base64, encode_base64
from shared.ledger.hashing import HASH_BYTES
from shared.ledger.notes import VerifierKey, parse_note, verify_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's head: `origin` names the log, `size` counts leaves, `root` is its 32-byte tree hash."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text: three lines, each ended by a newline."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the three lines, strictly; extension lines are not in this format. Raises MalformedLedger."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedLedger("a checkpoint has three lines: origin, size, root")
    origin, size, root = lines[:3]
    if not origin:
        raise MalformedLedger("a checkpoint's origin is not empty")
    if not _SIZE.fullmatch(size):
        raise MalformedLedger("a checkpoint's size is a decimal number without leading zeros")
    digest = decode_base64(root, "a checkpoint's root")
    if len(digest) != HASH_BYTES:
        raise MalformedLedger(f"a checkpoint's root has {HASH_BYTES} bytes, got {len(digest)}")
    return Checkpoint(origin, int(size), digest)


def open_checkpoint(data: bytes, origin: str, keys: Collection[VerifierKey]) -> Checkpoint:
    """Read a signed checkpoint of one log and verify it under the known keys.

    Raises MalformedLedger (form, another log's origin) and SignatureInvalid.
    """
    note = parse_note(data)
    verify_note(note, keys)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise MalformedLedger("the checkpoint is of another log: its origin differs")
    return checkpoint
