"""What a crash leaves is no attack; what replays or stretches an approval or an emergency is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.errors import StoreUnavailable
from shared.ledger.findings import Kind
from shared.ledger.reports import Report
from shared.ledger.sideobjects import (
    ClaimKind,
    SnapshotObject,
    claim_path,
    is_side_path,
    parse_side_path,
    report_path,
    snapshot_path,
)
from shared.records.model import ReviewFailedRecord
from tests.support.ledgers import ULIDS, start_writer
from tests.support.side_ledger import ASKER, REVIEW, SNAPSHOTS, SideLedger, check, empty_side_ledger
from tests.support.tampering import kinds


def approvals(play: Callable[[SideLedger, str], None]) -> Report:
    """A ledger with one approval that somebody asked for, and what is said of what came then."""
    ledger = empty_side_ledger()
    key = ledger.ask()
    play(ledger, key)
    ledger.finish()
    return check(ledger.store, ledger.archive, clock=ledger.clock)


def use_twice(ledger: SideLedger, key: str) -> None:
    ledger.approve(key)
    ledger.end(key, "used", ASKER)
    del ledger.store.objects[claim_path(ClaimKind.APPROVAL, key)]
    ledger.end(key, "used", ASKER, 0)


def use_after_rejection(ledger: SideLedger, key: str) -> None:
    ledger.approve(key)
    ledger.end(key, "rejected")
    del ledger.store.objects[claim_path(ClaimKind.APPROVAL, key)]
    ledger.end(key, "used", ASKER)


def use_unapproved(ledger: SideLedger, key: str) -> None:
    ledger.end(key, "used", ASKER)


def approve_oneself(ledger: SideLedger, key: str) -> None:
    ledger.approve(key, ASKER)
    ledger.end(key, "used", ASKER)


def approve_another(ledger: SideLedger, key: str) -> None:
    ledger.approve(ledger.ask())
    ledger.end(key, "used", ASKER)


@pytest.mark.parametrize("play", [use_twice, use_after_rejection])
def test_an_approval_that_was_used_again_is_found(play: Callable[[SideLedger, str], None]) -> None:
    """The claim was deleted, and the approval replayed: both records are there."""
    assert kinds(approvals(play)) == {Kind.APPROVAL_REUSED}


@pytest.mark.parametrize("play", [use_unapproved, approve_oneself, approve_another])
def test_an_approval_without_a_second_person_is_found(play: Callable[[SideLedger, str], None]) -> None:
    """Used without a yes, with one's own, or with one to something else."""
    assert kinds(approvals(play)) == {Kind.APPROVAL_UNFOUNDED}


def test_a_longer_emergency_is_found() -> None:
    """A second record of the same emergency says another end."""
    ledger = empty_side_ledger()
    ledger.declare()
    later = empty_side_ledger()
    later.clock.now = ledger.clock.now
    store = ledger.store
    claims = {path: data for path, data in store.objects.items() if is_side_path(path)}
    for path in claims:
        del store.objects[path]
    ledger.declare()
    ledger.finish()
    assert kinds(check(store, None, clock=ledger.clock)) == {Kind.CLAIM_ALTERED}


def test_the_snapshot_of_a_genesis_is_asked_for() -> None:
    """Every writer's first record names what it runs: that snapshot must be there too."""
    ledger = empty_side_ledger()
    path = snapshot_path(SNAPSHOTS[0])
    name = parse_side_path(path)
    assert isinstance(name, SnapshotObject)
    ledger.store.create(path, SNAPSHOTS[0])
    start_writer(ledger.store, ULIDS[2], ledger.clock, seed=80, configuration=name.digest)
    ledger.finish()
    assert check(ledger.store, ledger.archive, clock=ledger.clock).findings == ()
    del ledger.store.objects[path]
    assert kinds(check(ledger.store, None, clock=ledger.clock)) == {Kind.SNAPSHOT_MISSING}


def test_a_review_that_failed_leaves_no_question() -> None:
    """Its record says so: the claim and the reports that it had made by then belong to it."""
    ledger = empty_side_ledger()
    ledger.claim(ClaimKind.REVIEW, REVIEW, report="ab" * 32)
    ledger.archive.create(report_path(REVIEW, "report.json"), b"{}")
    record = ReviewFailedRecord(
        time=ledger.now(), review_id=REVIEW, code="internal", service=ledger.writers[0].service
    )
    ledger.commit(record)
    ledger.finish()
    assert check(ledger.store, ledger.archive, clock=ledger.clock).findings == ()


def test_no_crash_is_called_an_attack() -> None:
    """The service dies at each of its writes in turn: what it leaves is intact, whatever is missing."""
    number = 0
    while True:
        number += 1
        ledger = empty_side_ledger()
        ledger.store.fail_at = len(ledger.store.operations) + number
        if not _live(ledger):
            break
        ledger.store.fail_at = 0
        ledger.finish()
        report = check(ledger.store, ledger.archive, clock=ledger.clock)
        assert report.exit_code == 0, f"write {number}: {report.findings}"
        assert {finding.kind for finding in report.findings} <= {Kind.SIDE_UNNAMED, Kind.SIDE_UNLISTED}
    assert number > 15
    print(f"{number - 1} crashes, none called an attack")


def _live(ledger: SideLedger) -> bool:
    """All that happens in the ledger of these tests; True where it died on the way."""
    try:
        ledger.configure(SNAPSHOTS[0])
        ledger.configure(SNAPSHOTS[1], SNAPSHOTS[0])
        key = ledger.ask()
        ledger.approve(key)
        ledger.end(key, "used", ASKER)
        ledger.declare()
        ledger.review()
        ledger.decide()
        ledger.escalate()
    except StoreUnavailable:
        return True
    return False
