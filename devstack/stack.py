"""The local cloud as a whole: storage, issuer and host, started in order, watched, ended in order."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from devstack.azurite import Azurite, connection_string, create_containers, start_azurite
from devstack.host.errors import HostError
from devstack.host.pool import WorkerPool, base_url
from devstack.issuing import fetch_personas, issuer_command
from devstack.keys import CloudKeys, load_or_create_keys
from devstack.layout import ROOT, Layout
from devstack.ports import LOOPBACK, choose_port, listen
from devstack.processes import end, spawn, sweep, tail, wait_until
from devstack.settings import CloudSettings, read_cloud_settings, worker_environment
from devstack.state import Pids, State, Storage, write_state
from devstack.tokens import issuers_setting
from shared.errors import SettingsError

READY_S = 180.0
_WATCH_S = 0.1
_LOCK_PATIENCE_S = 0.3
"""Longer than `supervisor_pid` looks at the lock."""

type Progress = Callable[[str], None]


class AlreadyUp(Exception):
    """Another supervisor holds this folder."""


@dataclass(slots=True)
class Stack:
    """A local cloud in one folder. `start`, then `watch`, then `stop`."""

    layout: Layout
    environment: Mapping[str, str]
    progress: Progress
    app: Path
    state: State | None = None
    _settings: CloudSettings = field(init=False)
    _keys: CloudKeys = field(init=False)
    _azurite: Azurite | None = None
    _issuer: subprocess.Popen[bytes] | None = None
    _issuer_port: int = 0
    _pool: WorkerPool | None = None

    def start(self) -> State:
        """Start everything and return when the service says that it is ready.

        Raises SettingsError or HostError with one sentence; what was started until then is left to `stop`.
        """
        self.layout.create()
        self._settings = read_cloud_settings(self.environment)
        listener = listen(choose_port("API_PORT", self.environment))
        self._issuer_port = choose_port("ISSUER_PORT", self.environment)
        blob_port = choose_port("BLOB_PORT", self.environment)
        self._keys = load_or_create_keys(self.layout.keys, self._settings.ledger_name)
        with self._step("storage (Azurite)"):
            self._start_azurite(blob_port)
            create_containers(
                connection_string(blob_port), self._settings.audit_container, self._settings.archive_container
            )
        with self._step("token issuer"):
            self._start_issuer()
        self._pool = WorkerPool(
            app=self.app,
            folder=self.layout.host,
            logs=self.layout.logs,
            cloud=self.layout.folder,
            listener=listener,
            workers=self._settings.workers,
            ready_path="/ready",
            environment=worker_environment(
                self.environment, self._settings, self._keys, blob_port, issuers_setting(self.issuer_url)
            ),
        )
        with self._step(f"functions host ({self._settings.workers} workers)"):
            self._pool.start()
        with self._step("service ready"):
            self._await_ready()
        self.state = self._describe(base_url(listener))
        write_state(self.layout.state_file, self.state)
        return self.state

    def watch(self, until: threading.Event) -> None:
        """Keep everything alive until the event. Raises HostError where the workers cannot go on."""
        assert self._pool is not None
        while not until.wait(_WATCH_S):
            changed = self._pool.poll() | self._revive()
            if self._pool.failure is not None:
                raise HostError(self._pool.failure)
            if changed and self.state is not None:
                self.state = self.state.model_copy(update={"pids": self._pids()})
                write_state(self.layout.state_file, self.state)

    def stop(self) -> None:
        """End everything, the service first: it may still have records to write."""
        self.layout.state_file.unlink(missing_ok=True)
        if self._pool is not None:
            self._pool.stop()
            self._pool.listener.close()
        if self._issuer is not None:
            end(self._issuer, 5.0)
        if self._azurite is not None:
            self._azurite.stop()
        sweep(self.layout.folder)

    @property
    def issuer_url(self) -> str:
        """The token issuer's address."""
        return f"http://{LOOPBACK}:{self._issuer_port}"

    def _start_azurite(self, port: int) -> None:
        self._azurite = start_azurite(
            self.layout.storage,
            port=port,
            log=self.layout.logs / "azurite.log",
            cloud=self.layout.folder,
            environment=self.environment,
        )

    def _start_issuer(self) -> None:
        log = self.layout.logs / "issuer.log"
        self._issuer = spawn(
            issuer_command(self._issuer_port, self.layout.issuer),
            environment={**self.environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            cloud=self.layout.folder,
            log=log,
            cwd=ROOT,
        )
        issuer = self._issuer
        wait_until(lambda: issuer.poll() is not None or status_of(self.issuer_url, "/health") == 200, 30.0)
        if issuer.poll() is not None:
            raise SettingsError("issuer", f"did not start: {tail(log) or 'it printed nothing'}")

    def _revive(self) -> bool:
        """Start storage or issuer again where they ended by themselves."""
        changed = False
        if self._azurite is not None and self._azurite.process.poll() is not None:
            self._start_azurite(self._azurite.port)
            changed = True
        if self._issuer is not None and self._issuer.poll() is not None:
            self._start_issuer()
            changed = True
        return changed

    def _await_ready(self) -> None:
        assert self._pool is not None
        try:
            self._pool.await_warm(READY_S)
        except HostError as error:
            if self._pool.failure is not None:
                raise
            log = self.layout.logs / "worker-0.log"
            raise HostError(f"{error} (the last line of {log}: {tail(log)})") from None

    def _describe(self, url: str) -> State:
        assert self._azurite is not None
        port = self._settings.service_blob_port or self._azurite.port
        return State(
            base_url=url,
            issuer=self.issuer_url,
            personas=fetch_personas(self.issuer_url),
            storage=Storage(
                connection_string=connection_string(port), container=self._settings.audit_container
            ),
            trusted_keys=[self._keys.vkey],
            pids=self._pids(),
        )

    def _pids(self) -> Pids:
        assert self._azurite is not None
        assert self._issuer is not None
        assert self._pool is not None
        return Pids(
            supervisor=os.getpid(),
            azurite=self._azurite.process.pid,
            issuer=self._issuer.pid,
            workers=self._pool.pids,
        )

    @contextlib.contextmanager
    def _step(self, title: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.progress(f"{title}: {time.monotonic() - started:.1f} s")


@contextlib.contextmanager
def only_supervisor(layout: Layout) -> Iterator[None]:
    """Hold the folder's lock, with our process id in it. Raises AlreadyUp.

    The lock goes with the process, however it ends; what a dead supervisor left running is ended here.
    """
    layout.create()
    with layout.lock_file.open("a+") as lock:
        if not wait_until(lambda: _lock_now(lock.fileno()), _LOCK_PATIENCE_S):
            raise AlreadyUp
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        layout.state_file.unlink(missing_ok=True)
        sweep(layout.folder)
        yield


def _lock_now(descriptor: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def supervisor_pid(layout: Layout) -> int | None:
    """The process that holds the folder's lock, None where nobody does."""
    if not layout.lock_file.exists():
        return None
    with layout.lock_file.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = lock.read()
            return int(text) if text.isdigit() else -1
    return None


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
