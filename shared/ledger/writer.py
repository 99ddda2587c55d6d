"""The state of one writer's log, and the step from a batch of records to the bytes of a commit. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.ledger.bodies import FIRST_PREV, RecordBody
from shared.ledger.checkpoints import Checkpoint
from shared.ledger.genesis import writer_origin
from shared.ledger.hashing import leaf_hash
from shared.ledger.notes import Ed25519NoteKey, render_note
from shared.ledger.segments import encode_commit
from shared.ledger.tree import Frontier


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends: the tree so far and the hex leaf hash of its last record."""

    frontier: Frontier
    prev: str


@dataclass(frozen=True, slots=True)
class Commit:
    """Records with their places, and the signed checkpoint over the log up to the last of them.

    `first` is the index of the first record; `data` are the bytes to append, `checkpoint` the signed note
    within them. `head` is where the log ends once the commit is stored; `before` are the roots of the
    frontier that it continues.
    """

    first: int
    lines: tuple[bytes, ...]
    checkpoint: str
    data: bytes
    head: Head
    before: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Records in the log once this commit is stored."""
        return self.first + len(self.lines)


class WriterLog:
    """A writer's log as far as it is stored. Staging changes nothing; accepting moves the head.

    A staged commit that was offered to storage must be accepted or nothing more may be staged: two
    checkpoints of the same size are what a forked log looks like. Not thread-safe: it has one user.
    """

    def __init__(self, log: str, writer: str, key: Ed25519PrivateKey) -> None:
        """`log` is the log name, `writer` a ULID, `key` lives as long as the writer and is never stored."""
        self.origin = writer_origin(log, writer)
        self._key = Ed25519NoteKey(self.origin, key)
        self._head = Head(Frontier(), FIRST_PREV)

    @property
    def vkey(self) -> str:
        """The writer's verifier key, for its genesis."""
        return self._key.vkey

    @property
    def size(self) -> int:
        """Records stored so far."""
        return self._head.frontier.size

    def stage(self, bodies: Sequence[RecordBody]) -> Commit:
        """The commit that would append these records (at least one). Raises ValueError for none."""
        if not bodies:
            raise ValueError("a commit has at least one record")
        first, frontier, prev = self.size, self._head.frontier.copy(), self._head.prev
        before = frontier.roots
        lines = []
        for seq, body in enumerate(bodies, first):
            line = body.place(seq, prev)
            leaf = leaf_hash(line)
            frontier.append(leaf)
            prev = leaf.hex()
            lines.append(line)
        text = Checkpoint(self.origin, frontier.size, frontier.root()).text()
        note = render_note(text, [self._key.sign(text)])
        data, head = encode_commit(lines, note), Head(frontier, prev)
        return Commit(first, tuple(lines), note.decode(), data, head, before)

    def accept(self, commit: Commit) -> None:
        """The commit is stored: the log ends with it now. Raises ValueError where it does not come next."""
        if commit.first != self.size:
            raise ValueError(f"the next commit begins at {self.size}, got one that begins at {commit.first}")
        self._head = commit.head
