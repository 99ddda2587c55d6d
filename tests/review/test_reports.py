"""The reports of a review as JSON and CSV, and how findings stand after decisions."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from shared.errors import MalformedReview
from shared.records.canonical import canonical_bytes
from shared.review.report_csv import guard_cell, render_findings_csv, render_principals_csv
from shared.review.report_json import parse_report, render_json, report_schema
from shared.review.standing import Choice, Decision, stand_findings
from tests.support.reviews import MADE, principal, sample_finding, sample_review

SCHEMA = Path(__file__).parents[2] / "docs" / "access-review.schema.json"


def test_a_review_survives_its_json() -> None:
    review = sample_review()
    assert parse_report(render_json(review)) == review


def test_the_same_review_has_the_same_bytes() -> None:
    """Canonical (RFC 8785): what is digested in the ledger can be made again."""
    data = render_json(sample_review())
    assert data == render_json(sample_review()) == canonical_bytes(json.loads(data))


def test_a_report_is_as_its_published_schema_says() -> None:
    """`docs/access-review.schema.json` is the contract; version 1 changes only by additions."""
    assert json.loads(SCHEMA.read_text("utf-8")) == report_schema()
    jsonschema.validate(json.loads(render_json(sample_review())), report_schema())


def test_fields_of_a_later_version_one_are_passed_over() -> None:
    fields = json.loads(render_json(sample_review()))
    assert parse_report(json.dumps({**fields, "later": 1}).encode()) == sample_review()


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"\xff", b"[" * 100_000, b'{"v":2,"type":"access_review"}', b'{"v":1,"type":"other"}',
     b'{"v":1,"type":"access_review"}'],
    ids=["empty", "list", "not-utf8", "nested", "version", "type", "fields"],
)  # fmt: skip
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedReview):
        parse_report(data)


def test_a_refusal_quotes_nothing() -> None:
    fields = json.loads(render_json(sample_review()))
    fields["made_at"] = "secret-value"
    with pytest.raises(MalformedReview) as caught:
        parse_report(json.dumps(fields).encode())
    assert "made_at" in caught.value.message and "secret" not in caught.value.message


def _rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_csv_has_a_row_a_finding_and_a_row_a_principal() -> None:
    review = sample_review()
    findings, principals = _rows(render_findings_csv(review)), _rows(render_principals_csv(review))
    assert {row["finding"] for row in findings} == {each.id for each in review.findings}
    assert {(row["tenant"], row["principal"]) for row in principals} == {each.key for each in review.rows}
    by_id = {row["finding"]: row for row in findings}
    for each in review.findings:
        row = by_id[each.id]
        assert row["evidence"].split() == list(each.evidence)
        assert (row["risk"], row["kind"], row["explanation"]) == (each.risk, each.kind, each.explanation)


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "|", "%", " =", "＝", "＋", "－", "＠"]
)
def test_no_cell_is_a_formula(start: str) -> None:
    """OWASP, CSV injection: `=cmd|' /C calc'!A0` as a name stays a name."""
    evil = f"{start}cmd|' /C calc'!A0"
    finding = sample_finding(1, explanation=evil, proposal=evil, role=evil, evidence=(evil,))
    row = replace(sample_review(0, 2).rows[1], name=evil, roles=(evil,), state=evil)
    review = sample_review(0, 0, findings=(finding,), rows=(row,))
    for data in (render_findings_csv(review), render_principals_csv(review)):
        [cells] = _rows(data)
        assert not any(cell.lstrip(" ").startswith(start.strip(" ")) for cell in cells.values())
        assert any(evil in cell for cell in cells.values())


def test_numbers_stay_numbers_and_quotes_stay_inside_their_cell() -> None:
    assert guard_cell(-3) == "-3" and guard_cell("-3") == "'-3"
    finding = sample_finding(1, explanation='a "b",c\r\nd')
    [row] = _rows(render_findings_csv(sample_review(0, 0, findings=(finding,))))
    assert row["explanation"] == 'a "b",c\r\nd'


def _decide(choice: Choice, day: int, finding: str = "f-1", until: int | None = None) -> Decision:
    return Decision(
        finding=finding,
        choice=choice,
        by=principal(1),
        justification="because",
        at=MADE + timedelta(days=day),
        record=f"W/{day}",
        defer_until=MADE + timedelta(days=until) if until is not None else None,
    )


def test_without_a_decision_a_finding_is_undecided() -> None:
    assert stand_findings(["f-1"], [_decide("approve", 1, "f-2")], MADE)["f-1"].is_open


def test_the_latest_decision_counts_whatever_order_they_come_in() -> None:
    decisions = [_decide("revoke", 2), _decide("approve", 1), _decide("approve", 3)]
    standing = stand_findings(["f-1"], decisions, MADE + timedelta(days=9))["f-1"]
    assert (standing.state, standing.superseded) == ("approved", 2)


def test_of_one_moment_the_later_place_in_the_log_counts() -> None:
    """Places are numbers: 10 comes after 9."""
    decisions = [replace(_decide("approve", 1), record="W/10"), replace(_decide("revoke", 1), record="W/9")]
    assert stand_findings(["f-1"], decisions, MADE + timedelta(days=2))["f-1"].state == "approved"


def test_a_deferred_finding_is_undecided_again_after_its_date() -> None:
    decisions = [_decide("defer", 1, until=10)]
    before, at = (stand_findings(["f-1"], decisions, MADE + timedelta(days=days))["f-1"] for days in (9, 10))
    assert (before.state, at.state) == ("deferred", "undecided")
    assert at.decision is not None and at.is_open


def test_a_deferral_without_a_date_is_none() -> None:
    assert stand_findings(["f-1"], [_decide("defer", 1)], MADE + timedelta(days=1))["f-1"].is_open


def test_applied_counts_only_upon_a_revocation() -> None:
    later = MADE + timedelta(days=9)
    assert stand_findings(["f-1"], [_decide("applied", 1)], later)["f-1"].state == "undecided"
    approved = [_decide("approve", 1), _decide("applied", 2)]
    assert stand_findings(["f-1"], approved, later)["f-1"].state == "approved"
    assert (
        stand_findings(["f-1"], [_decide("revoke", 1), _decide("applied", 2)], later)["f-1"].state
        == "applied"
    )
