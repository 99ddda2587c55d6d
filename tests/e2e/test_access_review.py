"""An access review from end to end: the real timer, directory and storage; a reviewer; a verifier.

The timer runs because the host finds that its time was missed while nothing ran, as it does in Azure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devstack.layout import ROOT, Layout
from devstack.personas import PERSONAS
from devstack.processes import wait_until
from shared.cloud.blobs import open_store
from shared.ledger.notes import parse_vkey
from shared.records.canonical import format_time, sha256_hex
from shared.records.model import Record, ReviewOverdueRecord, ServicePart
from shared.usecases.reviews.overdue import Escalation
from shared.usecases.reviews.recorded import Reviews
from tests.support.chromium import find_chromium, running_chromium
from tests.support.cloud import Cloud, running_cloud
from tests.support.committers import ManualClock
from tests.support.html_reading import read_html

BECAUSE = "Checked with the owner of the team"
LOG = "audit.localhost/presidio"


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud in which the first of the month has passed: its timer has made the review."""
    folder = tmp_path_factory.mktemp("review") / "cloud"
    miss_timer(Layout(folder.resolve()), "access_review")
    with running_cloud(folder) as cloud:
        assert wait_until(lambda: bool(ask(cloud, "/audit/reviews")["reviews"]), 90.0), cloud.logs()[-2_000:]
        yield cloud


def miss_timer(layout: Layout, name: str) -> None:
    """What a host finds that was stopped before a timer was due."""
    layout.create()
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    status = {"Last": past, "Next": past, "LastUpdated": past}
    (layout.host / f"{name}.json").write_text(json.dumps(status), "ascii")


def ask(cloud: Cloud, path: str, persona: str = "reviewer", **headers: str) -> Any:
    answer = cloud.call("GET", path, persona=persona, headers=headers)
    assert answer.status == 200, answer.body
    return (
        answer.json if answer.headers["Content-Type"].startswith("application/json") else answer.body.decode()
    )


def newest(cloud: Cloud) -> str:
    return str(ask(cloud, "/audit/reviews")["reviews"][0]["review_id"])


