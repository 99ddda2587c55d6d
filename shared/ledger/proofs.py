"""Inclusion and consistency proofs: RFC 9162 section 2.1.3 and 2.1.4 (the same proofs as RFC 6962's).

Proofs are built over any source of complete subtree hashes (a list of leaf hashes, tiles in storage)
and checked without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hmac import compare_digest

from shared.errors import ProofInvalid
from shared.ledger.hashing import EMPTY_ROOT, HASH_BYTES, node_hash

type HashReader = Callable[[int, int], bytes]
"""`(level, index)` -> hash of the complete subtree over the 2**level leaves from `index * 2**level` on."""

MAX_PROOF_HASHES = 63


class LeafHashes:
    """A `HashReader` over leaf hashes in memory; inner nodes are computed once, when asked for."""

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self._leaf_hashes = leaf_hashes
        self._nodes: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        if level == 0:
            return self._leaf_hashes[index]
        node = self._nodes.get((level, index))
        if node is None:
            node = node_hash(self(level - 1, 2 * index), self(level - 1, 2 * index + 1))
            self._nodes[level, index] = node
        return node


def subtree_hash(start: int, end: int, read_hash: HashReader) -> bytes:
    """MTH(D[start:end]) of RFC 6962; `start` must be where a subtree of that size begins."""
    if end <= start:
        return EMPTY_ROOT
    parts: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(read_hash(level, start >> level))
        start += 1 << level
    root = parts.pop()
    while parts:
        root = node_hash(parts.pop(), root)
    return root


def inclusion_proof(index: int, size: int, read_hash: HashReader) -> tuple[bytes, ...]:
    """The audit path of leaf `index` in the tree of `size` leaves, from the leaf's sibling upwards.

    Raises ProofInvalid where there is no such leaf.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"leaf {index} is not in a tree of {size} leaves")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree_hash(middle, end, read_hash))
            end = middle
        else:
            path.append(subtree_hash(start, middle, read_hash))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old_size: int, new_size: int, read_hash: HashReader) -> tuple[bytes, ...]:
    """The proof that the tree of `new_size` leaves begins with the tree of `old_size` leaves.

    Empty for equal sizes and for an old size of 0. Raises ProofInvalid where the old tree is the larger one.
    """
    if not 0 <= old_size <= new_size:
        raise ProofInvalid(f"a tree of {new_size} leaves cannot begin with {old_size} leaves")
    if old_size in (0, new_size):
        return ()
    path: list[bytes] = []
    start, end, is_whole = 0, new_size, True
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(subtree_hash(middle, end, read_hash))
            end = middle
        else:
            path.append(subtree_hash(start, middle, read_hash))
            start, is_whole = middle, False
    if not is_whole:
        path.append(subtree_hash(start, end, read_hash))
    return tuple(reversed(path))


def root_from_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that an audit path leads to (RFC 9162 section 2.1.3.2). Raises ProofInvalid (wrong length)."""
    if not 0 <= index < size:
        raise ProofInvalid(f"leaf {index} is not in a tree of {size} leaves")
    _check_hashes((leaf_hash, *proof))
    root = leaf_hash
    for sibling, is_left in _steps(index, size - 1, proof):
        root = node_hash(sibling, root) if is_left else node_hash(root, sibling)
    return root


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf stands at `index` in the tree of that size and root. Raises ProofInvalid."""
    if not compare_digest(root_from_inclusion(index, size, leaf_hash, proof), root):
        raise ProofInvalid(f"the inclusion proof of leaf {index} does not lead to the root of size {size}")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the new tree begins with the old one (RFC 9162 section 2.1.4.2). Raises ProofInvalid."""
    _check_hashes((old_root, new_root, *proof))
    if not 0 <= old_size <= new_size:
        raise ProofInvalid(f"a tree of {new_size} leaves cannot begin with {old_size} leaves")
    if old_size in (0, new_size):
        _verify_trivial_consistency(old_size, old_root, new_size, new_root, proof)
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofInvalid("the consistency proof is empty")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling, is_left in _steps(node, last, path[1:]):
        first = node_hash(sibling, first) if is_left else first
        second = node_hash(sibling, second) if is_left else node_hash(second, sibling)
    if not compare_digest(first, old_root) or not compare_digest(second, new_root):
        raise ProofInvalid(f"the tree of {new_size} leaves does not begin with the given tree of {old_size}")


def _steps(node: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of a path, and whether it is the left one of its pair: the walk of RFC 9162 section 2.1.3.2.

    `node` and `last` are the indexes, on one level, of the node to climb from and of the rightmost node.
    """
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("the proof has more hashes than the tree has levels")
        is_left = bool(node & 1) or node == last
        yield sibling, is_left
        while is_left and node and not node & 1:
            node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof has fewer hashes than the tree has levels")


def _verify_trivial_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    if proof:
        raise ProofInvalid("a consistency proof between these sizes has no hashes")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ProofInvalid("the root of an empty tree is the hash of the empty string")
    if old_size == new_size and old_root != new_root:
        raise ProofInvalid(f"two different roots for the same size {old_size}")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > MAX_PROOF_HASHES + 2 or any(len(value) != HASH_BYTES for value in hashes):
        raise ProofInvalid(f"a proof is at most {MAX_PROOF_HASHES} hashes of {HASH_BYTES} bytes")


def _split(size: int) -> int:
    """The largest power of two below `size` (size >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)
