"""What grows with the ledger grows slowly: steps of the root log's walk, and memory for its seals."""

from __future__ import annotations

import time
import tracemalloc
from datetime import timedelta

from shared.ledger.hashing import leaf_hash
from shared.ledger.rootlog import Seal
from shared.ledger.sealed import SealedStates
from shared.ledger.tree import Frontier
from shared.ledger.verifier import Question, verify_ledger
from shared.usecases.rootstore import find_newest_size
from tests.support.ledgers import SERVICE, ULIDS, Clock, sealer_of, start_writer
from tests.support.side_ledger import ASKER, check, empty_side_ledger
from tests.support.worm import WormStore


def _seals(count: int) -> list[Seal]:
    frontier, seals = Frontier(), []
    for size in range(1, count + 1):
        leaf = leaf_hash(b"%d" % size)
        frontier.append(leaf)
        time_text = "2026-03-01T12:00:00.000000Z"
        root = frontier.root()
        seals.append(Seal(ULIDS[0], size, root, time_text, False, 0, size * 100, leaf, frontier.roots))
    return seals


def test_a_seal_takes_less_than_a_hundred_bytes() -> None:
    """Ten thousand seals of one writer, held for comparison."""
    seals = _seals(10_000)
    tracemalloc.start()
    states = SealedStates(seals)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(states) == 10_000
    assert held < 100 * 10_000


def test_many_seals_cost_no_more_each_than_few() -> None:
    """A thousand runs of sealing are read and verified in seconds; a sealer's own run does not slow down."""
    store, clock = WormStore(), Clock()
    writer = start_writer(store, ULIDS[0], clock, seed=10)
    sealer = sealer_of(store, clock)
    spent: list[float] = []
    for _ in range(1_000):
        writer.access(1)
        start = time.process_time()
        sealer.run()
        spent.append(time.process_time() - start)
    assert sum(spent[-100:]) < 6 * sum(spent[100:200])
    assert find_newest_size(store) == 1_000
    start = time.process_time()
    report = verify_ledger(Question(store, (SERVICE.verifier,), clock() + timedelta(days=1)))
    assert report.findings == ()
    assert report.root_size == 1_000
    assert time.process_time() - start < 20


def test_many_claims_cost_no_more_each_than_few() -> None:
    """A thousand approvals from request to use are compared with their three thousand records in seconds."""
    spent: dict[int, float] = {}
    for count in (100, 1_000):
        ledger = empty_side_ledger()
        for _ in range(count):
            key = ledger.ask()
            ledger.approve(key)
            ledger.end(key, "used", ASKER)
        ledger.finish()
        start = time.process_time()
        assert check(ledger.store, None, clock=ledger.clock).findings == ()
        spent[count] = time.process_time() - start
    assert spent[1_000] < 30 * spent[100]
    assert spent[1_000] < 10
    print(f"1,000 approvals verified in {spent[1_000]:.2f} s, 100 in {spent[100]:.2f} s")
