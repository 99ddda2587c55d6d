"""The local Log Analytics: takes what the exporter posts, answers KQL, fails as Azure's endpoint can."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from devstack.layout import ROOT
from devstack.loganalytics.client import WorkspaceClient
from devstack.loganalytics.database import Database, QueryFailed, Span
from devstack.loganalytics.envelopes import BadEnvelope, file_envelope, parse_body, parse_duration_ms
from devstack.loganalytics.seeding import seed
from devstack.loganalytics.server import Workspace
from devstack.loganalytics.tables import load_tables
from devstack.processes import wait_until
from tests.support.workspace import open_workspace

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TAGS = {
    "ai.cloud.role": "presidio-access-audit",
    "ai.cloud.roleInstance": "writer",
    "ai.operation.id": "0af7651916cd43dd8448eb211c80319c",
    "ai.operation.parentId": "b7ad6b7169203331",
}


def _envelope(kind: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "ver": 1,
        "name": f"Microsoft.ApplicationInsights.{kind}",
        "time": "2026-11-24T12:00:00.123456Z",
        "iKey": "00000000-0000-0000-0000-000000000000",
        "tags": TAGS,
        "data": {"baseType": kind, "baseData": {"ver": 2, **data}},
        **more,
    }


ENVELOPES = {
    "AppEvents": _envelope(
        "EventData", {"name": "Hello", "properties": {"a": "1"}, "measurements": {"n": 2.0}}
    ),
    "AppTraces": _envelope("MessageData", {"message": "a line", "severityLevel": "Warning"}),
    "AppRequests": _envelope(
        "RequestData",
        {"id": "1", "name": "GET /", "duration": "0.00:00:01.250", "responseCode": 200, "success": True},
        sampleRate=25.0,
    ),
    "AppDependencies": _envelope(
        "RemoteDependencyData", {"id": "2", "name": "append", "duration": "1.01:00:00.000", "success": False}
    ),
    "AppExceptions": _envelope(
        "ExceptionData",
        {"exceptions": [{"typeName": "ValueError", "message": "outer"}, {"typeName": "KeyError"}]},
    ),
    "AppMetrics": _envelope(
        "MetricData", {"metrics": [{"name": "m", "value": 7.5, "count": 3, "min": 1.0, "max": 4.0}]}
    ),
}
FACTS: dict[str, dict[str, Any]] = {
    "AppEvents": {"Name": "Hello", "Properties": {"a": "1"}, "Measurements": {"n": 2.0}},
    "AppTraces": {"Message": "a line", "SeverityLevel": 2},
    "AppRequests": {"DurationMs": 1250.0, "ResultCode": "200", "Success": True, "ItemCount": 4},
    "AppDependencies": {"DurationMs": 90_000_000.0, "Success": False, "Name": "append"},
    "AppExceptions": {"OuterType": "ValueError", "InnermostType": "KeyError", "OuterMessage": "outer"},
    "AppMetrics": {"Name": "m", "Sum": 7.5, "Min": 1.0, "Max": 4.0, "ItemCount": 3},
}


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    """A workspace in memory."""
    with open_workspace() as opened:
        yield opened


def _post(workspace: Workspace, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(workspace.url).netloc, timeout=5)
    try:
        connection.request("POST", path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("table", ENVELOPES)
def test_an_envelope_becomes_a_row_of_its_table(workspace: Workspace, table: str) -> None:
    """With the documented columns and types, and the tags of its context."""
    status, answer = _post(workspace, "/v2.1/track", json.dumps([ENVELOPES[table]]).encode())
    assert (status, answer) == (200, {"itemsReceived": 1, "itemsAccepted": 1, "errors": []})
    (row,) = workspace.database.query(table).as_dicts()
    assert list(row) == list(load_tables()[table])
    assert {name: row[name] for name in FACTS[table]} == FACTS[table]
    assert row["TimeGenerated"] == "2026-11-24T12:00:00.123456Z"
    assert (row["OperationId"], row["AppRoleInstance"]) == (TAGS["ai.operation.id"], "writer")
    assert (row["Type"], row["ClientIP"]) == (table, "0.0.0.0")  # noqa: S104 - a column's value


def test_bodies_may_be_zipped_or_one_envelope_a_line(workspace: Workspace) -> None:
    """Both are what exporters send."""
    lines = "\n".join(json.dumps(envelope) for envelope in ENVELOPES.values()).encode()
    status, answer = _post(workspace, "/v2/track", gzip.compress(lines), Content_Encoding="gzip")
    assert (status, answer["itemsAccepted"]) == (200, 6)
    assert len(parse_body(lines)) == 6


def test_a_bad_envelope_is_refused_and_the_others_are_filed(workspace: Workspace) -> None:
    """206 with the index of each that was not accepted."""
    batch = [{"data": {"baseType": "Odd", "baseData": {}}}, ENVELOPES["AppEvents"], "x"]
    status, answer = _post(workspace, "/v2.1/track", json.dumps(batch).encode())
    assert (status, answer["itemsAccepted"]) == (206, 1)
    assert [error["index"] for error in answer["errors"]] == [0, 2]
    with pytest.raises(BadEnvelope):
        file_envelope({**ENVELOPES["AppEvents"], "time": "yesterday"})


@pytest.mark.parametrize("body", [b"", b"{", b"[1", b"\xff\xfe", b"nonsense"], ids=repr)
def test_junk_is_a_400_or_an_empty_batch(workspace: Workspace, body: bytes) -> None:
    """And the workspace goes on."""
    status, _ = _post(workspace, "/v2.1/track", body)
    assert status == (200 if body == b"" else 400)
    assert _post(workspace, "/v2.1/track", b"[]")[0] == 200


def test_a_broken_gzip_is_a_400(workspace: Workspace) -> None:
    """Named, not a traceback."""
    assert _post(workspace, "/v2.1/track", b"no zip", Content_Encoding="gzip")[0] == 400


@pytest.mark.parametrize("mode", ["402", "429", "439", "500"])
def test_ingestion_fails_as_told(workspace: Workspace, mode: str) -> None:
    """With the status, without filing anything; queries go on; `ok` ends it."""
    workspace.set_mode(mode)
    body = json.dumps([ENVELOPES["AppEvents"]]).encode()
    assert _post(workspace, "/v2.1/track", body)[0] == int(mode)
    assert (workspace.database.count("AppEvents"), workspace.refused_events) == (0, 1)
    workspace.set_mode("ok")
    assert _post(workspace, "/v2.1/track", body)[0] == 200


def test_a_closed_endpoint_answers_nothing(workspace: Workspace) -> None:
    """The connection ends."""
    workspace.set_mode("closed")
    with pytest.raises((http.client.HTTPException, OSError)):
        _post(workspace, "/v2.1/track", b"[]")


def test_a_hanging_endpoint_lets_go_when_told(workspace: Workspace) -> None:
    """Silence until the mode changes."""
    workspace.set_mode("hang")
    connection = http.client.HTTPConnection(urlsplit(workspace.url).netloc, timeout=0.3)
    connection.request("POST", "/v2.1/track", json.dumps([ENVELOPES["AppEvents"]]).encode())
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert wait_until(lambda: workspace.refused_events == 1, 5)
    workspace.set_mode("ok")
    assert workspace.database.count("AppEvents") == 0


def test_an_unknown_mode_is_refused(workspace: Workspace) -> None:
    """With the modes that there are."""
    status, answer = _post(workspace, "/mode", b'{"mode": "sleepy"}')
    assert status == 400
    assert "402" in answer["error"]


def test_the_client_asks_over_http(workspace: Workspace) -> None:
    """Rows, clock, range and errors, as the database itself gives them."""
    client = WorkspaceClient(workspace.url)
    rows = [{"TimeGenerated": f"2026-11-24 1{hour}:00:00", "Name": f"h{hour}"} for hour in range(3)]
    assert client.insert("AppEvents", rows) == 3
    recent = client.query("AppEvents | where TimeGenerated > ago(90m) | project Name", now=NOON)
    assert recent.rows == (("h1",), ("h2",))
    ranged = client.query(
        "AppEvents | project Name", span=Span(NOON - timedelta(hours=2), NOON - timedelta(hours=1))
    )
    assert ranged.rows == (("h1",),)
    with pytest.raises(QueryFailed, match="Nme"):
        client.query("AppEvents | where Nme == 1")
    with pytest.raises(QueryFailed):
        client.insert("AppEvents", [{"Nme": 1}])


@pytest.mark.parametrize(
    "query",
    [
        "AppEvents | where",
        "NoSuchTable | count",
        ".set-or-replace Copy <| AppEvents",
        "AppEvents | make-series count() on TimeGenerated step 1h",
    ],
)
def test_a_query_that_cannot_run_says_so(query: str) -> None:
    """Syntax, an unknown table, a command that would write, an operator that DuckDB's KQL has not."""
    database = Database()
    with pytest.raises(QueryFailed):
        database.query(query)
    database.close()


