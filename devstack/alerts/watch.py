"""`python -m devstack.alerts.watch --workspace URL --file FILE [--webhook URL]`: evaluate until told to stop.

Every whole minute the rules that are due are evaluated; alerts are printed, appended to FILE (one a line,
the common alert schema) and posted to the webhook.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devstack.alerts.deployment import current_rules
from devstack.alerts.evaluation import Alert, Evaluator
from devstack.alerts.schema import render_alert
from devstack.alerts.told import describe
from devstack.loganalytics.client import WorkspaceClient
from devstack.loganalytics.database import QueryFailed

SETTLE_S = 1.0
"""Rules of a minute run this long after it: events of its last moment are on the wire for about a second."""

WEBHOOK_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where alerts go."""

    file: Path
    webhook: str | None
    say: Callable[[str], None]

    def send(self, alert: Alert) -> None:
        """Print, append and post one alert. A webhook that fails is said, never raised."""
        rendered = render_alert(alert)
        line = json.dumps(rendered, separators=(",", ":"), ensure_ascii=False)
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(line + "\n")
        self.say(describe(rendered))
        if self.webhook:
            request = urllib.request.Request(  # noqa: S310 - the operator's own address
                self.webhook, line.encode(), {"Content-Type": "application/json"}
            )
            try:
                urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT_S).close()  # noqa: S310 - the same
            except OSError as error:
                self.say(f"the webhook did not take it ({type(error).__name__})")


def watch(evaluator: Evaluator, outlets: Outlets, stop: threading.Event) -> None:
    """Step through whole minutes of the real clock until the event; late minutes are made up for."""
    minute = _whole_minute(datetime.now(UTC))
    while True:
        due = minute + timedelta(minutes=1)
        if stop.wait(max(0.0, (due - datetime.now(UTC)).total_seconds() + SETTLE_S)):
            return
        minute = due
        try:
            for alert in evaluator.step(minute):
                outlets.send(alert)
        except (OSError, QueryFailed) as error:
            outlets.say(f"rules could not be evaluated ({type(error).__name__}: {error})")


def _whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def main() -> int:
    """Watch; 0 when told to stop."""
    parser = argparse.ArgumentParser(prog="python -m devstack.alerts.watch", description=__doc__)
    parser.add_argument("--workspace", required=True, help="URL of the local Log Analytics workspace")
    parser.add_argument("--file", type=Path, required=True, help="alerts are appended here, one a line")
    parser.add_argument("--webhook", help="alerts are posted here, too")
    arguments = parser.parse_args()

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    rules, source = current_rules(os.environ)
    say(f"watching {len(rules)} rules of {source}")
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    arguments.file.touch()
    evaluator = Evaluator(rules, WorkspaceClient(arguments.workspace))
    watch(evaluator, Outlets(arguments.file, arguments.webhook, say), stop)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
