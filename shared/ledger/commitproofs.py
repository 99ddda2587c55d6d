"""The inclusion proof of a record that its writer has just committed, from what the writer remembers.

A writer keeps the frontier of its tree, not the tree. At the moment of a commit that is enough: the left
siblings of a new leaf are roots of the frontier before it, or lie within the commit. Later nobody could make
the proof without reading the whole log.
"""

from __future__ import annotations

from shared.errors import ProofInvalid
from shared.ledger.hashing import leaf_hash, node_hash
from shared.ledger.prooffiles import ProofFile
from shared.ledger.proofs import inclusion_proof
from shared.ledger.writer import Commit


class CommitHashes:
    """A `HashReader` over the subtrees that a commit completes, and those of the frontier before it."""

    def __init__(self, commit: Commit) -> None:
        self._first = commit.first
        self._leaves = [leaf_hash(line) for line in commit.lines]
        levels = [level for level in range(commit.first.bit_length()) if commit.first >> level & 1]
        self._roots = dict(zip(reversed(levels), commit.before, strict=True))

    def __call__(self, level: int, index: int) -> bytes:
        start, end = index << level, (index + 1) << level
        if end <= self._first:
            return self._root(level, end)
        if level == 0:
            return self._leaves[start - self._first]
        return node_hash(self(level - 1, 2 * index), self(level - 1, 2 * index + 1))

    def _root(self, level: int, end: int) -> bytes:
        """The frontier's root of that level: no other complete subtree of it stands beside a new leaf."""
        if level not in self._roots or end != self._first >> level << level:
            raise ProofInvalid("a commit proves its own records alone")
        return self._roots[level]


def prove_committed(commit: Commit, index: int) -> ProofFile:
    """The proof of one of a commit's records, under the commit's checkpoint. Raises ProofInvalid."""
    if index < commit.first:
        raise ProofInvalid("a commit proves its own records alone")
    path = inclusion_proof(index, commit.size, CommitHashes(commit))
    return ProofFile(index, path, commit.checkpoint.encode())
