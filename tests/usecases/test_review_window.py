"""The window of a review: between which root checkpoints it lies, and what is read where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from shared.errors import ObjectMissing
from shared.ledger.hashing import leaf_hash
from shared.ledger.rootlog import Seal, tile_path
from shared.ledger.tiles import TILE_WIDTH, Tile, encode_entries
from shared.records.canonical import format_time
from shared.usecases.reviews.layered import LayeredReader
from shared.usecases.reviews.policy import view_policy
from shared.usecases.reviews.window import find_start, observe_window
from shared.usecases.rootstore import EMPTY, RootHead, RootView
from tests.support.committers import START
from tests.support.identities import default_policy
from tests.support.review_house import ReviewHouse
from tests.support.stores import MemoryStore


@dataclass
class LongRootLog:
    """A root log of one seal a minute; of its checkpoints only some are there. Counts what is read."""

    size: int
    sizes: tuple[int, ...]
    store: MemoryStore = field(default_factory=MemoryStore)
    reads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        entries = [_seal(number).to_entry() for number in range(self.size)]
        for bundle in range(0, self.size, TILE_WIDTH):
            part = entries[bundle : bundle + TILE_WIDTH]
            self.store.create(tile_path(Tile(None, bundle // TILE_WIDTH, len(part))), encode_entries(part))
        for size in self.sizes:
            self.store.create(f"v1/root/checkpoint/{size:012}", b"signed")

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        self.reads.append(path)
        return self.store.read(path, start, length)

    def list(self, prefix: str) -> Iterator[Any]:
        return self.store.list(prefix)

    def read_head(self, size: int) -> RootHead | None:
        return RootHead(size, b"\0" * 32, b"signed") if size in self.sizes else None

    def find(self, moment: datetime) -> RootHead:
        end = RootHead(self.size, b"\0" * 32, b"")
        return find_start(cast(Any, self), cast(RootView, self), end, moment)


def _seal(number: int) -> Seal:
    leaf = leaf_hash(b"record")
    time = format_time(START + timedelta(minutes=number))
    return Seal(f"01KB{number:022d}", 1, leaf, time, False, 0, 10, leaf, (leaf,))


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        (-5, 0),
        (0, 0),
        (1, 0),
        (700, 700),
        (701, 700),
        (999, 700),
        (1_000, 1_000),
        (1_500, 1_400),
        (9_999, 2_000),
    ],
)
def test_the_start_is_the_newest_checkpoint_that_is_older_than_the_window(minute: int, expected: int) -> None:
    """All that it covers was sealed before; where only younger ones are there, it begins at nothing."""
    log = LongRootLog(2_000, (700, 1_000, 1_400, 2_000))
    found = log.find(START + timedelta(minutes=minute))
    assert found.size == expected
    assert (found == EMPTY) is (expected == 0)


def test_the_start_of_a_long_log_is_found_with_few_reads() -> None:
    """By bisection: eleven bundles of two thousand seals, not all of them."""
    log = LongRootLog(2_000, (1, 2_000))
    log.find(START + timedelta(minutes=1_234))
    assert len(log.reads) <= 11


def test_records_between_the_two_checkpoints_are_shown_and_no_others() -> None:
    house = ReviewHouse()
    process = house.start()
    who = house.directory.hire(1, "Pii.Analyst")
    for _ in range(6):
        process.call(who, "Pii.Analyst", house.clock())
        house.seal()
        house.clock.advance(days=1)
    process.call(who, "Pii.Analyst", house.clock())  # not sealed: no checkpoint covers it
    seen: list[tuple[str, int]] = []
    review = process.reviewing.review
    now = house.clock()
    window = observe_window(
        review.evidence,
        now - timedelta(days=3),
        now,
        now,
        lambda writer, index, _: seen.append((writer, index)),
    )
    assert [index for _, index in seen] == [4, 5, 6] and window.records == 3
    assert (window.from_size, window.to_size, window.verdict) == (3, 6, "intact")
    house.close()


def test_what_the_first_store_has_no_more_is_read_in_the_second() -> None:
    first, second = MemoryStore(), MemoryStore()
    first.create("a", b"first")
    for path in ("a", "b"):
        second.create(path, b"second")
    layered = LayeredReader(first, second)
    assert [(item.path, item.size) for item in layered.list("")] == [("a", 5), ("b", 6)]
    assert (layered.read("a"), layered.read("b", 1, 2)) == (b"first", b"ec")
    assert (layered.size("a"), layered.size("b")) == (5, 6)
    for ask in (layered.read, layered.size):
        with pytest.raises(ObjectMissing):
            ask("c")


def test_a_review_sees_the_policy_as_it_is() -> None:
    """Every role in its order, with permissions, bounds, and what must be stated."""
    policy = default_policy()
    view = view_policy(policy)
    assert (view.digest, view.sensitive_entities) == (policy.digest, policy.sensitive)
    assert [role.name for role in view.roles] == [role.name for role in policy.roles]
    for role, seen in zip(policy.roles, view.roles, strict=True):
        assert seen.permissions == set(role.permissions) and seen.operators == set(role.operators)
        assert (seen.max_chars, seen.max_texts, seen.held_by) == (
            role.max_chars,
            role.max_texts,
            role.held_by,
        )
    assert view.emergency_roles == {"Pii.BreakGlass"}
    reidentifier = view.find_role("Pii.Reidentifier")
    assert reidentifier is not None and "purpose" in reidentifier.statements["pii.deanonymize"]
