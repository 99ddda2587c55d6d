"""Attacks by rule: how each is played, when to look, and the helpers that play it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from devstack.loganalytics.database import Database
from devstack.loganalytics.stream import Stream

WRITER = "01JDATTACK0000000000000000"
AFTER = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Attack:
    """`play(database, at)` changes the tables; the rule must fire at `at + look`."""

    rule: str
    title: str
    play: Callable[[Database, datetime], None]
    look: timedelta = timedelta(minutes=1)
    hour: int = 11


ATTACKS: list[Attack] = []


def attack(
    rule: str, title: str, look: timedelta = timedelta(minutes=1), hour: int = 11
) -> Callable[[Callable[[Database, datetime], None]], Callable[[Database, datetime], None]]:
    """Register the decorated function as an attack."""

    def register(play: Callable[[Database, datetime], None]) -> Callable[[Database, datetime], None]:
        ATTACKS.append(Attack(rule, title, play, look, hour))
        return play

    return register


def new_stream(writer: str = WRITER) -> Stream:
    """Collects what a process tells that no ordinary traffic comes from."""
    return Stream([writer])


def put(database: Database, stream: Stream) -> None:
    """Add what was collected to the tables."""
    database.insert("AppEvents", stream.rows)


def remove(database: Database, condition: str, since: datetime, until: datetime) -> None:
    """Take events away: what was lost, or what somebody held back."""
    range_ = f"TimeGenerated > '{since:%Y-%m-%d %H:%M:%S}' AND TimeGenerated <= '{until:%Y-%m-%d %H:%M:%S}'"
    database.run_sql(f"DELETE FROM AppEvents WHERE {condition} AND {range_}")  # noqa: S608 - our own texts
