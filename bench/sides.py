"""The two sides of a comparison: started, measured from outside, and stopped again.

Both run two processes, with the same Presidio configuration files. Stock is gunicorn with two sync workers,
as Presidio's image runs it. Ours is the local cloud with `WORKERS=2`, in a folder of its own, with tokens,
policy and audit on; its storage runs on the same machine and its CPU time counts against us.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from bench.load import BadAnswer, Target, run_load
from bench.scenario import BenchError
from bench.texts import seed_text
from devstack.state import State, read_state

ROOT = Path(__file__).resolve().parent.parent
CLOUD_DIR = ROOT / "bench" / "data" / "devstack"
WORKERS = 2
PERSONA = "engineer"

START_TIMEOUT_S = 180.0
_POLL_S = 0.01
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Side:
    """A running service. `workers` answer requests, `others` are what it needs besides (storage, master).

    `start_s` is from the start of the first worker process to the first answer of /analyze; `ready_s` from
    the command to that answer (ours starts storage and the token issuer as well).
    """

    name: str
    base: Target
    workers: tuple[int, ...]
    others: tuple[int, ...]
    start_s: float
    ready_s: float

    def target(self, path: str, method: str = "POST") -> Target:
        """Another route of the same service, called with the same token."""
        return replace(self.base, path=path, method=method)


def analyze_body(text: str) -> bytes:
    """An /analyze request over one text, as an ordinary client sends it."""
    return json.dumps({"text": text, "language": "en"}).encode()


def cpu_s(pids: Iterable[int]) -> float:
    """User and system seconds of the processes so far; one that is gone counts nothing."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system
    return total


def memory_mib(pids: Iterable[int]) -> dict[str, float]:
    """Mean proportional (shared pages divided among their users) and unique set size a process, in MiB."""
    sizes = [psutil.Process(pid).memory_full_info() for pid in pids]
    return {
        "pss": round(sum(size.pss for size in sizes) / len(sizes) / _MIB, 1),
        "uss": round(sum(size.uss for size in sizes) / len(sizes) / _MIB, 1),
    }


def _first_answer(target: Target, is_alive: Callable[[], bool]) -> float:
    """Wait for the first 200; the wall clock then. Raises BenchError after START_TIMEOUT_S or a death."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if not is_alive():
            raise BenchError("a server ended before its first answer: run it by hand to see why")
        try:
            run_load(target, [analyze_body(seed_text(230, 0))], 1)
        except (OSError, BadAnswer):
            time.sleep(_POLL_S)
        else:
            return time.time()
    raise BenchError(f"no answer within {START_TIMEOUT_S:.0f} s at start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _settle(target: Target, count: int = 60) -> None:
    """A few dozen calls, so that every worker has loaded all that it loads late before anything counts."""
    deadline = time.monotonic() + START_TIMEOUT_S
    bodies = [analyze_body(seed_text(230, 1_000_000 + index)) for index in range(count)]
    while True:
        try:
            run_load(target, bodies, 8)
        except (OSError, BadAnswer) as error:
            if time.monotonic() > deadline:
                raise BenchError(f"{target.path} does not settle: {error}") from error
            time.sleep(0.2)
        else:
            return


def presidio_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Presidio's three configuration variables for both sides: the environment's, or the project's."""
    defaults = {
        "ANALYZER_CONF_FILE": "config/analyzer.yaml",
        "NLP_CONF_FILE": "config/nlp.yaml",
        "RECOGNIZER_REGISTRY_CONF_FILE": "config/recognizers.yaml",
    }
    return {name: environment.get(name) or str(ROOT / path) for name, path in defaults.items()}


@contextlib.contextmanager
def stock_side(environment: Mapping[str, str] = os.environ) -> Iterator[Side]:
    """Stock Presidio behind gunicorn, up within the context. Raises BenchError where it does not start."""
    port = _free_port()
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "--workers", str(WORKERS)]
    command += ["--worker-class", "sync", "--bind", f"127.0.0.1:{port}", "--timeout", "120"]
    command += ["--log-level", "critical", "bench.stock_server:create_app()"]
    began = time.time()
    master = subprocess.Popen(command, cwd=ROOT, env={**environment, **presidio_files(environment)})
    try:
        target = Target("127.0.0.1", port, "/analyze")
        answered = _first_answer(target, lambda: master.poll() is None)
        _settle(target)
        workers = tuple(child.pid for child in psutil.Process(master.pid).children())
        yield Side(
            name="stock",
            base=target,
            workers=workers,
            others=(master.pid,),
            start_s=round(answered - began, 2),
            ready_s=round(answered - began, 2),
        )
    finally:
        master.terminate()
        master.wait(timeout=30)


@contextlib.contextmanager
def our_side(environment: Mapping[str, str] = os.environ) -> Iterator[Side]:
    """The local cloud, in an empty folder, up within the context. Raises BenchError where it cannot be.

    Without the local Log Analytics and the alert evaluator: in production they are Azure's, and what
    telemetry costs the service has a scenario of its own.
    """
    settings = {
        **environment,
        **presidio_files(environment),
        "DEVSTACK_DIR": str(CLOUD_DIR),
        "WORKERS": str(WORKERS),
        "TELEMETRY": "off",
    }
    _devstack("down", settings)
    shutil.rmtree(CLOUD_DIR, ignore_errors=True)
    began = time.time()
    up = subprocess.Popen(
        [sys.executable, "-m", "devstack", "up"], cwd=ROOT, env=settings, stdout=subprocess.DEVNULL
    )
    try:
        state = _await_state(up)
        analyze = target_of(state, "/analyze")
        answered = _first_answer(analyze, lambda: up.poll() in (None, 0))
        _settle(analyze)
        workers = tuple(state.pids.workers)
        started = min(psutil.Process(pid).create_time() for pid in workers)
        yield Side(
            name="ours",
            base=analyze,
            workers=workers,
            others=(state.pids.azurite, state.pids.issuer, state.pids.supervisor),
            start_s=round(answered - started, 2),
            ready_s=round(answered - began, 2),
        )
    finally:
        _devstack("down", settings)
        up.wait(timeout=START_TIMEOUT_S)


def _devstack(command: str, settings: Mapping[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "devstack", command],
        cwd=ROOT,
        env=settings,
        stdout=subprocess.DEVNULL,
        check=False,
    )


def _await_state(up: subprocess.Popen[bytes]) -> State:
    """The local cloud's state, as soon as it is there. Raises BenchError where it does not come."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        state = read_state(CLOUD_DIR / "state.json")
        if state is not None:
            return state
        if up.poll() is not None:
            raise BenchError(f"`python -m devstack up` ended with {up.returncode}; see above")
        time.sleep(_POLL_S)
    raise BenchError(f"the local cloud was not ready within {START_TIMEOUT_S:.0f} s")


def target_of(state: State, path: str) -> Target:
    """A route of the local cloud with the token of a person who may analyse and anonymise."""
    base = urlsplit(state.base_url)
    if base.hostname is None or base.port is None:
        raise BenchError("expected a base_url with host and port in the local cloud's state")
    token = state.personas[PERSONA].token
    return Target(base.hostname, base.port, path, {"Authorization": f"Bearer {token}"})
