"""The alarm wire of a running service: arrives as recorded, carries no text, never holds up a call."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from devstack.alerts.evaluation import evaluate
from devstack.alerts.rules import load_rule, load_rules
from devstack.loganalytics.client import WorkspaceClient
from devstack.loganalytics.demo import BITCOIN
from devstack.loganalytics.tables import load_tables
from devstack.loganalytics.workbook import render_function
from devstack.processes import wait_until
from devstack.watching import alerts_file, find_workspace
from shared.records.columns import ALL_COLUMNS, Place, flatten_record
from shared.records.model import RECORD
from tests.support.cloud import Answer, Cloud, running_cloud

MARK = "Zqxvkwjtbhg"
"""A canary: no word holds it, and a person's name could be it."""

CALLS = 40
MODES = ("402", "429", "500", "hang", "closed")
SLOWER = 1.5
"""Medians on a busy machine differ by less than this; a call that waited for telemetry would take seconds."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud whose metrics arrive every two seconds."""
    folder = tmp_path_factory.mktemp("watched")
    with running_cloud(folder, WORKERS="1", OTEL_METRIC_EXPORT_INTERVAL="2000") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def workspace(watched: Cloud) -> WorkspaceClient:
    """The cloud's Log Analytics."""
    found = find_workspace(watched.layout)
    assert found is not None
    return found


def _analyze(cloud: Cloud, text: str, **more: object) -> Answer:
    return cloud.call("POST", "/analyze", {"text": text, "language": "en", **more}, persona="engineer")


def test_an_event_says_what_the_record_says(watched: Cloud, workspace: WorkspaceClient) -> None:
    """Every column of an allowed and of a refused call, by the function AuditRecords, against storage."""
    allowed = _analyze(watched, "Write to maria@example.com or call 212-555-0199", entities=["EMAIL_ADDRESS"])
    refused = watched.call("POST", "/analyze", {"text": "x", "language": "en"}, persona="nobody")
    for answer in (allowed, refused):
        writer, index = (answer.record or "").split("/")
        query = f'{render_function()}| where RecordId == "{answer.record}"'
        assert wait_until(lambda query=query: len(workspace.query(query).rows) == 1, 20)  # type: ignore[misc]
        row = workspace.query(query).as_dicts()[0]
        found = watched.call("GET", f"/audit/records/{answer.record}", persona="auditor").json
        fields = found.get("record", found)
        record = RECORD.validate_json(
            json.dumps({k: v for k, v in fields.items() if k not in ("seq", "prev")})
        )
        expected = flatten_record(record, Place(writer, int(index)))
        absent = {"string": ""}
        wrong = {
            column.name: (row[column.name], expected[column.name])
            for column in ALL_COLUMNS
            if row[column.name]
            != (absent.get(column.type) if expected[column.name] is None else expected[column.name])
        }
        assert not wrong


def test_every_record_becomes_one_event(watched: Cloud, workspace: WorkspaceClient) -> None:
    """Genesis and refusals of unknown callers, too: indexes from 0 on, none twice."""
    for _ in range(5):
        watched.call("POST", "/analyze", {"text": "x", "language": "en"}, token="nonsense")
    last = (_analyze(watched, "Bob").record or "").split("/")[1]
    query = (
        'AppEvents | where Name == "PresidioAudit" '
        "| summarize Events = count(), Indexes = dcount(tolong(Measurements.RecordIndex)), "
        "Newest = max(tolong(Measurements.RecordIndex)) by Writer = tostring(Properties.Writer)"
    )
    assert wait_until(lambda: workspace.query(query).as_dicts()[0]["Newest"] >= int(last), 20)
    (row,) = workspace.query(query).as_dicts()
    assert row["Events"] == row["Indexes"] == row["Newest"] + 1


def test_the_service_sends_its_measures(watched: Cloud, workspace: WorkspaceClient) -> None:
    """Commit latency, records a commit, queue depth, seal age, engine latency."""
    wanted = {
        "audit.commit_latency",
        "audit.commit_records",
        "audit.queue_depth",
        "audit.seal_age",
        "engine.latency",
    }
    query = "AppMetrics | distinct Name"
    assert wait_until(lambda: wanted <= {row[0] for row in workspace.query(query).rows}, 60)


