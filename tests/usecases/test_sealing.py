"""Sealing survives everything: dying at any operation, running twice at once, and what others wrote."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.errors import LedgerError, StoreUnavailable
from shared.ledger.findings import Kind
from shared.ledger.notes import parse_note, verify_note
from shared.ledger.rootlog import batch_path, checkpoint_path, parse_seal
from shared.ledger.segments import parse_segment, segment_path
from shared.ledger.tiles import decode_entries, encode_entries
from shared.ledger.verifier import Question, verify_ledger
from shared.usecases.rootstore import RootConflict, find_newest_size
from tests.support.ledgers import (
    SECOND,
    SERVICE,
    ULIDS,
    Clock,
    SmallLedger,
    sealer_of,
    small_ledger,
    start_writer,
)
from tests.support.worm import WormStore


def assert_sound(store: WormStore, clock: Clock) -> None:
    """The ledger verifies, and everything in it is sealed."""
    report = verify_ledger(Question(store, (SERVICE.verifier,), clock() + timedelta(days=2)))
    assert report.findings == ()


def grown() -> tuple[WormStore, Clock]:
    """A sealed ledger in which two writers went on since."""
    ledger = small_ledger()
    ledger.writers[1].access(1)
    ledger.writers[2].access(2)
    return ledger.store, ledger.clock


def test_nothing_new_seals_nothing() -> None:
    """A second run at once writes nothing at all."""
    store, clock = grown()
    sealer = sealer_of(store, clock)
    assert len(sealer.run().seals) == 2
    before = dict(store.objects)
    assert sealer.run().seals == ()
    assert sealer_of(store, clock).run().seals == ()
    assert store.objects == before


def test_an_empty_store_has_nothing_to_seal() -> None:
    """No writers, no root log, no error."""
    sealing = sealer_of(WormStore(), Clock()).run()
    assert (sealing.size, sealing.seals, sealing.findings) == (0, (), ())


def test_a_fresh_process_continues_the_root_log() -> None:
    """Everything that a sealer knows can be read again."""
    store, clock = WormStore(), Clock()
    writer = start_writer(store, ULIDS[0], clock, seed=10)
    for round_number in range(1, 20):
        writer.access(1)
        assert sealer_of(store, clock).run().size == round_number
    assert_sound(store, clock)


@pytest.mark.parametrize("when", ["before", "after"])
def test_dying_at_any_write_loses_nothing(when: str) -> None:
    """Each write in turn fails before or after it took effect; the next run makes it good."""
    clean, clock = grown()
    sealer_of(clean, clock).run()
    writes = len(clean.operations) - len(grown()[0].operations)
    assert writes >= 4
    for number in range(1, writes + 1):
        for is_same_process in (True, False):
            store, clock = grown()
            store.fail_at, store.when = len(store.operations) + number, when
            sealer = sealer_of(store, clock)
            with pytest.raises(StoreUnavailable):
                sealer.run()
            (sealer if is_same_process else sealer_of(store, clock)).run()
            assert_sound(store, clock)
            assert find_newest_size(store) == 10
    print(f"{writes} writes, each failed {when} it took effect, in the same and in a new process: all sound")


def test_any_failing_read_is_harmless() -> None:
    """Each read in turn gets no answer: the run fails, reads otherwise, or names the log not read."""
    number = 0
    while True:
        number += 1
        store, clock = grown()
        store.reads, store.fail_read_at = 0, number
        try:
            sealing = sealer_of(store, clock).run()
        except StoreUnavailable:
            sealing = None
        has_failed = store.reads >= number
        store.fail_read_at = 0
        if not has_failed:
            break
        assert sealing is None or sealing.findings or sealing.size == 10
        sealer_of(store, clock).run()
        assert_sound(store, clock)
    assert number > 15
    print(f"{number - 1} reads failed in turn: all sound")


class Racing(WormStore):
    """A store in which something else happens just before or after one of the writes."""

    hook: Callable[[], None] | None = None
    hook_at = 0
    hook_after = False

    def create(self, path: str, data: bytes) -> None:
        hook, is_now = self.hook, len(self.operations) + 1 == self.hook_at
        if hook is not None and is_now:
            self.hook = None
        if hook is not None and is_now and not self.hook_after:
            hook()
        WormStore.create(self, path, data)
        if hook is not None and is_now and self.hook_after:
            hook()


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("does_grow", [False, True])
def test_two_sealers_at_once_agree(is_after: bool, does_grow: bool) -> None:
    """Around each write of one sealer a second one does its whole run, with or without more to seal."""
    for number in range(1, 8):
        ledger = small_ledger()
        ledger.writers[1].access(1)
        ledger.writers[2].access(2)
        store = Racing(ledger.store.objects, ledger.store.appendable)
        for writer in ledger.writers:
            writer.store = store

        def other(ledger: SmallLedger = ledger, store: Racing = store) -> None:
            if does_grow:
                ledger.writers[1].access(3)
            sealer_of(store, ledger.clock).run()

        store.hook, store.hook_at, store.hook_after = other, number, is_after
        sealer_of(store, ledger.clock).run()
        if does_grow:
            sealer_of(store, ledger.clock).run()
        assert_sound(store, ledger.clock)


def test_two_signers_sign_every_checkpoint() -> None:
    """An Ed25519 key beside a key vault's, say: either of them suffices to verify."""
    store, clock = WormStore(), Clock()
    start_writer(store, ULIDS[0], clock, seed=10)
    sealing = sealer_of(store, clock, (SERVICE, SECOND)).run()
    note = parse_note(sealing.checkpoint)
    assert verify_note(note, [SERVICE.verifier, SECOND.verifier]) == (SERVICE.verifier, SECOND.verifier)
    now = clock() + timedelta(days=2)
    assert verify_ledger(Question(store, (SERVICE.verifier, SECOND.verifier), now)).findings == ()
    report = verify_ledger(Question(store, (SERVICE.verifier,), now))
    assert [finding.kind for finding in report.findings] == [Kind.UNKNOWN_KEY]
    assert report.exit_code == 2


