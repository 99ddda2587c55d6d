"""The proof of a record that its writer has just committed is the one that the whole log would give."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ProofInvalid
from shared.ledger.bodies import encode_record
from shared.ledger.commitproofs import prove_committed
from shared.ledger.hashing import leaf_hash
from shared.ledger.notes import parse_vkey
from shared.ledger.prooffiles import parse_proof_file, verify_proof_file
from shared.ledger.proofs import LeafHashes, inclusion_proof
from shared.ledger.writer import WriterLog
from tests.support.committers import LOG, WRITER, WRITER_KEY, numbered_record


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_every_record_of_every_commit(sizes: list[int]) -> None:
    """Commits of any sizes one after the other: each proof verifies, and is the one over all leaves."""
    log = WriterLog(LOG, WRITER, WRITER_KEY)
    key, leaves, number = parse_vkey(log.vkey), list[bytes](), 0
    for size in sizes:
        commit = log.stage([encode_record(numbered_record(number + n)) for n in range(size)])
        log.accept(commit)
        number += size
        leaves += [leaf_hash(line) for line in commit.lines]
        for place, line in enumerate(commit.lines, commit.first):
            proof = parse_proof_file(prove_committed(commit, place).to_bytes())
            assert verify_proof_file(proof, line, log.origin, [key]).size == number
            assert proof.path == inclusion_proof(place, number, LeafHashes(leaves))


def test_records_of_earlier_commits_are_not_proven() -> None:
    """Their siblings are forgotten: it says so, instead of a proof that does not hold."""
    log = WriterLog(LOG, WRITER, WRITER_KEY)
    for number in range(3):
        commit = log.stage([encode_record(numbered_record(number))])
        log.accept(commit)
    for index in (0, 1, 3):
        with pytest.raises(ProofInvalid):
            prove_committed(commit, index)
