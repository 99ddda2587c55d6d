"""What holds for every finding, and what a review leaves unsaid."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.review.directory import Unknown
from shared.review.findings import RISKS, FindingKind, Review
from shared.review.options import ReviewOptions
from shared.review.reviewing import review_access
from shared.review.stating import finding_id
from shared.review.weights import KIND_WEIGHTS, PERMISSION_WEIGHTS, rate_score, weigh
from tests.support.organisation import NOW, START, TENANT, Fields, Organisation
from tests.support.organisation_decoys import make_organisation
from tests.support.organisation_policy import DECRYPT, ENCRYPT, PLAIN, REDACT, analyze
from tests.support.organisation_review import WINDOW, gather_usage, review_organisation

type Made = tuple[Organisation, list[tuple[str, int, Fields]], Review]
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def made() -> Made:
    """One organisation with its review."""
    organisation = make_organisation(5)
    records = list(organisation.stream())
    return organisation, records, review_organisation(organisation, records)


def review_of(organisation: Organisation, **directory: object) -> Review:
    """The review of a small organisation, with parts of its directory replaced."""
    records = list(organisation.stream())
    return review_access(
        replace(organisation.directory(), **directory),  # type: ignore[arg-type]
        organisation.view,
        replace(gather_usage(organisation, records), first=START),
        WINDOW,
        log="log",
        review_id="2026-11",
        made_at=NOW,
    )


def kinds(review: Review) -> set[FindingKind]:
    """Which kinds were found, those of roles that nobody holds aside: a small organisation has many."""
    return {finding.kind for finding in review.findings} - {"role_unheld"}


def test_evidence_names_records_that_are_there(made: Made) -> None:
    """Each name is of a record that names the principal, newest first, and not more than were counted."""
    _, records, review = made
    at = {f"{writer}/{index}": fields for writer, index, fields in records}
    for finding in review.findings:
        times = [at[name]["time"] for name in finding.evidence]
        assert times == sorted(times, reverse=True)
        assert len(finding.evidence) == min(finding.evidence_count, len(finding.evidence)) <= 20
        if finding.principal is not None:
            who = {at[name]["who"]["principal"] for name in finding.evidence}
            assert who <= {finding.principal[1]}
    assert {finding.kind for finding in review.findings if finding.evidence} >= {
        kind for kind in KIND_WEIGHTS if kind.startswith(("unusual", "break", "misused", "over"))
    }


def test_findings_carry_ids_and_no_personal_data(made: Made) -> None:
    """No name, no address, no ticket, no justification: words of ours, role names, ids and numbers."""
    organisation, records, review = made
    named = replace(
        organisation.directory(),
        principals={
            key: replace(each, name=f"Nora Quist {key[1]}") for key, each in organisation.principals.items()
        },
    )
    usage = gather_usage(organisation, records)
    again = review_access(
        named, organisation.view, usage, WINDOW, log="log", review_id="2026-11", made_at=NOW
    )
    assert again.findings == review.findings
    for finding in again.findings:
        text = f"{finding.explanation} {finding.proposal} {finding.patch}"
        for private in ("Quist", "198.51", "192.0", "203.0", "INC-", "on fire", TENANT):
            assert private not in text
        if finding.principal is not None:
            assert finding.principal[1] not in text


def test_each_explanation_is_one_sentence_with_a_number(made: Made) -> None:
    """Short enough to be read in a table."""
    for finding in made[2].findings:
        assert finding.explanation.endswith("."), finding.explanation
        assert ". " not in finding.explanation, finding.explanation
        assert re.search(r"\d", GUID.sub("", finding.explanation)), finding.explanation
        assert len(GUID.sub("", finding.explanation)) < 330, finding.explanation


def test_ids_are_stable_and_unique(made: Made) -> None:
    """The same matter has the same id in the next review, and no two matters share one."""
    organisation, records, review = made
    later = review_organisation(organisation, records, ReviewOptions(refusals_min=10))
    ids = {finding.id: (finding.kind, finding.principal, finding.role) for finding in review.findings}
    assert len(ids) == len(review.findings)
    after = {finding.id: (finding.kind, finding.principal, finding.role) for finding in later.findings}
    assert all(after[name] == about for name, about in ids.items())
    assert finding_id("unused_role", ("t", "p"), "R") == "f-5b4e8be415a5a0f0"


def test_scores_and_risks_follow_the_tables(made: Made) -> None:
    """Re-identification is the heaviest thing that a matter can be about."""
    for finding in made[2].findings:
        assert KIND_WEIGHTS[finding.kind] <= finding.score <= 100
        assert finding.risk == rate_score(finding.score)
    assert max(PERMISSION_WEIGHTS, key=lambda name: PERMISSION_WEIGHTS[name]) == "pii.deanonymize"
    assert [rate_score(score) for score in (100, 80, 79, 55, 54, 30, 29, 0)] == [
        *("critical", "critical", "high", "high", "medium", "medium", "low", "low")
    ]
    assert weigh("orphaned_principal", ["audit.read", "pii.deanonymize"]) == 95


def test_rows_are_of_all_who_hold_or_call_and_the_riskiest_come_first(made: Made) -> None:
    """Somebody whose roles are gone has a row, too, without a finding for that."""
    organisation, records, review = made
    holders = {grant.principal for grant in organisation.grants}
    callers = {fields["who"]["principal"] for _, _, fields in records if "who" in fields}
    assert {row.key for row in review.rows} >= holders
    assert {row.key[1] for row in review.rows} == {key[1] for key in holders} | callers
    order = [RISKS.index(row.risk) if row.risk else -1 for row in review.rows]
    assert order == sorted(order, reverse=True)
    by_id = {finding.id: finding for finding in review.findings}
    for row in review.rows:
        assert all(by_id[name].principal == row.key for name in row.findings)
        assert row.risk == max((by_id[name].risk for name in row.findings), key=RISKS.index, default=None)


def test_a_revocation_through_a_group_leaves_the_group_alone(made: Made) -> None:
    """Deleting a group's assignment would take the role from all members: it is in no finding's list."""
    organisation, _, review = made
    of_groups = {grant.assignment for grant in organisation.grants if grant.group is not None}
    for finding in review.findings:
        assert not of_groups & set(finding.assignments)
    grouped = [finding for finding in review.findings if finding.groups and finding.action == "revoke"]
    assert grouped
    assert all("take it out of the group" in finding.proposal for finding in grouped)


def test_too_little_history_is_a_verdict_of_its_own() -> None:
    """A young grant, no date, and a young ledger: listed with the reason, and not judged."""
    organisation = Organisation(1)
    young, undated, old = (organisation.person(sign_ins_known=True) for _ in range(3))
    organisation.grant(young, "Audit.Reader", 89)
    organisation.grant(undated, "Audit.Reader", None)
    organisation.grant(old, "Audit.Reader", 90)
    review = review_of(organisation)
    assert {
        item.principal: (item.days_seen, item.days_needed, item.reason) for item in review.insufficient
    } == {
        young: (89, 90, "grant"),
        undated: (0, 90, "since_unknown"),
    }
    assert [finding.principal for finding in review.findings if finding.kind == "dormant_principal"] == [old]
    usage = replace(gather_usage(organisation, []), first=NOW - timedelta(days=40))
    short = review_access(
        organisation.directory(), organisation.view, usage, WINDOW, log="l", review_id="r", made_at=NOW
    )
    assert {item.principal: (item.days_seen, item.reason) for item in short.insufficient} == {
        young: (40, "ledger"),
        undated: (0, "since_unknown"),
        old: (40, "ledger"),
    }
    assert kinds(short) == set()


@pytest.mark.parametrize("code", ["assignments", "group_members"])
def test_a_role_is_not_called_unheld_where_grants_may_be_missing(code: str) -> None:
    """Absence proves nothing in a part that could not be read; the review says which part."""
    organisation = Organisation(1)
    missing = (Unknown(code, "", "GroupMember.Read.All is not granted"),)
    review = review_of(organisation, unknown=missing)
    assert not review.findings
    assert review.unknown == missing
    assert len(review_of(organisation).findings) == len(organisation.policy.roles)


def test_a_principal_that_the_directory_does_not_tell_of_is_no_orphan() -> None:
    """Its grant is there, and nothing is known of it: nothing is said of it but that its role is unused."""
    organisation = Organisation(1)
    lost = (TENANT, "11111111-2222-3333-4444-555555555555")
    organisation.grant(lost, "Audit.Reader")
    review = review_of(organisation, principals={})
    assert kinds(review) == {"unused_role"}
    assert [(row.key, row.state) for row in review.rows] == [(lost, "unknown")]


def test_proposals_name_the_narrower_role_or_the_patch() -> None:
    """Another role where one covers all use, else the fields that change; a role's own excess is put once."""
    organisation = Organisation(1)
    for role, shapes in (
        ("Case.Reidentifier", (ENCRYPT,)),
        ("Desk.Redactor", (REDACT,)),
        ("Desk.Analyst", (analyze("CREDIT_CARD", CREDIT_CARD=1),)),
    ):
        key = organisation.person()
        organisation.grant(key, role)
        organisation.work(key, role, shapes=shapes)
    for shapes in ((REDACT,), (PLAIN,)):
        tester = organisation.person()
        organisation.grant(tester, "Lab.Tester")
        organisation.work(tester, "Lab.Tester", shapes=shapes)
    found = {
        finding.role: finding
        for finding in review_of(organisation).findings
        if finding.kind == "over_permissive" and (finding.role != "Lab.Tester" or finding.principal is None)
    }
    assert found["Case.Reidentifier"].proposal.startswith(
        "Assign Case.Encryptor instead of Case.Reidentifier"
    )
    assert found["Case.Reidentifier"].risk == "high"
    assert found["Case.Reidentifier"].patch is None
    assert found["Desk.Redactor"].patch == {"permissions": ["pii.redact"], "operators": ["replace"]}
    assert found["Desk.Analyst"].patch == {"entities": ["CREDIT_CARD"]}
    assert found["Lab.Tester"].patch == {"operators": ["replace"]}
    assert "nobody needed 3 of 4 operators (hash, keep, mask)" in found["Lab.Tester"].explanation


def test_a_person_who_is_disabled_is_one_matter() -> None:
    """Whatever else could be said of it goes away with its roles."""
    organisation = Organisation(1)
    gone = organisation.person(state="disabled", sign_ins_known=True)
    for role in ("Case.Reidentifier", "Audit.Reviewer", "Desk.Reader"):
        organisation.grant(gone, role)
    organisation.work(gone, "Case.Reidentifier", shapes=(DECRYPT,))
    review = review_of(organisation)
    assert kinds(review) == {"orphaned_principal"}
    (finding,) = [one for one in review.findings if one.kind == "orphaned_principal"]
    assert finding.risk == "critical"
    assert len(finding.assignments) == 3
    assert not review.insufficient
