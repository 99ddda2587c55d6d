"""Deciding about findings: what is recorded, and what supersedes what."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from devstack.personas import PERSONAS, TENANT
from shared.records.canonical import format_time
from shared.review.page.document import Page
from shared.usecases.reviews.operations import REVIEWS
from tests.support.deciding import BECAUSE, FIRST, SECOND, decide, last_access, recorded, show
from tests.support.identities import NOW
from tests.support.reviewed import store_review
from tests.support.reviews import MADE, sample_review
from tests.support.services import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_a_decision_is_a_record_with_its_reviewer_and_the_report_that_was_judged(bench: Bench) -> None:
    store_review(bench)
    answer = decide(bench, FIRST)
    assert answer.status == 200, answer.body
    [record] = recorded(bench)
    assert (record.review_id, record.finding_id, record.choice) == ("2026-12", FIRST, "revoke")
    assert (record.who.tenant, record.who.principal) == (TENANT, PERSONAS["reviewer"].oid)
    assert record.justification == BECAUSE and record.where.address == "192.0.2.7"
    digest = bench.path.reviews.get("2026-12").digest
    assert record.report == digest == show(bench).body["digest"]
    assert answer.body["undecided"] == 27
    assert answer.body["decisions"][0]["state"] == "revoked"


def test_the_call_has_its_own_record_behind_those_of_its_decisions(bench: Bench) -> None:
    """Who decided is on the trail twice: as a caller of audit.review, and in each decision."""
    store_review(bench)
    decide(bench, FIRST, SECOND)
    access = last_access(bench)
    assert access.what.operation == "audit.review" and access.decision.role == "Audit.Reviewer"
    assert [each.request_id for each in recorded(bench)] == [access.request_id] * 2


def test_every_choice_leads_to_its_state(bench: Bench) -> None:
    store_review(bench)
    until = format_time(NOW + timedelta(days=30))
    findings = [f"f-{number:016x}" for number in range(3)]
    choices: list[dict[str, Any]] = [
        {"choice": "approve"},
        {"choice": "revoke"},
        {"choice": "defer", "defer_until": until},
    ]
    wanted = [
        {"finding": finding, "justification": BECAUSE, **choice}
        for finding, choice in zip(findings, choices, strict=True)
    ]
    assert decide(bench, *wanted).status == 200
    stood = show(bench).body["decisions"]
    assert [stood[finding]["state"] for finding in findings] == ["approved", "revoked", "deferred"]
    assert stood[findings[2]]["defer_until"] == until
    assert stood[f"f-{5:016x}"] == {"state": "undecided"}


def test_a_later_decision_supersedes_and_both_are_recorded(bench: Bench) -> None:
    store_review(bench)
    before = decide(bench, FIRST).body["decisions"][0]["record"]
    wanted = {"finding": FIRST, "choice": "approve", "justification": BECAUSE, "replaces": before}
    assert decide(bench, wanted).status == 200
    stood = show(bench).body["decisions"][FIRST]
    assert (stood["state"], stood["superseded"]) == ("approved", 1)
    assert [each.choice for each in recorded(bench)] == ["revoke", "approve"]


def test_a_clock_that_runs_behind_does_not_undo_a_later_decision(bench: Bench) -> None:
    """What is superseded was seen by who superseded it, so it is earlier, whatever clocks say."""
    store_review(bench)
    before = decide(bench, FIRST).body["decisions"][0]["record"]
    bench.now -= timedelta(seconds=30)
    wanted = {"finding": FIRST, "choice": "approve", "justification": BECAUSE, "replaces": before}
    assert decide(bench, wanted).body["decisions"][0]["state"] == "approved"
    revoked, approved = recorded(bench)
    assert approved.time > revoked.time


def test_a_deferred_finding_is_undecided_again_after_its_date(bench: Bench) -> None:
    store_review(bench)
    until = NOW + timedelta(days=10)
    decide(
        bench,
        {"finding": FIRST, "choice": "defer", "justification": BECAUSE, "defer_until": format_time(until)},
    )
    review = bench.path.reviews.report(bench.path.reviews.get("2026-12"))
    before = bench.path.reviews.stand(review, until - timedelta(seconds=1))[FIRST]
    after = bench.path.reviews.stand(review, until)[FIRST]
    assert (before.state, after.state) == ("deferred", "undecided")


def test_who_carried_a_revocation_out_says_so(bench: Bench) -> None:
    store_review(bench)
    revoked = decide(bench, FIRST).body["decisions"][0]["record"]
    applied = {
        "finding": FIRST,
        "choice": "applied",
        "justification": "az rest, done today",
        "replaces": revoked,
    }
    assert decide(bench, applied).body["decisions"][0]["state"] == "applied"


@pytest.mark.parametrize("first", [None, "approve"])
def test_only_what_was_revoked_can_be_applied(bench: Bench, first: str | None) -> None:
    store_review(bench)
    wanted = {"finding": FIRST, "choice": "applied", "justification": BECAUSE}
    if first is not None:
        before = decide(bench, {"finding": FIRST, "choice": first, "justification": BECAUSE})
        wanted["replaces"] = before.body["decisions"][0]["record"]
    count = len(recorded(bench))
    assert decide(bench, wanted).status == 422
    assert len(recorded(bench)) == count


def test_the_list_says_how_much_is_undecided(bench: Bench) -> None:
    store_review(bench)
    store_review(bench, sample_review(3, 3, id="2027-01", made_at=MADE + timedelta(days=31)))
    decide(bench, FIRST, SECOND)
    answer = asyncio.run(bench.call(REVIEWS, persona="reviewer"))
    assert [(each["review_id"], each["undecided"]) for each in answer.body["reviews"]] == [
        ("2027-01", 3),
        ("2026-12", 26),
    ]


def test_a_review_is_a_page_for_who_asks_for_html(bench: Bench) -> None:
    """With how its findings stand now, which the archived page cannot know."""
    store_review(bench)
    decide(bench, FIRST)
    page = show(bench, accept="text/html,application/xhtml+xml").body
    assert isinstance(page, Page)
    assert BECAUSE.split(",")[0] in page.html and PERSONAS["reviewer"].oid in page.html
