"""The growing edge of a Merkle tree: all that a log has to remember to append and to sign."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from shared.ledger.hashing import EMPTY_ROOT


class Frontier:
    """The roots of the complete subtrees that a tree of `size` leaves consists of, largest first.

    There is one for each 1 in the binary form of `size`, so a log of a million records needs at most
    twenty hashes. Appending costs one hash on average, the root at most log2(size).
    """

    __slots__ = ("_roots", "_size")

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        """Continue a tree: `roots` are the 32-byte subtree roots, largest first. Raises ValueError."""
        self._size = size
        self._roots = list(roots)
        if size < 0 or len(self._roots) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves does not consist of {len(self._roots)} subtrees")

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The subtree roots, largest subtree first: with `size`, all that a frontier is."""
        return tuple(self._roots)

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf by its 32-byte leaf hash."""
        roots, carry = self._roots, self._size
        while carry & 1:
            # node_hash written out: this loop runs once a record in the writer and in the verifier
            leaf_hash = sha256(b"\x01" + roots.pop() + leaf_hash).digest()
            carry >>= 1
        roots.append(leaf_hash)
        self._size += 1

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves in order."""
        roots, size = self._roots, self._size
        for leaf_hash in leaf_hashes:  # append written out: a verifier does this for every record
            carry = size
            while carry & 1:
                leaf_hash = sha256(b"\x01" + roots.pop() + leaf_hash).digest()
                carry >>= 1
            roots.append(leaf_hash)
            size += 1
        self._size = size

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves so far, 32 bytes."""
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1]
        for left in self._roots[-2::-1]:
            root = sha256(b"\x01" + left + root).digest()
        return root

    def copy(self) -> Frontier:
        """An independent frontier of the same tree."""
        return Frontier(self._size, self._roots)


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The Merkle tree hash over leaf hashes, 32 bytes."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()
