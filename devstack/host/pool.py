"""The worker processes of one app: started on one listening socket, started again when they die, stopped."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack.host.balance import LoadTable
from devstack.host.errors import HostError
from devstack.host.status import EXIT_CANNOT_START, SERVES, WARM
from devstack.layout import ROOT
from devstack.ports import LOOPBACK
from devstack.processes import end, spawn, wait_until

STOP_S = 25.0
_STEADY_S = 5.0
_MAX_PAUSE_S = 10.0


@dataclass(slots=True)
class _Slot:
    """One worker's place: the process of the moment and how the last ones fared."""

    process: subprocess.Popen[bytes] | None = None
    status_fd: int = -1
    said: bytes = b""
    started_at: float = 0.0
    pause_s: float = 0.0
    start_after: float = 0.0

    @property
    def lines(self) -> list[str]:
        """What the process of the moment has said."""
        return self.said.decode(errors="replace").splitlines()


@dataclass(slots=True)
class WorkerPool:
    """`workers` processes that serve the app of a folder. Call `poll` often: it keeps them alive.

    `folder` holds schedules, receipts and the load table; `cloud` marks the processes; `ready_path` is the
    route of the app's readiness function, if it has one.
    """

    app: Path
    folder: Path
    logs: Path
    cloud: Path
    listener: socket.socket
    workers: int
    environment: Mapping[str, str]
    ready_path: str = ""
    failure: str | None = None
    restarts: int = 0
    _slots: list[_Slot] = field(default_factory=list)
    _table: LoadTable = field(init=False)

    def start(self, timeout_s: float = 120.0) -> None:
        """Start all workers; returns once each serves. Raises HostError with the worker's sentence."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._table = LoadTable(self.folder / "load", self.workers)
        self._slots = [_Slot() for _ in range(self.workers)]
        for number in range(self.workers):
            self._launch(number)
        in_time = wait_until(lambda: self.failure is not None or self._all_say(SERVES), timeout_s)
        if self.failure is not None or not in_time:
            self.stop()
            raise HostError(self.failure or f"the workers did not start within {timeout_s:.0f} s")

    def await_warm(self, timeout_s: float) -> None:
        """Return once every worker's app says that it is ready. Raises HostError, as `start` does."""
        in_time = wait_until(lambda: self.failure is not None or self._all_say(WARM), timeout_s)
        if self.failure is not None or not in_time:
            raise HostError(self.failure or f"the app was not ready within {timeout_s:.0f} s")

    @property
    def pids(self) -> list[int]:
        """The process ids of the moment."""
        return [slot.process.pid for slot in self._slots if slot.process is not None]

    def poll(self) -> bool:
        """Note what workers say, start dead ones again; True where a process was replaced.

        One that dies soon after its start is started again later and later. `failure` is set, and it is not
        started again, where it says that its settings are wrong.
        """
        replaced = False
        for number, slot in enumerate(self._slots):
            self._listen_to(slot)
            if slot.process is not None and slot.process.poll() is not None:
                self._bury(number, slot.process.returncode)
            if slot.process is None and self.failure is None and time.monotonic() >= slot.start_after:
                self._launch(number)
                self.restarts += 1
                replaced = True
        return replaced

    def stop(self, patience_s: float = STOP_S) -> None:
        """SIGTERM to all at once, so that they drain together; SIGKILL for those that do not end in time."""
        deadline = time.monotonic() + patience_s
        running = [slot.process for slot in self._slots if slot.process is not None]
        for process in running:
            process.terminate()
        for process in running:
            end(process, max(0.1, deadline - time.monotonic()))
        for slot in self._slots:
            with contextlib.suppress(OSError):
                os.close(slot.status_fd)
        self._slots = []

    def _all_say(self, word: str) -> bool:
        self.poll()
        return all(word in slot.lines for slot in self._slots)

    def _launch(self, number: int) -> None:
        slot = self._slots[number]
        self._table.clear(number)
        slot.status_fd, child_fd = os.pipe()
        os.set_blocking(slot.status_fd, False)
        options = {
            "app": self.app,
            "folder": self.folder,
            "listener": self.listener.fileno(),
            "status": child_fd,
            "ready-path": self.ready_path,
            "worker": number,
            "workers": self.workers,
        }
        command = [sys.executable, "-m", "devstack.host.worker"]
        command += [f"--{name}={value}" for name, value in options.items()]
        slot.process = spawn(
            command,
            environment={**self.environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            cloud=self.cloud,
            log=self.logs / f"worker-{number}.log",
            cwd=self.app,
            pass_fds=[self.listener.fileno(), child_fd],
        )
        os.close(child_fd)
        slot.said, slot.started_at = b"", time.monotonic()

    def _listen_to(self, slot: _Slot) -> None:
        if slot.status_fd >= 0:
            with contextlib.suppress(BlockingIOError):
                while piece := os.read(slot.status_fd, 4_096):
                    slot.said += piece

    def _bury(self, number: int, exit_code: int) -> None:
        slot = self._slots[number]
        self._listen_to(slot)
        if exit_code == EXIT_CANNOT_START:
            said = slot.lines
            self.failure = said[-1] if said else f"a worker cannot start; see its log in {self.logs}"
        os.close(slot.status_fd)
        self._table.clear(number)
        lived_s = time.monotonic() - slot.started_at
        slot.pause_s = 0.0 if lived_s > _STEADY_S else min(_MAX_PAUSE_S, 2 * slot.pause_s + 0.25)
        slot.start_after = time.monotonic() + slot.pause_s
        slot.process, slot.status_fd = None, -1


def base_url(listener: socket.socket) -> str:
    """Where the workers serve."""
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"