def auditor(cloud: Cloud, *arguments: object, codes: tuple[int, ...] = (0,)) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "DEVSTACK_DIR": str(cloud.layout.folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode in codes, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def reviews_of(cloud: Cloud) -> Reviews:
    """The reviews, read in the stores themselves."""
    stores = [open_store(name, connection_string=cloud.direct_storage) for name in ("audit", "archive")]
    keys = [parse_vkey(vkey) for vkey in cloud.state.trusted_keys]
    service = ServicePart(version="0", commit="test", writer="01KBTEST000000000000000000")
    return Reviews(stores[0], stores[1], LOG, keys, service)


def test_the_timer_reads_the_directory_and_stores_what_its_record_names(reviewed: Cloud) -> None:
    """Everybody of the local directory who holds a role is in it; digests are the archive's."""
    shown = ask(reviewed, f"/audit/reviews/{newest(reviewed)}")
    holders = {row["key"][1] for row in shown["report"]["rows"]}
    assert holders >= {each.oid for each in PERSONAS.values() if each.roles and each.name != "outsider"}
    archive = open_store("archive", connection_string=reviewed.direct_storage)
    record = ask(reviewed, "/audit/reviews")["reviews"][0]
    assert set(record["reports"]) == {"report.json", "report.csv", "report.html"}
    for name, digest in record["reports"].items():
        assert sha256_hex(archive.read(f"v1/reviews/{record['review_id']}/{name}")) == digest
    assert shown["report"]["window"]["verdict"] == "intact", shown["report"]["window"]


def test_after_two_weeks_what_is_undecided_is_escalated_once(reviewed: Cloud) -> None:
    """The escalation over the real stores, with a clock that has moved on; each week once."""
    said: list[Record] = []
    reviews, later = reviews_of(reviewed), datetime.now(UTC) + timedelta(days=15)
    assert ask(reviewed, "/audit/reviews")["reviews"][0]["undecided"] > 0
    clock = ManualClock(later)
    for hours in (0, 1, 24 * 7):
        clock.now = later + timedelta(hours=hours)
        Escalation(reviews, reviews.service, said.append, clock).run()
    assert [each.level for each in said if isinstance(each, ReviewOverdueRecord)] == [1, 2]


def test_a_reviewer_decides_and_the_ledger_with_all_of_it_is_intact(reviewed: Cloud) -> None:
    """Through HTTP, by a person with a token; then `auditor verify` and the standing from the evidence."""
    review = newest(reviewed)
    shown = ask(reviewed, f"/audit/reviews/{review}")
    own = [
        each["id"]
        for each in shown["report"]["findings"]
        if (each["principal"] or ["", ""])[1] == oid("reviewer")
    ]
    findings = [each["id"] for each in shown["report"]["findings"] if each["id"] not in own][:3]
    assert findings
    until = format_time(datetime.now(UTC) + timedelta(days=30))
    choices: list[dict[str, str]] = [
        {"choice": "approve"},
        {"choice": "revoke"},
        {"choice": "defer", "defer_until": until},
    ]
    body = {
        "decisions": [
            {"finding": finding, "justification": BECAUSE, **choice}
            for finding, choice in zip(findings, choices, strict=False)
        ]
    }
    answer = reviewed.call("POST", f"/audit/reviews/{review}/decisions", body, persona="reviewer")
    assert answer.status == 200, answer.body
    refused = reviewed.call("POST", f"/audit/reviews/{review}/decisions", body, persona="auditor")
    assert refused.status == 403
    online = json.loads(
        auditor(reviewed, "review", "status", review, "--persona", "reviewer", "--json", codes=(0, 1))
    )
    offline = json.loads(
        auditor(reviewed, "review", "status", review, "--archive", "archive", "--json", codes=(0, 1))
    )
    assert online["findings"] == offline["findings"]
    states = {each["id"]: each["state"] for each in offline["findings"]}
    assert [states[finding] for finding in findings] == ["approved", "revoked", "deferred"][: len(findings)]
    assert auditor(reviewed, "verify", "--archive", "archive", codes=(0, 2)).startswith(
        ("INTACT", "NOT FULLY")
    )
    assert wait_until(lambda: auditor(reviewed, "verify", codes=(0, 2)).startswith("INTACT"), 60.0)


def oid(persona: str) -> str:
    return PERSONAS[persona].oid


def test_one_reviewed_person_cannot_settle_it_alone(reviewed: Cloud) -> None:
    """A finding about the reviewer is refused to the reviewer, over HTTP, with its reason in the ledger."""
    review = newest(reviewed)
    mine = [
        each["id"]
        for each in ask(reviewed, f"/audit/reviews/{review}")["report"]["findings"]
        if (each["principal"] or ["", ""])[1] == oid("reviewer")
    ]
    for finding in mine:
        body = {"decisions": [{"finding": finding, "choice": "approve", "justification": BECAUSE}]}
        answer = reviewed.call("POST", f"/audit/reviews/{review}/decisions", body, persona="reviewer")
        assert (answer.status, answer.json["reason"]) == (403, "self_review")


def test_the_page_comes_over_http_and_opens_in_a_browser(reviewed: Cloud, tmp_path: Path) -> None:
    """HTML, under a policy that forbids framing too; and in Chromium it asks nobody for anything."""
    review = newest(reviewed)
    answer = reviewed.call(
        "GET", f"/audit/reviews/{review}", persona="reviewer", headers={"Accept": "text/html"}
    )
    assert answer.headers["Content-Type"].startswith("text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    page = read_html(answer.body.decode())
    shown = ask(reviewed, f"/audit/reviews/{review}")
    assert {card.attributes["id"] for card in page.all("article")} == {
        each["id"] for each in shown["report"]["findings"]
    }
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    file = tmp_path / "page.html"
    file.write_bytes(answer.body)
    with running_chromium(path) as browser:
        browser.open(file, 1280)
        assert browser.requested() == [file.as_uri()] and browser.complaints() == []
        if folder := os.environ.get("REVIEW_SCREENSHOTS"):
            (Path(folder) / "review-local-cloud.png").write_bytes(browser.screenshot())


def test_revocations_are_exported_as_commands(reviewed: Cloud, tmp_path: Path) -> None:
    auditor(reviewed, "review", "export", newest(reviewed), "--persona", "reviewer", "--to", tmp_path)
    assert (tmp_path / "revoke.sh").read_text("utf-8").startswith("#!/bin/sh")
    shown = auditor(reviewed, "review", "apply", newest(reviewed), "--persona", "reviewer")
    assert "DELETE" in shown or "othing" in shown


def test_a_review_is_made_offline_against_the_same_directory(reviewed: Cloud, tmp_path: Path) -> None:
    """`auditor review run` finds the local Graph, container and key by itself; names only where asked."""
    auditor(reviewed, "review", "directory", "--to", tmp_path / "names.json", "--names")
    made = auditor(reviewed, "review", "run", "--to", tmp_path / "out", "--json", codes=(0, 2))
    assert json.loads(made)["principals"] >= len([each for each in PERSONAS.values() if each.roles]) - 1
    page, names = tmp_path / "named.html", tmp_path / "names.json"
    auditor(reviewed, "review", "render", tmp_path / "out" / "report.json", "--html", page, "--names", names)
    assert PERSONAS["analyst"].family_name in page.read_text("utf-8")
    assert PERSONAS["analyst"].family_name not in (tmp_path / "out" / "report.html").read_text("utf-8")
