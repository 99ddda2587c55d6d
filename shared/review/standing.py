"""How each finding of a review stands, given the decisions that were recorded about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.review.directory import PrincipalKey

Choice = Literal["approve", "revoke", "defer", "applied"]
State = Literal["undecided", "approved", "revoked", "deferred", "applied"]
_STATES: Mapping[Choice, State] = {"approve": "approved", "revoke": "revoked", "defer": "deferred"}


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as the ledger has it. `record` is its name, `<writer>/<index>`."""

    finding: str
    choice: Choice
    by: PrincipalKey
    justification: str
    at: datetime
    record: str
    defer_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in force for a finding. `decision` is the newest one, `superseded` counts those before it.

    A deferral that has run out leaves its finding undecided again; the decision is still shown.
    """

    state: State
    decision: Decision | None = None
    superseded: int = 0

    @property
    def is_open(self) -> bool:
        """True where somebody must decide."""
        return self.state == "undecided"


UNDECIDED = Standing("undecided")


def stand_findings(
    findings: Iterable[str], decisions: Iterable[Decision], now: datetime
) -> dict[str, Standing]:
    """How each of these findings stands at `now`: the latest counts, in order of time, then place.

    `applied` counts only upon a revocation: it says that one was carried out, and decides nothing itself.
    """
    standings = dict.fromkeys(findings, UNDECIDED)
    for decision in sorted(decisions, key=_place_in_time):
        before = standings.get(decision.finding)
        if before is not None:
            standings[decision.finding] = _follow(before, decision)
    return {name: _expire(standing, now) for name, standing in standings.items()}


def _place_in_time(decision: Decision) -> tuple[datetime, str, int]:
    writer, _, index = decision.record.rpartition("/")
    return decision.at, writer, int(index) if index.isdecimal() else 0


def _follow(before: Standing, decision: Decision) -> Standing:
    if decision.choice == "applied":
        if before.state not in ("revoked", "applied"):
            return before
        return Standing("applied", decision, before.superseded + 1)
    return Standing(_STATES[decision.choice], decision, before.superseded + (before.decision is not None))


def _expire(standing: Standing, now: datetime) -> Standing:
    until = standing.decision.defer_until if standing.decision else None
    if standing.state == "deferred" and (until is None or until <= now):
        return Standing("undecided", standing.decision, standing.superseded)
    return standing
