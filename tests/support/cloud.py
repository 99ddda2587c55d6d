"""A private local cloud for end-to-end tests: its own folder and ports, a person's own is left alone.

Where many tests share one, use the fixture `cloud`, and `faulty_cloud` for one whose service reaches storage
through a fault proxy. Tests that kill or configure something start their own with `running_cloud`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from devstack.azurite import connection_string
from devstack.layout import ROOT, Layout
from devstack.ports import choose_port
from devstack.processes import wait_until
from devstack.state import State, read_state
from tests.support.fault_proxy import FaultProxy

_CHOSEN_BY_PEOPLE = ("API_PORT", "ISSUER_PORT", "BLOB_PORT", "SERVICE_BLOB_PORT", "WORKERS", "DEVSTACK_APP")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of the service."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def record(self) -> str | None:
        """The audit record that it names, `<writer>/<index>`."""
        return self.headers.get("X-Audit-Record")


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running cloud. `direct_storage` is a connection string past the proxy, if there is one."""

    layout: Layout
    direct_storage: str
    proxy: FaultProxy | None = None

    @property
    def state(self) -> State:
        """What runs now: process ids change when a worker is started again."""
        state = read_state(self.layout.state_file)
        assert state is not None, f"the cloud in {self.layout.folder} is not up"
        return state

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        persona: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
        state: State | None = None,
    ) -> Answer:
        """One request. A body that is not bytes is sent as JSON; the token is the persona's or the one given.

        `state` spares reading it anew for each of many calls.
        """
        sent = dict(headers or {})
        state = state or self.state
        token = state.personas[persona].token if persona else token
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(urlsplit(state.base_url).netloc, timeout=timeout_s)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def logs(self) -> str:
        """Everything that the workers wrote to stdout and stderr."""
        return "".join(
            log.read_text(errors="replace") for log in sorted(self.layout.logs.glob("worker-*.log"))
        )

    def kill_worker(self) -> int:
        """SIGKILL to one worker; returns its id once another one has taken its place."""
        victim = self.state.pids.workers[0]
        os.kill(victim, signal.SIGKILL)
        assert wait_until(lambda: victim not in self.state.pids.workers, 30.0)
        return victim


@contextlib.contextmanager
def running_cloud(folder: Path, *, behind_proxy: bool = False, **settings: str) -> Iterator[Cloud]:
    """A cloud for the time of a `with` block. Keyword arguments are environment variables of its workers."""
    layout = Layout(folder.resolve())
    blob_port = choose_port("BLOB_PORT", {})
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy(blob_port)) if behind_proxy else None
        environment = {name: value for name, value in os.environ.items() if name not in _CHOSEN_BY_PEOPLE}
        environment |= {"DEVSTACK_DIR": str(layout.folder), "BLOB_PORT": str(blob_port)}
        if proxy is not None:
            environment["SERVICE_BLOB_PORT"] = str(proxy.port)
        environment |= settings
        stack.callback(_devstack, "down", environment)
        started = _devstack("up", environment)
        assert started.returncode == 0, f"{started.stdout}\n{started.stderr}"
        yield Cloud(layout, connection_string(blob_port), proxy)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """One cloud for all tests that leave it as it was."""
    with tempfile.TemporaryDirectory(prefix="cloud-") as folder, running_cloud(Path(folder)) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def faulty_cloud() -> Iterator[Cloud]:
    """One cloud behind a fault proxy. A test that sets a fault clears it again."""
    with (
        tempfile.TemporaryDirectory(prefix="faulty-cloud-") as folder,
        running_cloud(Path(folder), behind_proxy=True) as cloud,
    ):
        yield cloud


def _devstack(command: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "devstack", command],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
