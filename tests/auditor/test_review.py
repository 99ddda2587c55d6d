"""`auditor review …`: a review made offline, seen, decided and carried out from the command line."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from auditor.commands import review_carrying
from auditor.deleting import GraphDeletions
from auditor.errors import AuditorError
from devstack.personas import PERSONAS, TENANT
from shared.records.canonical import format_time
from shared.records.model import ReviewDecisionRecord
from shared.review.directory_json import parse_directory, render_directory
from shared.review.report_json import render_json
from tests.support.auditing import Run, run_command, write_objects
from tests.support.committers import SERVICE_KEY
from tests.support.html_reading import read_html
from tests.support.review_house import ReviewHouse
from tests.support.review_server import DeletingGraph, serving_graph, serving_reviews
from tests.support.reviewed import store_review
from tests.support.reviews import principal, sample_finding, sample_review
from tests.support.services import Bench
from tests.support.stores import MemoryStore

FIRST, SECOND = "f-0000000000000000", "f-0000000000000001"
BECAUSE = "Left the team in May, confirmed"
POLICY = Path(__file__).parents[2] / "config" / "policy.yaml"
APP = "b7c1d9e2-3f4a-4b5c-8d6e-7f8091a2b3c4"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The runner, where nothing but the test's own service helps it."""
    for name in (
        "AUDIT_STORAGE_CONNECTION_STRING",
        "AUDIT_STORAGE_ACCOUNT_URL",
        "TRUSTED_ISSUERS",
        "GRAPH_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEVSTACK_DIR", str(tmp_path / "no-cloud"))
    monkeypatch.setenv("AUDIT_TRUSTED_KEYS", SERVICE_KEY.vkey)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)
    return run_command


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    store_review(made)
    yield made
    made.close()


