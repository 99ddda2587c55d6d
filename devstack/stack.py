"""The local cloud as a whole: storage, issuer and host, started in order, watched, ended in order."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from devstack.azurite import Azurite, connection_string, create_containers, start_azurite
from devstack.host.errors import HostError
from devstack.host.pool import WorkerPool, base_url
from devstack.issuing import directory_environment, fetch_graph, fetch_personas, issuer_command
from devstack.keys import load_or_create_keys
from devstack.layout import ROOT, Layout
from devstack.ports import LOOPBACK, choose_port, listen
from devstack.processes import end, spawn, sweep, tail, wait_until
from devstack.settings import CloudSettings, read_cloud_settings, worker_environment
from devstack.state import Pids, State, Storage, write_state
from devstack.tokens import issuers_setting
from devstack.watching import watching
from shared.errors import SettingsError

READY_S = 180.0
_ISSUER_START_S = 30.0
_WATCH_S = 0.1

type Progress = Callable[[str], None]


@dataclass(slots=True)
class Stack:
    """A running local cloud. Its processes change when one of them has to be started again."""

    layout: Layout
    environment: Mapping[str, str]
    settings: CloudSettings
    vkey: str
    issuer_port: int
    azurite: Azurite
    issuer: subprocess.Popen[bytes]
    pool: WorkerPool

    def describe(self) -> State:
        """What runs, with a fresh token for every persona."""
        issuer_url = address(self.issuer_port)
        blob_port = self.settings.service_blob_port or self.azurite.port
        return State(
            base_url=base_url(self.pool.listener),
            issuer=issuer_url,
            personas=fetch_personas(issuer_url),
            storage=Storage(
                connection_string=connection_string(blob_port), container=self.settings.audit_container
            ),
            trusted_keys=[self.vkey],
            pids=self._pids(),
            graph=fetch_graph(issuer_url),
        )

    def watch(self, state: State, until: threading.Event) -> None:
        """Keep everything alive until the event, and the state file true.

        Raises HostError where the workers cannot go on.
        """
        while not until.wait(_WATCH_S):
            changed = self.pool.poll() | self._revive()
            if self.pool.failure is not None:
                raise HostError(self.pool.failure)
            if changed:
                write_state(self.layout.state_file, state.model_copy(update={"pids": self._pids()}))

    def end_storage(self) -> None:
        """The storage of the moment, not the one of the start."""
        self.azurite.stop()

    def end_issuer(self) -> None:
        """The issuer of the moment."""
        end(self.issuer, 5.0)

    def _revive(self) -> bool:
        """Start storage or issuer again where they ended by themselves."""
        changed = False
        if self.azurite.process.poll() is not None:
            self.azurite = _start_storage(self.layout, self.environment, self.azurite.port)
            changed = True
        if self.issuer.poll() is not None:
            self.issuer = _start_issuer(self.layout, self.environment, self.issuer_port)
            changed = True
        return changed

    def _pids(self) -> Pids:
        azurite, issuer = self.azurite.process.pid, self.issuer.pid
        return Pids(supervisor=os.getpid(), azurite=azurite, issuer=issuer, workers=self.pool.pids)


@contextlib.contextmanager
def running_stack(
    layout: Layout, environment: Mapping[str, str], progress: Progress, app: Path
) -> Iterator[tuple[Stack, State]]:
    """Start everything; the stack and its state once the service says that it is ready; end everything.

    Raises SettingsError or HostError with one sentence. At the end the service goes first: it may still
    have records to write.
    """
    layout.create()
    settings = read_cloud_settings(environment)
    api_port = choose_port("API_PORT", environment)
    issuer_port = choose_port("ISSUER_PORT", environment)
    blob_port = choose_port("BLOB_PORT", environment)
    keys = load_or_create_keys(layout.keys, settings.ledger_name)
    with contextlib.ExitStack() as ending:
        ending.callback(sweep, layout.folder)
        with _step(progress, "storage (Azurite)"):
            azurite = _start_storage(layout, environment, blob_port)
            create_containers(azurite.connection_string, settings.audit_container, settings.archive_container)
        with _step(progress, "token issuer"):
            issuer = _start_issuer(layout, environment, issuer_port)
        with _step(progress, "Log Analytics and alert rules"):
            wire = ending.enter_context(watching(layout, environment, progress))
        issuers = issuers_setting(address(issuer_port))
        pool = WorkerPool(
            app=app,
            folder=layout.host,
            logs=layout.logs,
            cloud=layout.folder,
            listener=ending.enter_context(listen(api_port)),
            workers=settings.workers,
            environment={
                **worker_environment({**environment, **wire}, settings, keys, blob_port, issuers),
                **directory_environment(address(issuer_port)),
            },
            ready_path="/ready",
        )
        stack = Stack(layout, environment, settings, keys.vkey, issuer_port, azurite, issuer, pool)
        for ender in (stack.end_storage, stack.end_issuer, pool.stop):
            ending.callback(ender)
        with _step(progress, f"functions host ({settings.workers} workers)"):
            pool.start()
        with _step(progress, "service ready"):
            _await_ready(stack)
        state = stack.describe()
        ending.callback(layout.state_file.unlink, missing_ok=True)
        write_state(layout.state_file, state)
        yield stack, state


def address(port: int) -> str:
    """The address of a server on this machine."""
    return f"http://{LOOPBACK}:{port}"


def status_of(url: str, path: str, timeout_s: float = 5.0) -> int | None:
    """The status of a GET, None where nothing answers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return response.status


def _start_storage(layout: Layout, environment: Mapping[str, str], port: int) -> Azurite:
    log = layout.logs / "azurite.log"
    return start_azurite(layout.storage, port=port, log=log, cloud=layout.folder, environment=environment)


def _start_issuer(layout: Layout, environment: Mapping[str, str], port: int) -> subprocess.Popen[bytes]:
    log = layout.logs / "issuer.log"
    issuer = spawn(
        issuer_command(port, layout.issuer),
        environment={**environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        cloud=layout.folder,
        log=log,
        cwd=ROOT,
    )
    url = address(port)
    wait_until(lambda: issuer.poll() is not None or status_of(url, "/health") == 200, _ISSUER_START_S)
    if issuer.poll() is not None:
        raise SettingsError("issuer", f"did not start: {tail(log) or 'it printed nothing'}")
    return issuer


def _await_ready(stack: Stack) -> None:
    try:
        stack.pool.await_warm(READY_S)
    except HostError as error:
        if stack.pool.failure is not None:
            raise
        log = stack.layout.logs / "worker-0.log"
        raise HostError(f"{error} (the last line of {log}: {tail(log)})") from None


@contextlib.contextmanager
def _step(progress: Progress, title: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    progress(f"{title}: {time.monotonic() - started:.1f} s")
