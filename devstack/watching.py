"""The wire and the watch of a local cloud: its Log Analytics workspace, and the evaluator of its rules."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from devstack.alerts.told import describe_line, follow
from devstack.layout import ROOT, Layout
from devstack.loganalytics.client import WorkspaceClient
from devstack.ports import choose_port
from devstack.processes import end, spawn, tail, wait_until
from shared.errors import SettingsError

START_S = 30.0


def workspace_folder(layout: Layout) -> Path:
    """Where the workspace keeps its tables, and its address in the file `url` while it runs."""
    return layout.folder / "loganalytics"


def alerts_file(layout: Layout) -> Path:
    """Alerts that fired or resolved, one a line."""
    return layout.folder / "alerts.jsonl"


def find_workspace(layout: Layout) -> WorkspaceClient | None:
    """The workspace of a running cloud, None where none answers."""
    with contextlib.suppress(OSError):
        client = WorkspaceClient((workspace_folder(layout) / "url").read_text("utf-8").strip())
        if client.is_up():
            return client
    return None


@contextlib.contextmanager
def watching(
    layout: Layout, environment: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[dict[str, str]]:
    """Start workspace and evaluator; what the service's environment needs to send there; end both.

    TELEMETRY=off leaves all of it out. Alerts are told to `say` as they come; ALERT_WEBHOOK gets them, too.
    Raises SettingsError where the workspace does not start.
    """
    if environment.get("TELEMETRY") == "off":
        yield {}
        return
    inherited = {**environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    workspace = _start_workspace(layout, inherited, choose_port("LOGS_PORT", environment))
    stop = threading.Event()
    evaluator = _start_evaluator(layout, inherited, workspace.url)
    file = alerts_file(layout)
    threading.Thread(
        target=lambda: follow(file, lambda line: say(describe_line(line)), stop), name="alerts", daemon=True
    ).start()
    try:
        yield {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": (
                f"InstrumentationKey={_instrumentation_key(layout)};IngestionEndpoint={workspace.url}"
            ),
            "OTEL_METRIC_EXPORT_INTERVAL": environment.get("OTEL_METRIC_EXPORT_INTERVAL", "15000"),
        }
    finally:
        stop.set()
        end(evaluator, 5.0)
        end(workspace.process, 5.0)


def _instrumentation_key(layout: Layout) -> str:
    """A key of this cloud alone: the exporter keeps what was refused in a folder named after it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, layout.folder.as_uri()))


class _Workspace:
    """A started workspace: its process and its address."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process = process
        self.url = url


def _start_workspace(layout: Layout, environment: Mapping[str, str], port: int) -> _Workspace:
    folder, log = workspace_folder(layout), layout.logs / "loganalytics.log"
    command = [sys.executable, "-m", "devstack.loganalytics", "--port", str(port), "--folder", str(folder)]
    process = spawn(command, environment=environment, cloud=layout.folder, log=log, cwd=ROOT)
    url = f"http://127.0.0.1:{port}/"
    client = WorkspaceClient(url)
    if (
        not wait_until(lambda: process.poll() is not None or client.is_up(), START_S)
        or process.poll() is not None
    ):
        raise SettingsError("loganalytics", f"did not start: {tail(log) or 'it printed nothing'}")
    return _Workspace(process, url)


def _start_evaluator(layout: Layout, environment: Mapping[str, str], url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "devstack.alerts.watch", "--workspace", url]
    command += ["--file", str(alerts_file(layout))]
    if environment.get("ALERT_WEBHOOK"):
        command += ["--webhook", environment["ALERT_WEBHOOK"]]
    log = layout.logs / "alerts.log"
    return spawn(command, environment=environment, cloud=layout.folder, log=log, cwd=ROOT)