def test_canaries_are_in_no_table(watched: Cloud, workspace: WorkspaceClient) -> None:
    """Texts, keys, made-up words, tokens and broken bodies: none is in any column of any table."""
    person = f"My name is {MARK} Smith"
    _analyze(
        watched, person, correlation_id=MARK, context=[MARK], allow_list=[MARK], entities=[MARK, "PERSON"]
    )
    _analyze(watched, person, language=MARK)
    _analyze(watched, person, return_decision_process=True)
    watched.call("POST", "/redact", {"text": person, "language": "en"}, persona="engineer")
    spans = [{"entity_type": MARK, "start": 0, "end": 4, "score": 1.0}]
    body = {
        "text": person,
        "analyzer_results": spans,
        "anonymizers": {"DEFAULT": {"type": "encrypt", "key": MARK}},
    }
    watched.call("POST", "/anonymize", body, persona="engineer")
    watched.call("POST", "/analyze", f'{{"text": "{MARK}'.encode(), persona="engineer")
    watched.call("POST", "/analyze", {"text": person, "language": "en"}, token=MARK)
    last = _analyze(watched, person).record
    told = f'AppEvents | where tostring(Properties.RecordId) == "{last}"'
    assert wait_until(lambda: len(workspace.query(told).rows) == 1, 20)
    for table in load_tables():
        rows = json.dumps(workspace.query(table).rows, ensure_ascii=False)
        assert MARK.lower() not in rows.lower(), table
    assert workspace.query("AppEvents | count").rows[0][0] > 8


def test_the_founding_scenario_is_seen_within_seconds(watched: Cloud, workspace: WorkspaceClient) -> None:
    """A recognizer is hit 250 times within a minute: the rule sees it as soon as it is evaluated.

    A one-minute rule is evaluated a minute later at most, so the alert comes within two minutes.
    """
    started = time.monotonic()
    wallet = {"text": f"pay to {BITCOIN}", "language": "en", "entities": ["CRYPTO"]}
    state = watched.state
    with ThreadPoolExecutor(4) as clients:
        calls = [
            clients.submit(watched.call, "POST", "/analyze", wallet, persona="engineer", state=state)
            for _ in range(250)
        ]
        assert {call.result().status for call in calls} == {200}
    sent = time.monotonic()
    rule = load_rule("recognizer-burst")
    seen: list[set[str]] = []

    def is_seen() -> bool:
        seen.append({dict(v.dimensions)["Subject"] for v in evaluate(rule, workspace, datetime.now(UTC))})
        return "CRYPTO" in seen[-1]

    assert wait_until(is_seen, 30, 0.25)
    done = time.monotonic()
    print(f"\n250 calls in {sent - started:.1f} s; the rule saw them {done - sent:.1f} s later")
    assert seen[-1] == {"CRYPTO", "CryptoRecognizer"}
    assert done - started < 60


def test_the_clouds_own_evaluator_watches_the_deployed_rules(watched: Cloud) -> None:
    """It says how many rules, and whence; alerts go to `alerts.jsonl`."""
    log = watched.layout.logs / "alerts.log"
    assert wait_until(lambda: "watching" in log.read_text("utf-8"), 30)
    assert f"watching {len(load_rules())} rules of" in log.read_text("utf-8")
    assert alerts_file(watched.layout).exists()


def test_a_failing_endpoint_does_not_slow_calls(watched: Cloud, workspace: WorkspaceClient) -> None:
    """402, 429, 500, silence and closed connections: the same answers at the same speed."""

    def quick_ms() -> float:
        """The lower quartile: a wait for the endpoint shows in it, other work of the machine hardly."""
        took = []
        for _ in range(CALLS):
            started = time.perf_counter()
            assert _analyze(watched, "Call Maria on 212-555-0199").status == 200
            took.append((time.perf_counter() - started) * 1_000)
        return statistics.quantiles(took)[0]

    quick_ms()
    before = quick_ms()
    quick = {}
    try:
        for mode in MODES:
            workspace.set_mode(mode)
            quick[mode] = quick_ms()
    finally:
        workspace.set_mode("ok")
    after = quick_ms()
    shown = ", ".join(f"{mode} {took:.1f}" for mode, took in quick.items())
    print(f"\nlower quartile of a call, ms: before {before:.1f}, {shown}, after {after:.1f}")
    assert max(quick.values()) < max(before, after) * SLOWER, shown
