"""How one would cheat a sign-off: oneself, replays, altered reports, planted claims, two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from devstack.personas import PERSONAS, TENANT
from shared.ledger.sideobjects import Claim, ClaimKind, decision_key
from shared.records.canonical import format_time, sha256_hex
from shared.review.page.document import Page
from shared.review.report_json import render_json
from shared.usecases.calls import Answer
from shared.usecases.reviews.operations import DECIDE, REVIEWS
from tests.support.deciding import BECAUSE, FIRST, SECOND, decide, last_access, recorded, show
from tests.support.identities import NOW
from tests.support.reviewed import store_review
from tests.support.reviews import sample_finding, sample_review
from tests.support.services import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def own_review(bench: Bench) -> None:
    """A review in which one finding is about the reviewer."""
    about_me = sample_finding(1, principal=(TENANT, PERSONAS["reviewer"].oid))
    store_review(bench, sample_review(0, 3, findings=(sample_finding(0), about_me)))


def test_nobody_decides_about_themselves(bench: Bench) -> None:
    """Refused with its reason, and with it the whole batch: nothing of it is recorded."""
    own_review(bench)
    answer = decide(bench, FIRST, SECOND)
    assert (answer.status, answer.body["code"]) == (403, "insufficient_scope")
    assert recorded(bench) == []
    assert last_access(bench).decision.reason == "self_review"
    assert decide(bench, FIRST).status == 200


@pytest.mark.parametrize("choice", ["approve", "revoke", "applied"])
def test_no_choice_lets_anybody_decide_about_themselves(bench: Bench, choice: str) -> None:
    own_review(bench)
    assert decide(bench, {"finding": SECOND, "choice": choice, "justification": BECAUSE}).status == 403


@pytest.mark.parametrize("persona", ["auditor", "engineer", "operator", "nobody", "pipeline", "approver"])
def test_without_the_permission_nothing_is_shown_or_decided(bench: Bench, persona: str) -> None:
    """To read the trail is not to review access."""
    store_review(bench)
    assert decide(bench, FIRST, persona=persona).status == 403
    assert show(bench, persona=persona).status == 403
    assert asyncio.run(bench.call(REVIEWS, persona=persona)).status == 403
    assert recorded(bench) == []


def test_a_finding_of_another_review_is_unknown_in_this_one(bench: Bench) -> None:
    store_review(bench)
    store_review(bench, sample_review(0, 3, id="2026-11", findings=(sample_finding(999),)))
    answer = decide(bench, f"f-{999:016x}")
    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert decide(bench, f"f-{999:016x}", review="2026-11").status == 200


@pytest.mark.parametrize(
    "review", ["", "2026-13", "../2026-12", "2026-12/", "a" * 200, "2026-12%2F", "2026-12b", "\u202e"]
)
def test_an_unknown_review_is_not_found(bench: Bench, review: str) -> None:
    store_review(bench)
    assert decide(bench, FIRST, review=review).status == 404
    assert show(bench, review).status == 404


def test_one_bad_decision_stops_the_whole_batch_before_the_first_record(bench: Bench) -> None:
    store_review(bench)
    assert decide(bench, FIRST, "f-unknown").status == 404
    assert (
        decide(bench, FIRST, {"finding": SECOND, "choice": "revoke", "justification": "short"}).status == 400
    )
    assert recorded(bench) == []
    assert show(bench).body["undecided"] == 28


def test_a_replayed_request_changes_nothing(bench: Bench) -> None:
    """The same bytes again, after somebody else has decided otherwise: they replace nothing that stands."""
    store_review(bench)
    revoked = decide(bench, FIRST).body["decisions"][0]["record"]
    approve = {"finding": FIRST, "choice": "approve", "justification": BECAUSE, "replaces": revoked}
    assert decide(bench, approve).status == 200
    for again in (FIRST, approve):
        answer = decide(bench, again)
        assert (answer.status, answer.body["code"]) == (422, "unprocessable")
    assert show(bench).body["decisions"][FIRST]["state"] == "approved"
    assert len(recorded(bench)) == 2


def test_an_altered_report_in_the_archive_is_not_judged(bench: Bench) -> None:
    """The archive's bytes are believed with the digest of the ledger's record alone."""
    store_review(bench)
    lenient = sample_review(0, 0)
    bench.archive.tamper_replace("v1/reviews/2026-12/report.json", render_json(lenient))
    for answer in (decide(bench, FIRST), show(bench)):
        assert (answer.status, answer.body["code"]) == (500, "review_malformed")
    assert recorded(bench) == []


def test_a_report_that_is_gone_is_not_judged(bench: Bench) -> None:
    store_review(bench)
    bench.archive.tamper_delete("v1/reviews/2026-12/report.json")
    assert decide(bench, FIRST).body["code"] == "review_malformed"


def test_a_record_that_names_another_report_is_found_out(bench: Bench) -> None:
    store_review(bench, reports={"report.json": "00" * 32})
    assert decide(bench, FIRST).body["code"] == "review_malformed"


def test_a_report_of_another_review_under_this_name_is_found_out(bench: Bench) -> None:
    """Bytes, digest and record fit together, and the report says that it is another review."""
    other = sample_review(id="2026-11")
    store_review(bench, reports={"report.json": sha256_hex(render_json(other))})
    bench.archive.tamper_replace("v1/reviews/2026-12/report.json", render_json(other))
    assert decide(bench, FIRST).body["code"] == "review_malformed"


def test_a_claim_without_a_record_is_no_review(bench: Bench) -> None:
    """Somebody who can write objects and cannot write records makes no review of it."""
    made = sample_review()
    store_review(bench, made, review_id="2026-11")
    assert decide(bench, FIRST).status == 404


INJECTIONS = (
    "'; DROP TABLE findings; --  and more",
    "<script>alert(document.cookie)</script>",
    '{"choice": "approve", "justification": "x"}',
    '=HYPERLINK("http://evil.example")',
    "{{7*7}} ${7*7} %s %n and more of it",
)


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_justification_is_kept_as_it_is_and_obeyed_nowhere(bench: Bench, text: str) -> None:
    store_review(bench)
    assert decide(bench, {"finding": FIRST, "choice": "approve", "justification": text}).status == 200
    assert show(bench).body["decisions"][FIRST]["justification"] == text
    page = show(bench, accept="text/html").body
    assert isinstance(page, Page) and page.html.count("<script>") == 1


BAD = (
    {"justification": "too short"},
    {"justification": "x" * 501},
    {"justification": "two lines\nof justification"},
    {"justification": "looks\u202elike something else"},
    {"justification": " " * 20},
    {"justification": None},
    {"justification": 4711},
    {"choice": "delete"},
    {"choice": ["approve"]},
    {"choice": None},
    {"finding": ""},
    {"finding": "f" * 65},
    {"finding": {"$ne": None}},
    {"defer_until": "2026-12-24T00:00:00Z"},
    {"choice": "defer"},
    {"choice": "defer", "defer_until": "soon"},
    {"choice": "defer", "defer_until": 1798761600},
    {"choice": "defer", "defer_until": format_time(NOW)},
    {"choice": "defer", "defer_until": format_time(NOW - timedelta(days=1))},
    {"choice": "defer", "defer_until": format_time(NOW + timedelta(days=90, seconds=1))},
    {"choice": "defer", "defer_until": "9999-12-31T23:59:59-14:00"},
    {"choice": "defer", "defer_until": "0001-01-01T00:00:00+14:00"},
    {"replaces": 3},
    {"extra": True},
)


@pytest.mark.parametrize("change", BAD, ids=lambda change: str(change)[:60])
def test_what_is_not_a_decision_is_refused(bench: Bench, change: dict[str, Any]) -> None:
    store_review(bench)
    wanted = {"finding": FIRST, "choice": "approve", "justification": BECAUSE, **change}
    answer = decide(bench, wanted)
    assert answer.status == 400, answer.body
    assert "decisions[0]" in answer.body["error"]
    assert recorded(bench) == []


@pytest.mark.parametrize(
    "body", [[], {}, {"decisions": {}}, {"decisions": []}, {"decisions": [1]}, {"decisions": [None]}]
)
def test_what_is_no_batch_is_refused(bench: Bench, body: Any) -> None:
    store_review(bench)
    assert asyncio.run(bench.call(DECIDE, body, persona="reviewer", params={"id": "2026-12"})).status == 400


def test_a_finding_stands_once_in_a_batch_and_a_batch_has_an_end(bench: Bench) -> None:
    store_review(bench, sample_review(250, 9))
    assert decide(bench, FIRST, FIRST).status == 400
    assert decide(bench, *[f"f-{number:016x}" for number in range(201)]).status == 413
    assert recorded(bench) == []


def test_two_hundred_decisions_in_one_call_are_two_hundred_records(bench: Bench) -> None:
    store_review(bench, sample_review(250, 9))
    answer = decide(bench, *[f"f-{number:016x}" for number in range(200)])
    assert answer.status == 200 and len(recorded(bench)) == 200 and answer.body["undecided"] == 50


def test_decisions_of_two_calls_at_once_are_both_kept(bench: Bench) -> None:
    """Neither hides the other: each call announces its own records."""
    store_review(bench)

    async def both() -> list[Answer]:
        wanted = [
            {"decisions": [{"finding": finding, "choice": "revoke", "justification": BECAUSE}]}
            for finding in (FIRST, SECOND)
        ]
        calls = [bench.call(DECIDE, body, persona="reviewer", params={"id": "2026-12"}) for body in wanted]
        return list(await asyncio.gather(*calls))

    assert [answer.status for answer in asyncio.run(both())] == [200, 200]
    stood = show(bench).body["decisions"]
    assert stood[FIRST]["state"] == stood[SECOND]["state"] == "revoked"


def test_a_decision_whose_process_died_before_the_index_does_not_exist_twice(bench: Bench) -> None:
    """The announcement comes first: without records nothing stands, and the next call is served."""
    store_review(bench)
    reviews = bench.path.reviews
    claim = Claim(
        ClaimKind.DECISION,
        decision_key("2026-12", "DIED"),
        format_time(NOW),
        {"writer": reviews.service.writer, "decisions": 1},
    )
    assert reviews.claims.make(claim)
    assert show(bench).body["undecided"] == 28
    assert decide(bench, FIRST).status == 200


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b"x" * 5_000])
def test_a_planted_announcement_hides_no_decision_and_stops_nobody(bench: Bench, data: bytes) -> None:
    store_review(bench)
    assert decide(bench, FIRST).status == 200
    bench.store.create(f"v1/once/decision/{decision_key('2026-12', 'PLANTED')}.json", data)
    assert show(bench).body["decisions"][FIRST]["state"] == "revoked"
    assert decide(bench, SECOND).status == 200


def test_a_foreign_tenants_principal_of_the_same_id_is_somebody_else(bench: Bench) -> None:
    """The key of a person is tenant and object id together."""
    about = sample_finding(1, principal=("0e9f8d7c-6b5a-4c3d-9e2f-1a0b9c8d7e6f", PERSONAS["reviewer"].oid))
    store_review(bench, sample_review(0, 3, findings=(about,)))
    assert decide(bench, SECOND).status == 200


def test_what_is_wrong_with_the_evidence_is_said_with_every_review(bench: Bench) -> None:
    review = sample_review()
    window = replace(review.window, verdict="findings", verification={"record_modified": 1})
    store_review(bench, replace(review, window=window))
    assert show(bench).body["report"]["window"]["verdict"] == "findings"
