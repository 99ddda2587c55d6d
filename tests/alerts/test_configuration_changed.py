"""The rule configuration-changed: what it shows, and when it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devstack.alerts.evaluation import evaluate
from devstack.alerts.rules import load_rule
from devstack.loganalytics.cast import POLICY_DIGEST
from devstack.loganalytics.database import Database
from devstack.loganalytics.stream import ENGINE
from shared.records.events import Heartbeat
from tests.support.attack_registry import WRITER, new_stream, put
from tests.support.attacks_on_configuration import PERMISSION, SCORE, tell_config

RULE = load_rule("configuration-changed")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AT = NOW - timedelta(minutes=5)


@pytest.fixture
def database() -> Iterator[Database]:
    """Empty tables."""
    opened = Database()
    yield opened
    opened.close()


def _tell(database: Database, at: datetime = AT, **fields: Any) -> None:
    stream = new_stream()
    tell_config(stream, at, **fields)
    put(database, stream)


def _beat(database: Database, at: datetime, policy: str = POLICY_DIGEST, engine: str = ENGINE.digest) -> None:
    stream = new_stream()
    stream.tell(at, Heartbeat(WRITER, 5, True, 0, 0, policy, engine, "0.1.0", "bad0bad"))
    put(database, stream)


def _alerts(database: Database) -> list[dict[str, str]]:
    return [dict(violation.dimensions) for violation in evaluate(RULE, database, NOW)]


def test_it_shows_what_changed_from_what_to_what_and_the_commit(database: Database) -> None:
    """One alert a change."""
    _tell(database, changes=(SCORE, PERMISSION))
    found = sorted(_alerts(database), key=lambda alert: alert["Part"])
    assert found == [
        {
            "State": "in_force",
            "Part": "policy",
            "Path": PERMISSION.path,
            "Old": "",
            "New": '"pii.deanonymize"',
            "Commit": "bad0bad",
        },
        {
            "State": "in_force",
            "Part": "recognizers",
            "Path": SCORE.path,
            "Old": "0.6",
            "New": "0.85",
            "Commit": "bad0bad",
        },
    ]


def test_two_processes_that_say_the_same_raise_one_alert(database: Database) -> None:
    """A deployment starts many at once."""
    _tell(database)
    _tell(database, AT + timedelta(seconds=3))
    assert len(_alerts(database)) == 1


def test_what_a_record_tells_is_not_told_again_by_digest(database: Database) -> None:
    """The new process' heartbeats carry digests that were never seen before; the record explains them."""
    _beat(database, NOW - timedelta(hours=3))
    _tell(database)
    _beat(database, AT + timedelta(minutes=1), engine="cd" * 32)
    assert [alert["State"] for alert in _alerts(database)] == ["in_force"]


def test_a_process_that_says_nothing_is_found_by_its_digests(database: Database) -> None:
    """The net below: an older version, or one that hides what it runs."""
    _beat(database, NOW - timedelta(hours=3))
    _beat(database, AT, engine="ef" * 32)
    (alert,) = _alerts(database)
    assert (alert["State"], alert["Part"], alert["New"]) == ("not recorded", "engine", "ef" * 32)


def test_the_first_deployment_is_no_change(database: Database) -> None:
    """A baseline and heartbeats, and nothing before them."""
    _tell(database, previous=None, changes=())
    _beat(database, AT + timedelta(minutes=1), engine="cd" * 32)
    assert _alerts(database) == []


def test_a_baseline_of_a_service_with_a_past_is_one(database: Database) -> None:
    """Whoever takes away what there was to compare with is seen."""
    _beat(database, NOW - timedelta(hours=3))
    _tell(database, previous=None, changes=())
    assert [(alert["Part"], alert["New"]) for alert in _alerts(database)] == [("all", "a1" * 32)]


def test_another_snapshot_of_the_same_meaning_is_silent(database: Database) -> None:
    """A newer version that writes out a default: a record without changes."""
    _beat(database, NOW - timedelta(hours=3))
    _tell(database, changes=())
    assert _alerts(database) == []


def test_a_restart_without_change_is_silent(database: Database) -> None:
    """No record, the same digests."""
    _beat(database, NOW - timedelta(hours=3))
    _beat(database, AT)
    assert _alerts(database) == []