def test_the_database_reads_no_files(tmp_path: Path) -> None:
    """External access is off: a query cannot look around on the machine."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    database = Database()
    with pytest.raises(QueryFailed):
        database.query(f"['{secret}']")
    database.close()


@pytest.mark.parametrize(
    ("text", "ms"), [("0.00:00:00.005", 5.0), ("00:01:00", 60_000.0), ("x", None), ("a:b:c", None)]
)
def test_durations_are_read(text: str, ms: float | None) -> None:
    """`d.hh:mm:ss.fff`, the exporter's form."""
    assert parse_duration_ms(text) == ms


def test_the_process_serves_keeps_its_rows_and_ends(tmp_path: Path) -> None:
    """`python -m devstack.loganalytics`: its address is in `url` while it runs; a second run has the rows."""
    for expected in (0, 1):
        process = subprocess.Popen(
            [sys.executable, "-m", "devstack.loganalytics", "--folder", str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().decode().strip()
            assert (tmp_path / "url").read_text() == url
            client = WorkspaceClient(url)
            assert client.query("AppEvents | count").rows == ((expected,),)
            client.insert("AppEvents", [{"TimeGenerated": "2026-11-24 10:00:00", "Name": "kept"}])
        finally:
            process.terminate()
            assert process.wait(10) == 0
            if process.stdout:
                process.stdout.close()
        assert not (tmp_path / "url").exists()


def test_seed_writes_ordinary_days_that_end_now() -> None:
    """Shifted in time; nothing lies in the future; the digests are those of the service that runs."""
    database = Database()
    running = {"RecordType": "access", "PolicyDigest": "aa" * 32, "EngineDigest": "bb" * 32}
    row = {"TimeGenerated": "2026-11-24 11:00:00", "Name": "PresidioAudit", "Properties": running}
    database.insert("AppEvents", [row])
    assert seed(database, NOON, 2) > 4_000
    (found,) = database.query(
        'AppEvents | where Name == "PresidioHeartbeat" | summarize First = min(TimeGenerated), '
        "Last = max(TimeGenerated), Policies = make_set(tostring(Properties.PolicyDigest))"
    ).as_dicts()
    assert found["First"] == "2026-11-23T00:00:05.000000Z"
    assert found["Last"] == "2026-11-24T11:59:05.000000Z"
    assert found["Policies"] == ["aa" * 32]
    database.close()
