"""The local cloud in the background: started so that it outlives the command, ended from another one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import psutil

from devstack.layout import ROOT, Layout
from devstack.lock import supervisor_pid
from devstack.processes import find_marked, sweep, tail, wait_until
from devstack.stack import status_of
from devstack.state import read_state

STOP_S = 45.0
AGAIN_READY_S = 30.0
_SETTLED = (200, 404)
"""What /ready answers where the app is ready, or has no such function."""


def start_in_background(layout: Layout, progress: Callable[[str], None]) -> str | None:
    """Return once the cloud is ready; None, or one sentence on why it is not. Nothing happens if it is up."""
    state = read_state(layout.state_file)
    if state is not None and supervisor_pid(layout) is not None:
        url = state.base_url
        if wait_until(lambda: status_of(url, "/ready") in _SETTLED, AGAIN_READY_S, step_s=0.2):
            return None
        return f"the local cloud is up, but it is not ready; its logs are in {layout.logs}"
    layout.create()
    return _start_supervisor(layout, progress)


def _start_supervisor(layout: Layout, progress: Callable[[str], None]) -> str | None:
    log = layout.logs / "supervisor.log"
    with log.open("wb") as errors:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "devstack", "supervise"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DEVSTACK_DIR": str(layout.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        for line in supervisor.stdout or ():
            word, _, text = line.strip().partition(" ")
            if word == "step":
                progress(text)
            elif word == "ready":
                return _await_state(layout)
            elif word == "failed":
                supervisor.wait()
                return text
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        return "interrupted"
    supervisor.wait()
    return f"the supervisor ended: {tail(log) or 'it printed nothing'}"


def end_cloud(layout: Layout) -> bool:
    """End the supervisor in order, then whatever else carries the cloud's mark. True where something ran."""
    pid = supervisor_pid(layout)
    ran = pid is not None or bool(find_marked(layout.folder))
    if pid is not None and pid > 0:
        _signal(pid, signal.SIGTERM)
        if not wait_until(lambda: supervisor_pid(layout) is None, STOP_S, step_s=0.05):
            _signal(pid, signal.SIGKILL)
            wait_until(lambda: supervisor_pid(layout) is None, 5.0)
        with contextlib.suppress(psutil.Error):  # it has let the lock go: the rest is Python's own end
            psutil.Process(pid).wait(5.0)
    sweep(layout.folder)
    layout.state_file.unlink(missing_ok=True)
    return ran


def _await_state(layout: Layout) -> str | None:
    """Another `up` may have been first: then its supervisor writes the state."""
    if wait_until(lambda: read_state(layout.state_file) is not None or supervisor_pid(layout) is None, 180.0):
        if read_state(layout.state_file) is not None:
            return None
        return "the supervisor that was starting ended; try again"
    return "another start is under way and does not become ready"


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
