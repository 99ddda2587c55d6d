"""The evaluator does what Azure Monitor does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from devstack.alerts.evaluation import Alert, Evaluator, clear_after, evaluate, is_due
from devstack.alerts.rules import Rule, load_rules, parse_duration
from devstack.alerts.schema import render_alert
from devstack.alerts.watch import Outlets
from devstack.loganalytics.database import Database
from tests.support.attacks import ATTACKS
from tests.support.month import span_of_silence

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = Rule(
    name="heat",
    title="It is hot",
    severity=2,
    query=(
        'AppEvents | where Name == "Heat" '
        "| project TimeGenerated, Room = tostring(Properties.Room), Degrees = tolong(Measurements.Degrees)"
    ),
    window=5 * MINUTE,
    frequency=MINUTE,
    lookback=None,
    aggregation="Count",
    measure_column=None,
    operator="GreaterThan",
    threshold=1,
    dimensions=(),
    periods=1,
    min_failing=1,
    auto_mitigate=True,
)


@pytest.fixture
def table() -> Iterator[Callable[..., None]]:
    """Adds a reading `minutes` before noon to an empty database, which is its attribute."""
    database = Database()

    def add(minutes: float, room: str = "a", degrees: int = 30) -> None:
        at = NOON - timedelta(minutes=minutes)
        database.insert(
            "AppEvents",
            [
                {
                    "TimeGenerated": at.strftime("%Y-%m-%d %H:%M:%S.%f"),
                    "Name": "Heat",
                    "Properties": {"Room": room},
                    "Measurements": {"Degrees": degrees},
                }
            ],
        )

    add.database = database  # type: ignore[attr-defined]
    yield add
    database.close()


def _database(table: Callable[..., None]) -> Database:
    return table.database  # type: ignore[attr-defined,no-any-return]


def test_a_window_ends_at_the_evaluation_and_holds_its_length(table: Callable[..., None]) -> None:
    """Rows of (t - 5 min, t]: the older edge is out, the newer one is in."""
    for minutes in (0, 4.9, 5, -0.1):
        table(minutes)
    (violation,) = evaluate(RULE, _database(table), NOON)
    assert violation.value == 2


def test_without_a_measure_rows_are_counted_and_compared(table: Callable[..., None]) -> None:
    """One row is not more than one; with `LessThan` an empty window fires."""
    table(1)
    assert evaluate(RULE, _database(table), NOON) == []
    empty = replace(RULE, operator="LessThan")
    assert evaluate(empty, _database(table), NOON - timedelta(hours=1))[0].value == 0


@pytest.mark.parametrize(
    ("aggregation", "value"), [("Maximum", 40), ("Minimum", 20), ("Average", 30), ("Total", 60)]
)
def test_a_measure_is_aggregated(table: Callable[..., None], aggregation: str, value: int) -> None:
    """Over the rows of the window, by dimension."""
    table(1, degrees=20)
    table(2, degrees=40)
    rule = replace(RULE, measure_column="Degrees", aggregation=aggregation, threshold=value - 1)
    assert evaluate(rule, _database(table), NOON)[0].value == value
    assert evaluate(replace(rule, threshold=value), _database(table), NOON) == []


def test_dimensions_split_the_rule(table: Callable[..., None]) -> None:
    """Each combination is judged and fires by itself."""
    for room in "aab":
        table(1, room)
    rule = replace(RULE, dimensions=("Room",))
    assert [v.dimensions for v in evaluate(rule, _database(table), NOON)] == [(("Room", "a"),)]


def test_failing_periods_ask_for_several_windows(table: Callable[..., None]) -> None:
    """Two of the last three windows must be beyond the threshold."""
    rule = replace(RULE, threshold=0, periods=3, min_failing=2)
    table(1)
    assert evaluate(rule, _database(table), NOON) == []
    table(12)
    assert len(evaluate(rule, _database(table), NOON)) == 1
    assert evaluate(replace(rule, min_failing=3), _database(table), NOON) == []


def test_lookback_widens_what_the_query_sees(table: Callable[..., None]) -> None:
    """A baseline of yesterday is visible where the rule asks for it, and only there."""
    table(60 * 20)
    table(60 * 21)
    assert evaluate(RULE, _database(table), NOON) == []
    assert evaluate(replace(RULE, lookback=timedelta(days=2)), _database(table), NOON)[0].value == 2


def test_a_stateful_alert_fires_once_and_resolves_after_its_time(table: Callable[..., None]) -> None:
    """A one-minute rule resolves when its condition was not met for ten minutes."""
    table(0)
    table(0)
    evaluator = Evaluator([RULE], _database(table))
    told = [(m, alert.condition) for m in range(30) for alert in evaluator.step(NOON + m * MINUTE)]
    assert told == [(0, "Fired"), (14, "Resolved")]
    assert evaluator.active == []


def test_a_stateless_alert_fires_at_each_evaluation(table: Callable[..., None]) -> None:
    """Without auto-mitigate there is no state: five evaluations see the rows, five alerts are told."""
    table(0)
    table(0)
    evaluator = Evaluator([replace(RULE, auto_mitigate=False)], _database(table))
    told = [alert.condition for m in range(30) for alert in evaluator.step(NOON + m * MINUTE)]
    assert told == ["Fired"] * 5


@pytest.mark.parametrize(
    ("frequency", "clear"), [("PT1M", "PT10M"), ("PT5M", "PT15M"), ("PT15M", "PT30M"), ("PT1H", "PT2H")]
)
def test_the_time_to_resolve_depends_on_the_frequency(frequency: str, clear: str) -> None:
    """Ten minutes, three periods, or two periods."""
    assert clear_after(replace(RULE, frequency=parse_duration(frequency))) == parse_duration(clear)


def test_rules_are_due_at_multiples_of_their_frequency() -> None:
    """A five-minute rule at :00, :05, ...: not at :01."""
    rule = replace(RULE, frequency=5 * MINUTE)
    assert [m for m in range(11) if is_due(rule, NOON + m * MINUTE)] == [0, 5, 10]


def test_the_founding_scenario_at_the_real_schedule(sandbox: Database) -> None:
    """All rules, minute by minute: two minutes after the first call the alert is there, and no other."""
    attack = next(attack for attack in ATTACKS if "500 times" in attack.title)
    at = span_of_silence()[1] - timedelta(days=1) + timedelta(hours=11)
    attack.play(sandbox, at + timedelta(seconds=5))
    evaluator = Evaluator(load_rules(), sandbox)
    told = [(m, alert) for m in range(-1, 18) for alert in evaluator.step(at + m * MINUTE)]
    fired = [
        (m, alert.rule.name, dict(alert.dimensions)["Subject"]) for m, alert in told if not alert.resolved_at
    ]
    assert sorted(fired) == [(1, "recognizer-burst", "CRYPTO"), (1, "recognizer-burst", "CryptoRecognizer")]
    assert [m for m, alert in told if alert.resolved_at] == [15, 15]
    assert told[0][1].rows[0]["Hits"] == 500


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[bytes]]]:
    """A receiver and what it got."""
    got: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    server.server_close()
    thread.join()


def _alert(resolved: bool = False) -> Alert:
    return Alert(
        rule=replace(RULE, dimensions=("Room",)),
        condition="Resolved" if resolved else "Fired",
        dimensions=(("Room", "a"),),
        value=3.0,
        fired_at=NOON,
        resolved_at=NOON + 14 * MINUTE if resolved else None,
        rows=({"Room": "a"},),
    )


def test_alerts_are_appended_and_posted_in_the_common_schema(
    tmp_path: Path, webhook: tuple[str, list[bytes]]
) -> None:
    """One JSON object a line; the webhook gets the same."""
    url, got = webhook
    said: list[str] = []
    outlets = Outlets(tmp_path / "alerts.jsonl", url, said.append)
    outlets.send(_alert())
    outlets.send(_alert(resolved=True))
    lines = (tmp_path / "alerts.jsonl").read_bytes().splitlines()
    assert lines == got
    fired, resolved = (json.loads(line) for line in lines)
    assert fired["schemaId"] == "azureMonitorCommonAlertSchema"
    essentials = fired["data"]["essentials"]
    assert (essentials["monitorCondition"], essentials["severity"]) == ("Fired", "Sev2")
    assert essentials["alertId"] == resolved["data"]["essentials"]["alertId"]
    assert resolved["data"]["essentials"]["resolvedDateTime"] == "2026-11-24T12:14:00.000000Z"
    (condition,) = fired["data"]["alertContext"]["condition"]["allOf"]
    assert condition["dimensions"] == [{"name": "Room", "value": "a"}]
    assert (condition["metricValue"], condition["threshold"]) == (3.0, "1")
    assert said[0] == "12:00:00 FIRED    Sev2 heat: It is hot (Room=a)"


def test_a_dead_webhook_is_said_and_the_alert_is_kept(tmp_path: Path) -> None:
    """Nobody listens on the port: the file has the alert."""
    said: list[str] = []
    Outlets(tmp_path / "alerts.jsonl", "http://127.0.0.1:9/", said.append).send(_alert())
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 1
    assert "webhook" in said[1]


def test_a_rendered_alert_holds_the_rows_behind_it() -> None:
    """What Azure shows behind a link stands in the line itself."""
    assert render_alert(_alert())["evidence"] == [{"Room": "a"}]