@pytest.fixture
def service(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a service; the reviewer's token is in the environment."""
    monkeypatch.setenv("AUDIT_TOKEN", bench.bearer("reviewer").removeprefix("Bearer "))
    with serving_reviews(bench) as address:
        monkeypatch.setenv("AUDIT_URL", address)
        yield address


def copy_of(folder: Path, *stores: MemoryStore) -> Path:
    """What a pull copies: the ledger, and what the archive alone has."""
    return write_objects(
        folder, {item.path: store.read(item.path) for store in stores for item in store.list("")}
    )


def decided(bench: Bench) -> list[ReviewDecisionRecord]:
    return [each for each in bench.ledger.records if isinstance(each, ReviewDecisionRecord)]


# --- deciding through the service ---------------------------------------------------------------------


def test_a_reviewer_decides_and_sees_what_is_left(run: Run, bench: Bench, service: str) -> None:
    ran = run("review", "decide", "2026-12", FIRST, SECOND, "--revoke", "--because", BECAUSE)
    assert ran.code == 0 and f"{FIRST}  revoked" in ran.text and "26 findings are undecided" in ran.text
    assert [each.finding_id for each in decided(bench)] == [FIRST, SECOND]
    status = run("review", "status", "--url", service, "--json")
    assert status.code == 1 and status.json["undecided"] == 26
    by_id = {each["id"]: each for each in status.json["findings"]}
    assert by_id[FIRST]["state"] == "revoked" and by_id[FIRST]["by"]["principal"] == PERSONAS["reviewer"].oid


def test_a_decision_is_superseded_only_on_purpose(run: Run, bench: Bench, service: str) -> None:
    run("review", "decide", "2026-12", FIRST, "--revoke", "--because", BECAUSE)
    refused = run("review", "decide", "2026-12", FIRST, "--approve", "--because", BECAUSE)
    assert refused.code == 3 and "422" in refused.error and "replaces" in refused.error
    assert run("review", "decide", "2026-12", FIRST, "--approve", "--because", BECAUSE, "--replace").code == 0
    assert [each.choice for each in decided(bench)] == ["revoke", "approve"]


def test_many_decisions_come_from_a_file(run: Run, bench: Bench, service: str, tmp_path: Path) -> None:
    body = {
        "decisions": [
            {
                "finding": f"f-{number:016x}",
                "choice": "defer",
                "justification": BECAUSE,
                "defer_until": format_time(bench.now + timedelta(days=9)),
            }
            for number in range(5)
        ]
    }
    file = tmp_path / "decisions.json"
    file.write_text(json.dumps(body))
    assert run("review", "decide", "2026-12", "--from", file).code == 0
    assert len(decided(bench)) == 5


def test_the_services_refusal_is_the_commands(run: Run, bench: Bench, service: str) -> None:
    """Unknown finding, unknown review, a reader's token: one sentence, exit status 3, nothing recorded."""
    refusals = [
        run("review", "decide", "2026-12", "f-none", "--approve", "--because", BECAUSE),
        run("review", "decide", "2026-99", FIRST, "--approve", "--because", BECAUSE),
        run("review", "decide", "2026-12", FIRST, "--approve", "--because", "short"),
    ]
    assert [(each.code, each.error[20:24].strip()) for each in refusals] == [
        (3, "404:"),
        (3, "404:"),
        (3, "400:"),
    ]
    assert decided(bench) == []


@pytest.mark.parametrize(
    "options",
    [(), ("--approve",), ("--approve", "--revoke", "--because", BECAUSE), ("--because", BECAUSE)],
    ids=["nothing", "no-reason", "two-choices", "no-choice"],
)
def test_an_unclear_decision_is_not_sent(
    run: Run, bench: Bench, service: str, options: tuple[str, ...]
) -> None:
    assert run("review", "decide", "2026-12", FIRST, *options).code == 3
    assert decided(bench) == []


@pytest.mark.parametrize(
    "url", ["http://example.com", "ftp://127.0.0.1", "https://", "http://user@127.0.0.1"]
)
def test_a_token_goes_nowhere_unsafe(run: Run, service: str, url: str) -> None:
    ran = run("review", "decide", "2026-12", FIRST, "--approve", "--because", BECAUSE, "--url", url)
    assert ran.code == 3 and "--url" in ran.error


def test_the_page_is_written_with_names_that_stay_here(run: Run, service: str, tmp_path: Path) -> None:
    house = ReviewHouse()
    house.directory.hire(1, "Pii.Analyst")
    names = tmp_path / "directory.json"
    names.write_bytes(render_directory(house.directory.read(house.clock(), names=True)))
    assert run("review", "show", "--url", service, "--html", tmp_path / "p.html", "--names", names).code == 0
    page = read_html((tmp_path / "p.html").read_text("utf-8"))
    assert "Name 1" in page.text and len(page.all("article")) == 28


def test_a_service_that_lies_about_the_report_is_not_believed(
    run: Run, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report that is shown is the one that its digest names."""
    from auditor.calling import ServiceCalls

    honest = ServiceCalls.get

    def lie(self: ServiceCalls, path: str, accept: str = "application/json") -> Any:
        told = honest(self, path, accept)
        if "report" in told:
            told["report"]["findings"] = []
        return told

    monkeypatch.setattr(ServiceCalls, "get", lie)
    assert run("review", "show", "2026-12", "--url", service).code == 3


# --- from the evidence itself -------------------------------------------------------------------------


def test_the_same_standing_is_proven_from_a_copy(
    run: Run, bench: Bench, service: str, tmp_path: Path
) -> None:
    """Offline, with the public key alone: what the service says about decisions can be checked."""
    run("review", "decide", "2026-12", FIRST, "--revoke", "--because", BECAUSE)
    copy = copy_of(tmp_path / "copy", bench.store, bench.archive)
    offline = run("review", "status", "--in", copy, "--json").json
    online = run("review", "status", "--url", service, "--json").json
    for each in ("review", "record", "digest", "undecided", "findings"):
        assert offline[each] == online[each]


def test_an_altered_report_in_a_copy_is_refused(run: Run, bench: Bench, tmp_path: Path) -> None:
    copy = copy_of(tmp_path / "copy", bench.store, bench.archive)
    (copy / "v1/reviews/2026-12/report.json").write_bytes(render_json(sample_review(1, 1)))
    ran = run("review", "show", "--in", copy)
    assert ran.code == 3 and "not the one that the ledger names" in ran.error


def test_a_decision_that_was_changed_in_a_copy_does_not_count(
    run: Run, bench: Bench, service: str, tmp_path: Path
) -> None:
    """Its commit does not verify any more: the finding is undecided, and the verdict says why."""
    run("review", "decide", "2026-12", FIRST, "--revoke", "--because", BECAUSE)
    copy = copy_of(tmp_path / "copy", bench.store, bench.archive)
    for path in (copy / "v1").rglob("*"):
        if path.is_file() and b'"choice":"revoke"' in path.read_bytes():
            path.write_bytes(path.read_bytes().replace(b'"choice":"revoke"', b'"choice":"appeal"'))
    told = run("review", "status", "--in", copy, "--json").json
    assert told["undecided"] == 28 and told["verdict"].startswith("NOT INTACT")


# --- making one offline -------------------------------------------------------------------------------


@pytest.fixture
def house() -> Iterator[ReviewHouse]:
    """A hundred days of use that end now."""
    made = ReviewHouse()
    now = datetime.now(UTC)
    made.clock.now = now - timedelta(days=100)
    process = made.start()
    ana = made.directory.hire(1, "Pii.Analyst", "Pii.Reidentifier")
    made.directory.hire(2, "Pii.Redactor", state="disabled")
    for day in range(0, 100, 10):
        made.clock.now = now - timedelta(days=100 - day)
        process.call(ana, "Pii.Analyst", made.clock(), operation="pii.analyze")
        made.seal()
    made.clock.now = now
    yield made
    made.close()


def test_a_review_is_made_offline_from_a_copy_and_a_saved_directory(
    run: Run, house: ReviewHouse, tmp_path: Path
) -> None:
    copy, saved = copy_of(tmp_path / "copy", house.store), tmp_path / "grants.json"
    saved.write_bytes(render_directory(house.directory.read(house.clock(), names=True)))
    ran = run(
        "review", "run", "--in", copy, "--directory", saved, "--policy", POLICY,
        "--to", tmp_path / "out", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.error
    assert ran.json["verdict"] == "intact" and ran.json["findings"]["orphaned_principal"] == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.json", "report.csv", "report.html", "principals.csv",
    }  # fmt: skip
    assert "Name 1" not in (tmp_path / "out" / "report.html").read_text("utf-8")
    rows = list(csv.DictReader((tmp_path / "out" / "principals.csv").open(newline="", encoding="utf-8")))
    assert {row["principal"] for row in rows} == {principal(1)[1], principal(2)[1]}


def test_a_page_is_drawn_anew_from_its_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(render_json(sample_review()))
    assert run("review", "render", "report.json", "--html", "page.html").code == 0
    assert len(read_html((tmp_path / "page.html").read_text("utf-8")).all("article")) == 28


def test_what_is_no_report_and_no_directory_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"v":1}')
    assert run("review", "render", "bad.json", "--html", "page.html").code == 3
    assert run("review", "render", "none.json", "--html", "page.html").code == 3
    (tmp_path / "report.json").write_bytes(render_json(sample_review(1, 1)))
    ran = run("review", "render", "report.json", "--html", "page.html", "--names", "bad.json")
    assert ran.code == 3 and "bad.json" in ran.error


def test_a_saved_directory_is_read_back_as_it_was() -> None:
    house = ReviewHouse()
    house.directory.hire(1, "Pii.Analyst", "Pii.Reidentifier")
    read = house.directory.read(house.clock(), names=True)
    assert parse_directory(render_directory(read)) == read


def test_without_a_directory_the_command_says_how_to_name_one(run: Run, bench: Bench, tmp_path: Path) -> None:
    copy = copy_of(tmp_path / "copy", bench.store)
    ran = run("review", "run", "--in", copy, "--policy", POLICY, "--to", "out")
    assert ran.code == 3 and "--directory" in ran.error


# --- carrying out -------------------------------------------------------------------------------------


class Held:
    """A credential that is at hand."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(f"for {scopes[0]}", int(time.time()) + 600)


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeletingGraph]:
    """Deletions arrive here, with a token that is for here; nobody waits."""
    with serving_graph() as made:
        monkeypatch.setenv("GRAPH_URL", made.address)
        monkeypatch.setattr(review_carrying, "person_credential", Held)
        monkeypatch.setattr("auditor.deleting.time.sleep", lambda _: None)
        yield made


@pytest.fixture
def revoked(run: Run, service: str, bench: Bench) -> str:
    """A review of two revoked findings, one approved and one undecided; its id."""
    findings = (
        sample_finding(10, "unused_role", assignments=("a-10",)),
        sample_finding(11, "unused_role", assignments=("a-11",), groups=("g-11",)),
        sample_finding(12, "unused_role", assignments=("a-12",)),
        sample_finding(13, "unused_role", assignments=("a-13",)),
    )
    store_review(bench, sample_review(0, 3, id="2027-01", findings=findings))
    ids = [each.id for each in findings]
    assert run("review", "decide", "2027-01", *ids[:2], "--revoke", "--because", BECAUSE).code == 0
    assert run("review", "decide", "2027-01", ids[2], "--approve", "--because", BECAUSE).code == 0
    return "2027-01"


def test_by_default_nothing_is_deleted(run: Run, graph: DeletingGraph, revoked: str, bench: Bench) -> None:
    before = len(decided(bench))
    ran = run("review", "apply", revoked, "--app-id", APP)
    assert ran.code == 0 and "Nothing was deleted" in ran.text
    assert "appRoleAssignedTo/a-10" in ran.text and "a-12" not in ran.text
    assert graph.asked == [] and len(decided(bench)) == before


def test_revocations_are_carried_out_and_each_is_reported(
    run: Run, graph: DeletingGraph, revoked: str, bench: Bench
) -> None:
    """Only what stands as revoked; with the person's own token, for that directory; then a record each."""
    ran = run("review", "apply", revoked, "--app-id", APP, "--yes-really-revoke")
    assert ran.code == 0, ran.text
    ends = sorted(path.removeprefix("/v1.0") for path, _ in graph.asked)
    assert ends == [
        f"/groups/g-11/members/{principal(2)[1]}/$ref",
        f"/servicePrincipals(appId='{APP}')/appRoleAssignedTo/a-10",
        f"/servicePrincipals(appId='{APP}')/appRoleAssignedTo/a-11",
    ]
    assert {token for _, token in graph.asked} == {f"Bearer for {graph.address}/.default"}
    applied = [each for each in decided(bench) if each.choice == "applied"]
    assert sorted(each.finding_id for each in applied) == ["f-000000000000000a", "f-000000000000000b"]
    assert run("review", "apply", revoked, "--app-id", APP, "--yes-really-revoke").text.startswith("Nothing")


def test_what_is_gone_already_counts_as_done(
    run: Run, graph: DeletingGraph, revoked: str, bench: Bench
) -> None:
    graph.answers = {"a-10": [404]}
    assert run("review", "apply", revoked, "--app-id", APP, "--yes-really-revoke").code == 0
    assert "404" in next(each.justification for each in decided(bench) if "404" in each.justification)


def test_a_refused_deletion_is_not_reported_as_applied(
    run: Run, graph: DeletingGraph, revoked: str, bench: Bench
) -> None:
    """Half of a finding is not the finding; the others are carried out all the same."""
    graph.answers = {"$ref": [403]}
    ran = run("review", "apply", revoked, "--app-id", APP, "--yes-really-revoke")
    assert ran.code == 1 and "REFUSED (403)" in ran.text
    assert [each.finding_id for each in decided(bench) if each.choice == "applied"] == ["f-000000000000000a"]


def test_a_busy_directory_is_asked_again_and_a_redirect_is_not_followed() -> None:
    waits: list[float] = []
    with serving_graph() as graph:
        graph.answers = {"/busy": [429, 204], "/away": [503], "/elsewhere": [302]}
        deletions = GraphDeletions(graph.address, Held(), waits.append)
        assert deletions.delete("/busy").status == 204 and waits == [7.0]
        assert not deletions.delete("/elsewhere").is_done
        with pytest.raises(AuditorError, match="does not answer"):
            deletions.delete("/away")
        assert len([path for path, _ in graph.asked if path.endswith("/away")]) == 4


def test_the_export_is_a_script_and_two_tables(run: Run, revoked: str, service: str, tmp_path: Path) -> None:
    ran = run("review", "export", revoked, "--url", service, "--app-id", APP, "--to", tmp_path / "out")
    assert ran.code == 0 and "2 revocations, 3 commands" in ran.text
    script = (tmp_path / "out" / "revoke.sh").read_text("utf-8")
    assert "a-10" in script and "a-12" not in script and "a-13" not in script and BECAUSE in script
    assert (tmp_path / "out" / "findings.csv").exists() and (tmp_path / "out" / "principals.csv").exists()


def test_somebody_else_cannot_use_it_to_decide_about_themselves(run: Run, bench: Bench, service: str) -> None:
    about_me = sample_finding(1, principal=(TENANT, PERSONAS["reviewer"].oid))
    store_review(bench, sample_review(0, 3, id="2027-02", findings=(about_me,)))
    ran = run("review", "decide", "2027-02", about_me.id, "--approve", "--because", BECAUSE)
    assert ran.code == 3 and "403" in ran.error and "yourself" in ran.error
