"""Timer triggers. Who runs this holds the trigger lock, so that a timer is one timer for all workers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from devstack.host.bindings import TimerFunction
from devstack.host.invoker import Invoker
from devstack.host.ncrontab import Schedule, parse_schedule

_LONGEST_SLEEP_S = 30.0
_MONITORED = timedelta(minutes=1)
_NEVER = "0001-01-01T00:00:00+00:00"

logger = logging.getLogger("devstack.host")


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Timer:
    """One timer function: when it is due, whether a time was missed, what the function is told."""

    def __init__(
        self, function: TimerFunction, invoker: Invoker, folder: Path, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._function, self._invoker, self._now = function, invoker, now
        self._schedule: Schedule = parse_schedule(function.schedule)
        self._status_file = folder / f"{function.name}.json"
        first = self._schedule.next_after(now())
        # as in Azure: schedules below a minute are not monitored
        self._monitored = function.use_monitor and self._schedule.next_after(first) - first >= _MONITORED

    async def run(self) -> None:
        """Fire at each due time, one call after the other, until cancelled."""
        missed = self._is_past_due()
        if self._function.run_on_startup or missed:
            await self._fire(past_due=missed)
        while True:
            due = self._schedule.next_after(self._now())
            await self._sleep_until(due)
            await self._fire(past_due=False)

    def _is_past_due(self) -> bool:
        status = self._read_status()
        return self._monitored and status is not None and datetime.fromisoformat(status["Next"]) < self._now()

    async def _sleep_until(self, due: datetime) -> None:
        # in steps: the clock may be set, the machine may sleep
        while (left_s := (due - self._now()).total_seconds()) > 0:
            await asyncio.sleep(min(left_s, _LONGEST_SLEEP_S))

    async def _fire(self, *, past_due: bool) -> None:
        status = self._read_status() or {"Last": _NEVER, "Next": _NEVER, "LastUpdated": _NEVER}
        info = {"IsPastDue": past_due, "Schedule": {"AdjustForDST": True}, "ScheduleStatus": status}
        result = await self._invoker.call_timer(self._function, info)
        outcome = "failed" if result.failure else "succeeded"
        logger.info("timer %s %s%s", self._function.name, outcome, " (past due)" if past_due else "")
        now = self._now()
        written = {"Last": now, "Next": self._schedule.next_after(now), "LastUpdated": now}
        text = json.dumps({name: moment.isoformat() for name, moment in written.items()})
        temporary = self._status_file.with_suffix(".tmp")
        temporary.write_text(text, encoding="ascii")
        temporary.replace(self._status_file)

    def _read_status(self) -> dict[str, Any] | None:
        try:
            status: dict[str, Any] = json.loads(self._status_file.read_text(encoding="ascii"))
        except (OSError, ValueError):  # none yet, or cut short by a crash: as if it had never fired
            return None
        return status
