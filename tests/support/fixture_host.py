"""The fixture app of tests/devstack in a worker pool, and what it noted."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack.host.pool import WorkerPool
from devstack.layout import ROOT
from devstack.ports import listen
from devstack.processes import wait_until

FIXTURE_APP = ROOT / "tests" / "devstack" / "fixture_app"
NEVER = "0 0 0 29 2 *"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the fixture app."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class FixtureHost:
    """A running pool of the fixture app."""

    pool: WorkerPool
    notes_file: Path

    @property
    def port(self) -> int:
        port: int = self.pool.listener.getsockname()[1]
        return port

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One request on a connection of its own; `x_name` becomes the header `x-name`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def notes(self, event: str) -> list[dict[str, Any]]:
        """What the app noted about an event, in order."""
        if not self.notes_file.exists():
            return []
        lines = [json.loads(line) for line in self.notes_file.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["event"] == event]

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> bool:
        """Keep the pool alive until the condition holds."""

        def check() -> bool:
            self.pool.poll()
            return condition()

        return wait_until(check, timeout_s)


def fixture_pool(folder: Path, storage: str, workers: int = 2, **settings: str) -> FixtureHost:
    """A pool that is not started yet. Keyword arguments are environment variables."""
    notes = folder / "notes.jsonl"
    environment: Mapping[str, str] = {
        **os.environ,
        "FIXTURE_NOTES": str(notes),
        "FIXTURE_SCHEDULE": NEVER,
        "AzureWebJobsStorage": storage,
        **settings,
    }
    pool = WorkerPool(FIXTURE_APP, folder / "host", folder / "logs", folder, listen(0), workers, environment)
    return FixtureHost(pool, notes)


@contextlib.contextmanager
def running_host(folder: Path, storage: str, workers: int = 2, **settings: str) -> Iterator[FixtureHost]:
    """The fixture app for the time of a `with` block."""
    host = fixture_pool(folder, storage, workers, **settings)
    try:
        host.pool.start()
        yield host
    finally:
        host.pool.stop()
        host.pool.listener.close()
