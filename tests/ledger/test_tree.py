"""Tree hashing, the frontier, and the proofs over it, against RFC 6962's known answers and by property."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ProofInvalid
from shared.ledger.hashing import EMPTY_ROOT, leaf_hash, node_hash
from shared.ledger.proofs import (
    LeafHashes,
    consistency_proof,
    inclusion_proof,
    subtree_hash,
    verify_consistency,
    verify_inclusion,
)
from shared.ledger.tree import Frontier, root_of

# The inputs and roots of the Certificate Transparency reference implementation (RFC 6962's authors').
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def _leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % index) for index in range(count)]


def test_empty_tree_and_empty_leaf_are_the_known_ones() -> None:
    """RFC 6962 section 2.1: the empty tree hashes the empty string, the empty leaf one zero byte."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == ROOTS[0]
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert (
        node_hash(b"N123", b"N456").hex()
        == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_known_ones(size: int) -> None:
    """The frontier's root is RFC 6962's at every size."""
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    assert frontier.size == size
    assert frontier.root().hex() == ROOTS[size - 1]
    assert subtree_hash(0, size, LeafHashes(LEAVES)).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (
            0,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1,
            5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_inclusion_proofs_are_the_known_ones(index: int, size: int, path: list[str]) -> None:
    """Audit paths equal the reference implementation's, and verify."""
    proof = inclusion_proof(index, size, LeafHashes(LEAVES))
    assert [value.hex() for value in proof] == path
    verify_inclusion(index, size, LEAVES[index], proof, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (
            1,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_consistency_proofs_are_the_known_ones(old: int, new: int, path: list[str]) -> None:
    """Consistency proofs equal the reference implementation's, and verify."""
    proof = consistency_proof(old, new, LeafHashes(LEAVES))
    assert [value.hex() for value in proof] == path
    verify_consistency(old, bytes.fromhex(ROOTS[old - 1]), new, bytes.fromhex(ROOTS[new - 1]), proof)


def test_every_proof_up_to_33_leaves_verifies() -> None:
    """Every leaf of every tree, and every pair of sizes."""
    leaves = _leaves(33)
    read = LeafHashes(leaves)
    roots = [root_of(leaves[:size]) for size in range(34)]
    checked = 0
    for size in range(1, 34):
        for index in range(size):
            verify_inclusion(index, size, leaves[index], inclusion_proof(index, size, read), roots[size])
        for old in range(size + 1):
            verify_consistency(old, roots[old], size, roots[size], consistency_proof(old, size, read))
            checked += 1
    assert checked == sum(size + 1 for size in range(1, 34))


@settings(max_examples=200)
@given(st.integers(1, 200), st.data())
def test_a_changed_proof_does_not_verify(size: int, data: st.DataObject) -> None:
    """Any flipped bit, dropped or added hash, other index or size is refused with ProofInvalid."""
    leaves = _leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof = list(inclusion_proof(index, size, LeafHashes(leaves)))
    root = root_of(leaves)
    change = data.draw(st.sampled_from(["flip", "drop", "add", "leaf", "root", "index"]))
    leaf, at = leaves[index], index
    if change == "flip" and proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        proof[place] = bytes([proof[place][0] ^ 1]) + proof[place][1:]
    elif change == "drop" and proof:
        proof.pop(data.draw(st.integers(0, len(proof) - 1)))
    elif change == "root":
        root = bytes([root[0] ^ 128]) + root[1:]
    elif change == "index" and size > 1:
        at = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))
    elif change == "leaf":
        leaf = leaf_hash(b"other")
    else:
        proof.append(bytes(32))
    with pytest.raises(ProofInvalid):
        verify_inclusion(at, size, leaf, proof, root)


@settings(max_examples=200)
@given(st.integers(1, 120), st.data())
def test_a_fork_has_no_consistency_proof(size: int, data: st.DataObject) -> None:
    """A log that changed an old leaf cannot show consistency with its earlier root."""
    leaves = _leaves(size)
    old = data.draw(st.integers(1, size))
    forked = list(leaves)
    forked[data.draw(st.integers(0, old - 1))] = leaf_hash(b"forged")
    proof = consistency_proof(old, size, LeafHashes(forked))
    with pytest.raises(ProofInvalid):
        verify_consistency(old, root_of(leaves[:old]), size, root_of(forked), proof)


def test_impossible_sizes_are_refused() -> None:
    """No leaf beyond the tree, no shrinking tree, no hashes of other lengths."""
    read = LeafHashes(LEAVES)
    with pytest.raises(ProofInvalid):
        inclusion_proof(8, 8, read)
    with pytest.raises(ProofInvalid):
        consistency_proof(5, 4, read)
    with pytest.raises(ProofInvalid):
        verify_consistency(5, LEAVES[0], 4, LEAVES[0], ())
    with pytest.raises(ProofInvalid):
        verify_inclusion(0, 2, LEAVES[0], [b"short"], LEAVES[0])
    with pytest.raises(ProofInvalid):
        verify_consistency(0, LEAVES[0], 4, LEAVES[0], ())
    with pytest.raises(ProofInvalid):
        verify_consistency(3, LEAVES[0], 4, LEAVES[0], ())


@given(st.integers(0, 300), st.integers(0, 50))
def test_a_frontier_is_rebuilt_from_its_roots(size: int, more: int) -> None:
    """Size and subtree roots are all that is needed to go on; a copy does not share."""
    leaves = _leaves(size + more)
    first = Frontier()
    first.extend(leaves[:size])
    second = Frontier(first.size, first.roots)
    third = first.copy()
    second.extend(leaves[size:])
    third.extend(leaves[size:])
    assert second.root() == third.root() == root_of(leaves)
    assert first.root() == root_of(leaves[:size])


def test_a_frontier_of_the_wrong_shape_is_refused() -> None:
    """The number of subtree roots follows from the size."""
    with pytest.raises(ValueError, match="subtrees"):
        Frontier(3, [LEAVES[0]])
    with pytest.raises(ValueError, match="subtrees"):
        Frontier(-1)
