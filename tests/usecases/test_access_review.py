"""The review of a month: made once, from verified records, stored before it is recorded; escalated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest

from shared.errors import DirectoryUnavailable, ReviewConflict, StoreUnavailable
from shared.ledger.segments import WRITERS_PREFIX
from shared.ledger.sideobjects import Claim, ClaimKind, claim_path
from shared.records.canonical import format_time, parse_time, sha256_hex
from shared.records.model import ReviewFailedRecord, ReviewOverdueRecord, ReviewRecord
from shared.review.directory import Unknown
from shared.review.report_json import parse_report
from shared.usecases.reviews.making import ReviewSettings
from shared.usecases.reviews.overdue import level_at
from tests.support.review_house import ReviewHouse
from tests.support.stores import Fault, FaultyStore

FIRST = datetime(2026, 12, 1, 5, 0, 0, tzinfo=UTC)
HUNDRED_DAYS = timedelta(days=100)


@pytest.fixture
def house() -> Iterator[ReviewHouse]:
    """A ledger of a hundred days, in which one person used one of two roles."""
    made = ReviewHouse()
    made.clock.now = FIRST - HUNDRED_DAYS
    process = made.start()
    ana = made.directory.hire(1, "Pii.Analyst", "Pii.Reidentifier")
    made.directory.hire(2, "Pii.Redactor", state="disabled")
    for day in range(0, 100, 5):
        made.clock.now = FIRST - HUNDRED_DAYS + timedelta(days=day, hours=9)
        for _ in range(3):
            process.call(ana, "Pii.Analyst", made.clock(), operation="pii.analyze")
        made.seal()
    made.clock.now = FIRST
    yield made
    made.close()


def make(house: ReviewHouse, process: int = 0) -> ReviewRecord:
    record = house.processes[process].reviewing.make_due()
    assert record is not None
    return record


def test_a_review_is_stored_with_the_digests_that_its_record_names(house: ReviewHouse) -> None:
    record = make(house)
    assert record.review_id == "2026-12"
    assert set(record.reports) == {"report.json", "report.csv", "report.html"}
    for name, digest in record.reports.items():
        assert sha256_hex(house.archive.read(f"v1/reviews/2026-12/{name}")) == digest
    assert house.of(ReviewRecord) == [record]


def test_findings_rest_on_records_between_two_root_checkpoints_that_the_report_names(
    house: ReviewHouse,
) -> None:
    record = make(house)
    review = parse_report(house.archive.read("v1/reviews/2026-12/report.json"))
    kinds = {(each.kind, each.principal and each.principal[1][:8]) for each in review.findings}
    assert ("unused_role", "00000001") in kinds and ("orphaned_principal", "00000002") in kinds
    window = review.window
    assert window.verdict == "intact" and window.until == FIRST
    assert 0 < window.from_size < window.to_size
    assert (record.from_size, record.from_root) == (window.from_size, window.from_root)
    assert (record.to_size, record.to_root) == (window.to_size, window.to_root)
    assert window.records == 18 * 3, "the first ten days are sealed before the window begins"
    assert record.risks == {name: record.risks[name] for name in sorted(record.risks)}
    assert parse_time(record.decide_by) == FIRST + timedelta(days=14)


def test_afterwards_the_ledger_with_its_claims_and_reports_is_intact(house: ReviewHouse) -> None:
    make(house)
    house.clock.advance(hours=1)
    assert house.verify().findings == ()


def test_it_is_made_once_a_month_and_not_before_five(house: ReviewHouse) -> None:
    house.clock.now = FIRST - timedelta(minutes=1)
    assert house.processes[0].reviewing.make_due() is None
    house.clock.now = FIRST
    make(house)
    for hours in (0, 1, 24, 24 * 29):
        house.clock.now = FIRST + timedelta(hours=hours)
        assert house.processes[0].reviewing.make_due() is None
    house.clock.now = datetime(2027, 1, 1, 5, tzinfo=UTC)
    assert make(house).review_id == "2027-01"


def test_the_next_review_knows_the_one_before(house: ReviewHouse) -> None:
    first = make(house)
    house.clock.now = datetime(2027, 1, 1, 5, tzinfo=UTC)
    make(house)
    review = parse_report(house.archive.read("v1/reviews/2027-01/report.json"))
    assert review.previous == first.findings


def test_two_timers_at_once_make_one_review(house: ReviewHouse) -> None:
    house.start()
    barrier = Barrier(2)

    def run(process: int) -> None:
        barrier.wait()
        house.processes[process].reviewing.make_due()

    threads = [Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(house.of(ReviewRecord)) == 1
    house.clock.advance(hours=1)
    assert house.verify().findings == ()


class Died(BaseException):
    """The process is gone: nothing of it runs any more."""


@pytest.mark.parametrize("path", ["report.json", "report.csv", "report.html", None])
def test_a_review_whose_process_died_is_made_by_another(house: ReviewHouse, path: str | None) -> None:
    """At any report, or before its record: an hour later another one makes it, under a new id."""

    def die(*_: object) -> None:
        raise Died

    def script(method: str, at: str) -> Fault | None:
        return Fault(meddle=die) if method == "create" and path is not None and at.endswith(path) else None

    dying = house.start(FaultyStore(house.archive, script))
    if path is None:
        dying.reviewing = replace(dying.reviewing, review=replace(dying.reviewing.review, commit=die))
    with pytest.raises(Died):
        dying.reviewing.make_due()
    assert house.processes[0].reviewing.make_due() is None, "somebody may still be at work"
    house.clock.advance(hours=2)
    assert make(house).review_id == "2026-12b"
    assert house.processes[0].reviewing.make_due() is None
    assert [each.id for each in house.processes[0].reviewing.review.reviews.all()] == ["2026-12b"]
    house.clock.advance(hours=1)
    assert {finding.kind.value for finding in house.verify().findings} <= {"side_unnamed"}
    assert house.verify().exit_code == 0


def test_nothing_that_was_left_lying_is_believed(house: ReviewHouse) -> None:
    """A report that somebody put where the next one will stand stops that review, and is never signed for."""
    house.archive.create("v1/reviews/2026-12/report.json", b'{"v":1}')
    with pytest.raises(ReviewConflict):
        house.processes[0].reviewing.make_due()
    assert house.of(ReviewRecord) == []
    [failed] = house.of(ReviewFailedRecord)
    assert (failed.review_id, failed.code) == ("2026-12", "review_conflict")


def plant(house: ReviewHouse, key: str, data: bytes | None = None, **members: str) -> None:
    """A claim that no process of the service has made."""
    claim = Claim(ClaimKind.REVIEW, key, format_time(house.clock() + timedelta(days=400)), members)
    house.store.create(claim_path(ClaimKind.REVIEW, key), claim.encode() if data is None else data)


@pytest.mark.parametrize("data", [None, b"", b"{}", b"\xff", b"[" * 4_000, b"x" * 5_000])
def test_a_planted_claim_keeps_no_review_away(house: ReviewHouse, data: bytes | None) -> None:
    """Neither junk nor a claim from the future, with which somebody would seem to be at work for ever."""
    plant(house, "2026-12", data, writer="01KB0000000000000000000009")
    plant(house, "somewhere", data, writer="01KB0000000000000000000009")
    assert make(house).review_id == "2026-12b"
    reviews = house.processes[0].reviewing.review.reviews
    assert [each.id for each in reviews.all()] == ["2026-12b"]


def test_with_all_ids_taken_the_failure_is_recorded(house: ReviewHouse) -> None:
    """Who plants a claim for every attempt gets an alert for it, each day."""
    for key in ("2026-12", *(f"2026-12{letter}" for letter in "bcdefgh")):
        plant(house, key, writer="01KB0000000000000000000009")
    with pytest.raises(ReviewConflict):
        house.processes[0].reviewing.make_due()
    assert [each.code for each in house.of(ReviewFailedRecord)] == ["review_conflict"]


def test_storage_that_cannot_be_asked_for_claims_is_a_recorded_failure(house: ReviewHouse) -> None:
    class Away:
        def find(self, *_: object) -> None:
            raise StoreUnavailable("away")

    house.processes[0].reviewing.review.reviews.claims = Away()  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable):
        house.processes[0].reviewing.make_due()
    assert [each.code for each in house.of(ReviewFailedRecord)] == ["store_unavailable"]


def test_without_a_directory_the_failure_is_recorded_and_the_next_day_makes_it_good(
    house: ReviewHouse,
) -> None:
    """Not silence: a record, which is an alert; and no claim that would stop the next attempt."""
    house.directory.away = True
    with pytest.raises(DirectoryUnavailable):
        house.processes[0].reviewing.make_due()
    [failed] = house.of(ReviewFailedRecord)
    assert (failed.review_id, failed.code) == ("2026-12", "directory_unavailable")
    house.directory.away = False
    house.clock.advance(days=1, hours=1)
    house.processes[0].reviewing.look_after()
    assert [each.review_id for each in house.of(ReviewRecord)] == ["2026-12"]


def test_what_could_not_be_known_is_in_the_report_and_in_the_record(house: ReviewHouse) -> None:
    house.directory.unknown = (Unknown("owners", "", "Application.Read.All is missing"),)
    assert make(house).unknown == ("owners",)


def test_tampering_does_not_stop_a_review_and_stands_at_its_top(house: ReviewHouse) -> None:
    path = max(item.path for item in house.store.list(WRITERS_PREFIX))
    data = house.store.read(path)
    house.store.tamper_replace(path, data.replace(b"pii.analyze", b"pii.redacts", 1))
    make(house)
    review = parse_report(house.archive.read("v1/reviews/2026-12/report.json"))
    assert review.window.verdict == "findings" and review.window.verification
    assert b"NOT intact" in house.archive.read("v1/reviews/2026-12/report.html")


def test_a_ledger_that_was_never_sealed_gives_a_review_that_judges_nobody_unused() -> None:
    house = ReviewHouse()
    house.clock.now = FIRST
    house.start()
    house.directory.hire(1, "Pii.Analyst")
    make(house)
    review = parse_report(house.archive.read("v1/reviews/2026-12/report.json"))
    assert review.window.to_size == 0
    assert not {each.kind for each in review.findings} & {"unused_role", "dormant_principal"}
    assert [each.reason for each in review.insufficient] == ["ledger"]
    house.close()


def test_a_young_ledger_is_not_taken_for_idle_people(house: ReviewHouse) -> None:
    """Where the window reaches back further than the ledger, nobody is called unused."""
    young = ReviewHouse(settings=ReviewSettings(days=90))
    young.clock.now = FIRST - timedelta(days=30)
    process = young.start()
    ana = young.directory.hire(1, "Pii.Analyst", "Pii.Reidentifier")
    process.call(ana, "Pii.Analyst", young.clock())
    young.seal()
    young.clock.now = FIRST
    make(young)
    review = parse_report(young.archive.read("v1/reviews/2026-12/report.json"))
    assert review.insufficient and not any(each.kind == "unused_role" for each in review.findings)
    young.close()


@pytest.mark.parametrize("names", [False, True])
def test_names_are_asked_for_and_stored_only_where_that_was_chosen(names: bool) -> None:
    house = ReviewHouse(settings=ReviewSettings(names=names))
    house.clock.now = FIRST
    house.start()
    house.directory.hire(1, "Pii.Analyst", state="disabled")
    make(house)
    assert house.directory.asked_for_names == [names]
    for name in ("report.json", "report.csv", "report.html"):
        assert (b"Name 1" in house.archive.read(f"v1/reviews/2026-12/{name}")) is names
    house.close()


def test_a_directory_that_gives_names_unasked_gives_them_to_nobody(house: ReviewHouse) -> None:
    make(house)
    assert b"Name 1" not in house.archive.read("v1/reviews/2026-12/report.json")


def test_storage_that_fails_is_a_recorded_failure(house: ReviewHouse) -> None:
    def script(method: str, at: str) -> Fault | None:
        return Fault(before=StoreUnavailable("away")) if method == "create" else None

    failing = house.start(FaultyStore(house.archive, script))
    with pytest.raises(StoreUnavailable):
        failing.reviewing.make_due()
    assert [each.code for each in house.of(ReviewFailedRecord)] == ["store_unavailable"]
    house.clock.advance(hours=2)
    assert make(house).review_id == "2026-12b"


def test_with_reviews_off_none_is_made(house: ReviewHouse) -> None:
    off = replace(house.processes[0].reviewing, is_on=False)
    assert off.make_due() is None and off.look_after() is None
    assert house.of(ReviewRecord) == []


# --- escalation ---------------------------------------------------------------------------------------


def test_levels_begin_when_the_time_is_over_and_rise_each_week() -> None:
    assert [level_at(FIRST, FIRST + timedelta(days=days)) for days in (-1, 0, 6, 7, 13, 14)] == [
        0,
        1,
        1,
        2,
        2,
        3,
    ]
    assert level_at(FIRST, FIRST + timedelta(days=100_000)) == 52


def test_undecided_findings_escalate_once_a_week(house: ReviewHouse) -> None:
    record = make(house)
    total = sum(record.findings.values())
    for day in range(1, 29):
        house.clock.now = FIRST + timedelta(days=day, hours=1)
        house.processes[0].reviewing.look_after()
    said = house.of(ReviewOverdueRecord)
    assert [(each.level, each.undecided) for each in said] == [(1, total), (2, total), (3, total)]
    assert [parse_time(each.time).day for each in said] == [15, 22, 29]
    assert all(each.decide_by == record.decide_by for each in said)
    house.clock.advance(hours=1)
    assert house.verify().findings == ()


def test_two_timers_at_once_escalate_once(house: ReviewHouse) -> None:
    make(house)
    house.start()
    house.clock.now = FIRST + timedelta(days=15)
    barrier = Barrier(2)

    def run(process: int) -> None:
        barrier.wait()
        house.processes[process].reviewing.look_after()

    threads = [Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.level for each in house.of(ReviewOverdueRecord)] == [1]


def test_a_review_that_cannot_be_made_does_not_hide_one_that_is_overdue(house: ReviewHouse) -> None:
    make(house)
    house.clock.now = datetime(2027, 1, 2, 6, tzinfo=UTC)
    house.directory.away = True
    with pytest.raises(DirectoryUnavailable):
        house.processes[0].reviewing.look_after()
    assert [each.level for each in house.of(ReviewOverdueRecord)] == [3]


def test_an_altered_report_does_not_stop_the_escalation(house: ReviewHouse) -> None:
    """How much is undecided is known from the ledger alone."""
    make(house)
    house.archive.tamper_delete("v1/reviews/2026-12/report.json")
    house.clock.now = FIRST + timedelta(days=15)
    house.processes[0].reviewing.look_after()
    assert [each.level for each in house.of(ReviewOverdueRecord)] == [1]


def test_a_planted_claim_silences_one_level_and_a_verifier_sees_it(house: ReviewHouse) -> None:
    """Who can write objects can keep one week's escalation quiet, not the next one, and not unseen."""
    make(house)
    house.clock.now = FIRST + timedelta(days=14, hours=1)
    planted = Claim(ClaimKind.OVERDUE, "2026-12-1", format_time(house.clock()), {"writer": "nobody"})
    house.store.create(claim_path(planted.kind, planted.key), planted.encode())
    assert house.processes[0].reviewing.look_after() is None
    house.clock.advance(days=7)
    house.processes[0].reviewing.look_after()
    assert [each.level for each in house.of(ReviewOverdueRecord)] == [2]
    house.clock.advance(hours=1)
    assert "side_unnamed" in {finding.kind.value for finding in house.verify().findings}


def test_a_report_says_what_its_schema_promises(house: ReviewHouse) -> None:
    make(house)
    report = json.loads(house.archive.read("v1/reviews/2026-12/report.json"))
    assert (report["v"], report["type"], report["id"]) == (1, "access_review", "2026-12")
