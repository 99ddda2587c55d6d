"""The writer's state: staging changes nothing, accepting moves the head."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.bodies import encode_record
from shared.ledger.checkpoints import open_checkpoint
from shared.ledger.hashing import leaf_hash
from shared.ledger.lines import parse_line
from shared.ledger.notes import parse_vkey
from shared.ledger.segments import parse_segment
from shared.ledger.tree import root_of
from shared.ledger.writer import WriterLog
from tests.support.committers import numbered_record

BODY = encode_record(numbered_record(1))
WRITER = "01JD0000000000000000000000"


def fresh() -> WriterLog:
    return WriterLog("log.example.com", WRITER, Ed25519PrivateKey.from_private_bytes(b"w" * 32))


def test_staging_changes_nothing() -> None:
    """The same batch staged again gives the same bytes; another batch begins at the same place."""
    log = fresh()
    first = log.stage([BODY, BODY])
    assert log.size == 0
    assert log.stage([BODY, BODY]).data == first.data
    assert log.stage([BODY]).first == first.first == 0


def test_accepting_moves_the_head() -> None:
    """The next commit goes on after the accepted one."""
    log = fresh()
    commit = log.stage([BODY, BODY])
    log.accept(commit)
    assert log.size == commit.size == 2
    following = log.stage([BODY])
    fields = parse_line(following.lines[0])
    assert (fields["seq"], fields["prev"]) == (2, leaf_hash(commit.lines[1]).hex())


def test_only_the_next_commit_is_accepted() -> None:
    """A commit that was staged before another one was accepted is no longer the next."""
    log = fresh()
    stale = log.stage([BODY])
    log.accept(log.stage([BODY, BODY]))
    for commit in (stale, fresh().stage([BODY])):
        with pytest.raises(ValueError, match="the next commit begins at 2"):
            log.accept(commit)
    assert log.size == 2


def test_a_commit_has_records() -> None:
    """An empty batch is nobody's commit."""
    with pytest.raises(ValueError, match="at least one record"):
        fresh().stage([])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_every_checkpoint_covers_all_records_so_far(sizes: list[int]) -> None:
    """Its size and root are those of all lines up to it, and the writer's key signed it."""
    log = fresh()
    leaves: list[bytes] = []
    data = b""
    for size in sizes:
        commit = log.stage([BODY] * size)
        log.accept(commit)
        data += commit.data
    for read in parse_segment([data]):
        leaves += [leaf_hash(line) for line in read.lines]
        checkpoint = open_checkpoint(read.note, f"log.example.com/w/{WRITER}", [parse_vkey(log.vkey)])
        assert (checkpoint.size, checkpoint.root) == (len(leaves), root_of(leaves))
