"""The audit routes' questions: stable pages, filters, proofs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import InputError, ObjectMissing
from shared.ledger.evidence import verify_evidence
from shared.ledger.notes import parse_note
from shared.usecases.questions import Filter, Questions
from tests.support.ledgers import LOG, START, ULIDS, SmallLedger, small_ledger


def questions(ledger: SmallLedger) -> Questions:
    return Questions(ledger.store, LOG, ledger.keys)


def everything(ask: Questions, wanted: Filter, limit: int, after_page: object = None) -> list[str]:
    """All pages, one after the other."""
    names: list[str] = []
    cursor = None
    while True:
        page = ask.page(wanted, limit, cursor)
        names += [record.name for record in page.records]
        assert len(page.records) <= limit
        if callable(after_page):
            after_page()
        if page.cursor is None:
            return names
        cursor = page.cursor


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 13, 100])
def test_pages_hold_every_record_once(limit: int) -> None:
    """Whatever the page's length."""
    names = everything(questions(small_ledger()), Filter(), limit)
    assert len(names) == len(set(names)) == 13


def test_pages_are_stable_while_the_log_grows() -> None:
    """Records that come between two pages move nothing: no name twice, none left out."""
    ledger = small_ledger()
    before = everything(questions(ledger), Filter(), 100)
    grown: list[int] = []

    def grow() -> None:
        if len(grown) < 6:
            grown.append(1)
            ledger.writers[1].access(1)
            ledger.writers[2].access(2)

    names = everything(questions(ledger), Filter(), 2, grow)
    assert len(names) == len(set(names))
    assert set(before) <= set(names)


def test_filters() -> None:
    """Time, caller, operation, outcome, entity."""
    ask = questions(small_ledger())
    access = everything(ask, Filter(operation="pii.analyze"), 100)
    assert len(access) == 9
    denied = everything(ask, Filter(outcome="denied"), 100)
    allowed = everything(ask, Filter(outcome="allowed"), 100)
    assert (len(denied), len(allowed)) == (1, 8)
    assert everything(ask, Filter(outcome="failed"), 100) == []
    assert everything(ask, Filter(caller="p-1"), 100)
    assert everything(ask, Filter(caller="nobody"), 100) == []
    assert len(everything(ask, Filter(entity="PERSON"), 100)) == 9
    assert everything(ask, Filter(entity="IBAN_CODE"), 100) == []
    middle = START + timedelta(seconds=12)
    early = everything(ask, Filter(until=middle), 100)
    late = everything(ask, Filter(since=middle), 100)
    assert sorted(early + late) == sorted(everything(ask, Filter(), 100))
    assert early
    assert late


def test_one_record_and_its_proof() -> None:
    """By name; what is not there is None, or missing."""
    ledger = small_ledger()
    ask = questions(ledger)
    record = ask.record(f"{ULIDS[1]}/2")
    assert record is not None
    assert record.fields["seq"] == 2
    assert ask.record(f"{ULIDS[1]}/99") is None
    proven = verify_evidence(ask.proof(f"{ULIDS[1]}/2"), LOG, ledger.keys)
    assert proven.fields == record.fields
    assert proven.sealed is not None
    with pytest.raises(ObjectMissing):
        ask.proof(f"{ULIDS[1]}/99")
    assert parse_note(ask.checkpoint()).text.split("\n")[1] == "8"


@pytest.mark.parametrize(
    "name", ["", "x", "x/1", f"{ULIDS[0]}/", f"{ULIDS[0]}/-1", f"{ULIDS[0]}/01", "../../x/1"]
)
def test_bad_names_are_the_callers_fault(name: str) -> None:
    """Nothing but a ULID and a number reaches storage."""
    with pytest.raises(InputError):
        questions(small_ledger()).record(name)


@pytest.mark.parametrize("cursor", ["", "!", "AAAA", "x" * 1000, "Li4vLi4"])
def test_bad_cursors_are_the_callers_fault(cursor: str) -> None:
    """So are cursors that no page gave, and limits out of range."""
    ask = questions(small_ledger())
    with pytest.raises(InputError):
        ask.page(Filter(), 10, cursor)
    for limit in (0, -1, 1001):
        with pytest.raises(InputError):
            ask.page(Filter(), limit)
