"""Every way of making an emergency longer: races, clocks, and what somebody does to storage."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import AccessDenied
from shared.ledger.sideobjects import ClaimKind, claim_path, emergency_key, parse_claim
from shared.records.canonical import canonical_bytes, format_time
from shared.records.digests import DigestKey
from shared.usecases.emergencies import MAX_KNOWN, Emergencies, Window
from shared.usecases.once import Claims
from tests.support.emergencies import emergencies, enter, reason
from tests.support.four_eyes import SECOND_WRITER
from tests.support.services import Bench

HOURS = timedelta(hours=4)
BLINK = timedelta(microseconds=1)
ROUNDS = 20


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def twin(bench: Bench) -> Iterator[Bench]:
    """Another process of the same service."""
    made = Bench(store=bench.store, now=bench.now, writer=SECOND_WRITER)
    yield made
    made.close()


# --- two processes -----------------------------------------------------------------------------------


def test_two_first_uses_at_once(bench: Bench, twin: Bench) -> None:
    """One window: both are served in it, and each process has recorded it, with the same end."""
    for number in range(ROUNDS):
        person = {"oid": f"dddddddd-dddd-4ddd-8ddd-{number:012d}", "sub": f"s{number}"}
        bench.now += BLINK * 7
        twin.now += BLINK * 3
        gate = threading.Barrier(2)

        def use(one: Bench, person: dict[str, str] = person, gate: threading.Barrier = gate) -> int:
            gate.wait()
            return enter(one, **person).status

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(use, (bench, twin))) == [200, 200]
    found = emergencies(bench, twin)
    assert len(found) == 2 * ROUNDS
    ends = {(record.who.principal, record.ticket, record.until) for record in found}
    assert len(ends) == ROUNDS
    assert len(list(bench.store.list("v1/once/emergency/"))) == ROUNDS
    assert len(list(bench.store.list("v1/once/emergency-slot/"))) == ROUNDS


def test_many_tickets_at_once(bench: Bench, twin: Bench) -> None:
    """Twelve tickets of one person in two processes at the same moment: three windows, never a fourth."""
    jobs = [(one, f"INC-{number}") for number in range(1, 7) for one in (bench, twin)]
    jobs = [(one, f"INC-{place}") for place, (one, _) in enumerate(jobs, start=1)]
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda job: enter(*job).status, jobs))
    assert statuses.count(200) == 3
    assert set(statuses) <= {200, 403, 503}
    assert len({record.ticket for record in emergencies(bench, twin)}) == 3


def test_one_process_records_a_window_once(bench: Bench) -> None:
    """However many calls come at its first moment."""
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: enter(bench).status, range(8))) == {200}
    assert len(emergencies(bench)) == 1


# --- clocks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("behind_s", "why"), [(60, None), (61, "emergency_early")])
def test_a_first_use_in_the_future(bench: Bench, twin: Bench, behind_s: int, why: str | None) -> None:
    """A minute between two clocks is forgiven; more is refused, since nobody knows when it ends."""
    enter(bench)
    twin.now = bench.now - timedelta(seconds=behind_s)
    if why is None:
        assert enter(twin).status == 200
    else:
        assert reason(twin) == why


def test_a_clock_that_is_ahead_ends_it_early(bench: Bench, twin: Bench) -> None:
    """And not late."""
    enter(bench)
    twin.now = bench.now + HOURS
    assert reason(twin) == "emergency_over"


def test_a_shorter_window_of_a_new_policy_holds_at_once(bench: Bench) -> None:
    """What the policy says now bounds what was promised; the claim and its record stay as they were."""
    enter(bench)
    role = bench.policy.roles[-1].model_copy(update={"window_minutes": 60})
    policy = bench.policy.model_copy(update={"roles": (*bench.policy.roles[:-1], role)})
    policy.__dict__.pop("digest", None)
    later = Bench(store=bench.store, policy=policy, now=bench.now, writer=SECOND_WRITER)
    try:
        later.now += timedelta(minutes=59)
        assert enter(later).status == 200
        assert emergencies(later)[0].until == emergencies(bench)[0].until
        later.now += timedelta(minutes=1)
        assert reason(later) == "emergency_over"
    finally:
        later.close()


# --- what somebody does to storage -------------------------------------------------------------------


def claim_of(bench: Bench) -> str:
    record = emergencies(bench)[0]
    key = emergency_key(str(record.who.tenant), str(record.who.principal), record.ticket)
    return claim_path(ClaimKind.EMERGENCY, key)


def slot_of(bench: Bench) -> str:
    (slot,) = bench.store.list("v1/once/emergency-slot/")
    return slot.path


@pytest.mark.parametrize("member", ["until", "time", "by", "digest"])
@pytest.mark.parametrize("which", [claim_of, slot_of])
def test_a_changed_claim_opens_nothing(bench: Bench, twin: Bench, which: object, member: str) -> None:
    """A later end, an earlier first use, any byte: what it says is under a keyed digest."""
    enter(bench)
    path = which(bench)  # type: ignore[operator]
    fields = json.loads(bench.store.read(path))
    fields[member] = format_time(bench.now + timedelta(hours=9)) if member in ("until", "time") else "x"
    bench.store.tamper_replace(path, canonical_bytes(fields))
    if which is slot_of:
        bench.store.tamper_delete(claim_of(bench))
    assert reason(twin) == "emergency_tampered"


@pytest.mark.parametrize("data", [b"", b"{}", b"junk", b'{"v":1}', b"[" * 5_000])
def test_junk_in_the_place_of_a_claim(bench: Bench, twin: Bench, data: bytes) -> None:
    """What cannot be read opens nothing."""
    enter(bench)
    bench.store.tamper_replace(claim_of(bench), data)
    assert reason(twin) == "emergency_tampered"


def test_somebody_else_s_claim(bench: Bench, twin: Bench) -> None:
    """A good claim in another place is none there."""
    enter(bench)
    other = {"oid": "cccccccc-cccc-4ccc-8ccc-cccccccccccc", "sub": "z"}
    twin.now += timedelta(hours=3)
    enter(twin, **other)
    young = emergencies(twin)[0]
    key = emergency_key(str(young.who.tenant), str(young.who.principal), young.ticket)
    data = bench.store.read(claim_path(ClaimKind.EMERGENCY, key))
    bench.store.tamper_replace(claim_of(bench), data)
    third = Bench(store=bench.store, now=twin.now, writer="01JD0000000000000000000002")
    try:
        assert reason(third) == "emergency_tampered"
    finally:
        third.close()


def test_a_deleted_claim_does_not_renew_the_ticket(bench: Bench, twin: Bench) -> None:
    """It is made again with the time of its number: over is over."""
    enter(bench)
    bench.store.tamper_delete(claim_of(bench))
    twin.now += timedelta(hours=3)
    assert enter(twin).status == 200
    assert emergencies(twin)[0].until == emergencies(bench)[0].until
    bench.store.tamper_delete(claim_of(bench))
    third = Bench(store=bench.store, now=bench.now + HOURS, writer="01JD0000000000000000000002")
    try:
        assert reason(third) == "emergency_over"
        assert reason(bench_at(bench, HOURS)) == "emergency_over"
    finally:
        third.close()


def bench_at(bench: Bench, later: timedelta) -> Bench:
    bench.now += later
    return bench


def test_a_missing_number_is_noticed(bench: Bench, twin: Bench) -> None:
    """Windows are counted without gaps: where one is gone, the count is worth nothing."""
    for number in range(3):
        enter(bench, f"INC-{number + 1}")
    slots = [item.path for item in bench.store.list("v1/once/emergency-slot/")]
    for gone in slots[:2]:
        data = bench.store.read(gone)
        bench.store.tamper_delete(gone)
        assert reason(twin, "INC-8") == "emergency_tampered"
        bench.store.create(gone, data)
    assert reason(twin, "INC-8") == "emergency_too_many"


def test_an_empty_forged_window_is_refused(bench: Bench) -> None:
    """Who can create objects but lacks the key can open no window."""
    enter(bench, "INC-1")
    claim = parse_claim(bench.store.read(claim_of(bench)))
    forged = replace(
        claim,
        key=claim.key[::-1],
        members={**claim.members, "until": format_time(bench.now + timedelta(days=9))},
    )
    with pytest.raises(AccessDenied, match="not what the service wrote"):
        Emergencies(Claims(bench.store), DigestKey(b"d" * 32))._read(forged)


def test_claims_of_another_digest_key_are_over(bench: Bench) -> None:
    """After the key has been changed nobody can check them: they end, and are counted by their time."""
    service = Emergencies(Claims(bench.store), DigestKey(b"e" * 32))
    enter(bench)
    claim = parse_claim(bench.store.read(claim_of(bench)))
    assert service._read(claim) == Window(bench.now, bench.now)


def test_known_windows_are_bounded(bench: Bench) -> None:
    """A process remembers so many windows; one that it forgot is found again, and recorded again."""
    enter(bench)
    known = bench.path.conditions._emergencies
    for number in range(MAX_KNOWN):
        known._known[f"k{number}", "r"] = Window(bench.now, bench.now)
    enter(bench, "INC-2")
    assert len(known._known) <= MAX_KNOWN + 1
    assert enter(bench).status == 200
    assert [record.ticket for record in emergencies(bench)] == ["INC-4711", "INC-2", "INC-4711"]
    assert len({record.until for record in emergencies(bench)}) == 1
