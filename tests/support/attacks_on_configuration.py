"""What is done to the rules themselves: policy, recognizers, models, and the record of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from devstack.loganalytics.cast import POLICY_DIGEST
from devstack.loganalytics.database import Database
from devstack.loganalytics.stream import ENGINE, Stream
from shared.records.canonical import format_time
from shared.records.model import ChangePart, CommitPart, ConfigRecord
from tests.support.attack_registry import AFTER, WRITER, attack, new_stream, put

LOOK = timedelta(minutes=15)
SCORE = ChangePart(
    part="recognizers",
    path="recognizers.EmployeeNumberRecognizer.patterns.employee number.score",
    action="changed",
    old="0.6",
    new="0.85",
)
PERMISSION = ChangePart(
    part="policy", path='roles."Pii.Redactor".permissions', action="added", new='"pii.deanonymize"'
)


def tell_config(stream: Stream, at: datetime, **fields: Any) -> None:
    """A `config` record of the attacker's process; keyword arguments replace fields."""
    record = ConfigRecord(
        time=format_time(at),
        state="in_force",
        configuration="a1" * 32,
        previous="b2" * 32,
        changes=(SCORE,),
        commit=CommitPart(id="bad0bad", signed="unsigned"),
        policy=POLICY_DIGEST,
        engine=ENGINE.model_copy(update={"digest": "cd" * 32}),
        service=stream.service(WRITER),
    )
    stream.write(at, record.model_copy(update=fields), WRITER)


def _play(database: Database, at: datetime, **fields: Any) -> None:
    stream = new_stream()
    tell_config(stream, at + AFTER, **fields)
    put(database, stream)


@attack("configuration-changed", "a score threshold is changed", LOOK)
def changed_score(database: Database, at: datetime) -> None:
    _play(database, at)


@attack("configuration-changed", "a role gains a permission", LOOK)
def gained_permission(database: Database, at: datetime) -> None:
    _play(database, at, changes=(PERMISSION,))


@attack("configuration-changed", "a file is changed under a running service", LOOK)
def changed_on_disk(database: Database, at: datetime) -> None:
    _play(database, at, state="on_disk", commit=None, engine=ENGINE)


@attack("configuration-changed", "more is changed than a record lists", LOOK)
def changed_much(database: Database, at: datetime) -> None:
    _play(database, at, changes=(), more_changes=3_000)


@attack("configuration-changed", "a service with a past finds no configuration to compare with", LOOK)
def lost_past(database: Database, at: datetime) -> None:
    _play(database, at, previous=None, changes=())