def test_a_log_that_shrank_is_not_sealed_but_reported() -> None:
    """Nothing is signed about it; the others are sealed as ever."""
    store, clock = grown()
    path = segment_path(ULIDS[2], 0)
    first = next(parse_segment([store.objects[path]]))
    store.objects[path] = store.objects[path][: first.size]
    sealing = sealer_of(store, clock).run()
    assert [seal.writer for seal in sealing.seals] == [ULIDS[1]]
    assert {finding.kind for finding in sealing.findings} == {Kind.LOG_SHORTENED}


def test_a_forked_log_is_not_sealed_but_reported() -> None:
    """A log that does not continue what was sealed stays where it was."""
    store, clock = grown()
    twin = start_writer(WormStore(), ULIDS[2], Clock(), seed=12)
    twin.access(5)
    store.objects[segment_path(ULIDS[2], 0)] = twin.store.objects[segment_path(ULIDS[2], 0)]
    sealing = sealer_of(store, clock).run()
    assert [seal.writer for seal in sealing.seals] == [ULIDS[1]]
    assert sealing.findings


def test_a_planted_batch_is_not_signed() -> None:
    """Who can create objects, but not sign, cannot make the service sign seals of their own."""
    source, clock = grown()
    sealer_of(source, clock).run()
    entries = decode_entries(source.objects[batch_path(8)])
    honest = parse_seal(entries[0])
    for forged in (
        [entries[0].replace(b'"closed":false', b'"closed":true')],
        [entries[0], entries[0]],
        [entries[0].replace(b'"time":"2026', b'"time":"2036')],
        [entries[0].replace(f'"offset":{honest.offset}'.encode(), f'"offset":{honest.offset - 1}'.encode())],
        [b"{}"],
    ):
        store, clock = grown()
        store.create(batch_path(8), encode_entries(forged))
        with pytest.raises(LedgerError):
            sealer_of(store, clock).run()
        assert checkpoint_path(9) not in store.objects
        assert checkpoint_path(10) not in store.objects
    store, clock = grown()
    store.create(batch_path(8), encode_entries(entries[:1]))
    assert sealer_of(store, clock).run().size == 10
    assert_sound(store, clock)


def test_a_changed_root_log_is_not_continued() -> None:
    """A tile, bundle or checkpoint that does not fit stops sealing: nothing is signed on top of it."""
    for path in ("v1/root/tile/0/000.p/8", "v1/root/tile/entries/000.p/8", "v1/root/checkpoint/000000000008"):
        store, clock = grown()
        data = store.objects[path]
        store.objects[path] = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
        with pytest.raises(LedgerError):
            sealer_of(store, clock).run()
        assert checkpoint_path(10) not in store.objects


def test_foreign_bytes_in_the_root_logs_places_are_a_conflict() -> None:
    """Another object where a tile of the next tree belongs: nothing is signed."""
    store, clock = grown()
    store.create("v1/root/tile/0/000.p/10", b"junk")
    with pytest.raises(RootConflict):
        sealer_of(store, clock).run()
    assert checkpoint_path(10) not in store.objects


def test_a_restart_after_a_rollback_is_refused_by_who_remembers() -> None:
    """A sealer that lives on remembers a larger tree than an old copy holds, and signs no second history."""
    ledger = small_ledger()
    old = dict(ledger.store.objects)
    sealer = sealer_of(ledger.store, ledger.clock)
    ledger.writers[1].access(1)
    sealer.run()
    ledger.store.objects.clear()
    ledger.store.objects.update(old)
    ledger.writers[1].length = len(old[segment_path(ULIDS[1], 1)])
    assert {finding.kind for finding in sealer.run().findings} == {Kind.LOG_SHORTENED}


def test_hundreds_of_seals_cross_tiles() -> None:
    """The root log beyond 256 and beyond 1,000 entries: full tiles, a second level, bisection."""
    store, clock = WormStore(), Clock()
    writers = [start_writer(store, f"01JNC{number:021}", clock, seed=number + 1) for number in range(90)]
    sealer = sealer_of(store, clock)
    for round_number in range(1, 13):
        assert sealer.run().size == 90 * round_number
        assert find_newest_size(store) == 90 * round_number
        for writer in writers:
            writer.access(1)
    assert sealer_of(store, clock).run().size == 90 * 13
    assert_sound(store, clock)
    assert "v1/root/tile/1/000.p/4" in store.objects
    assert "v1/root/tile/entries/003" in store.objects
