"""One worker process: `python -m devstack.host.worker --app DIR --folder DIR --listener FD --status FD ...`.

It loads the app, says so on the status pipe (`serves`, `warm`, or one sentence), and serves until SIGTERM.
Then it drains: no new connections, begun requests are finished, the service closes its ledger, Python ends
in order.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import inspect
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvloop

from devstack.host.balance import Load, LoadTable
from devstack.host.bindings import HttpFunction, WarmupFunction
from devstack.host.errors import HostError
from devstack.host.http import Front, render_result
from devstack.host.invoker import Invoker
from devstack.host.routes import Router
from devstack.host.server import DRAIN_S, WorkerServer
from devstack.host.status import EXIT_CANNOT_START, SERVES, WARM
from devstack.host.triggers import run_triggers

_SETTINGS_FAULTS = ("SettingsError: ", "HostError: ")

logger = logging.getLogger("devstack.host")


def main() -> int:
    """Run a worker; its exit code."""
    arguments = parse_arguments()
    # as Azure's worker: INFO and above, without the library's own line for each invocation
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("azure.functions", "azure.core", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    report = Report(arguments.status)
    try:
        uvloop.run(serve(arguments, report))
    except HostError as error:
        sentence = str(error)
        for prefix in _SETTINGS_FAULTS:
            sentence = sentence.removeprefix(prefix)
        logger.error("cannot start: %s", sentence)
        report.say(" ".join(sentence.split()))
        return EXIT_CANNOT_START
    return 0


class Report:
    """The way to tell the pool something: one line each. A pool that is gone does not matter."""

    def __init__(self, descriptor: int) -> None:
        self._out = os.fdopen(descriptor, "w", encoding="utf-8")

    def say(self, line: str) -> None:
        """Send one line."""
        with contextlib.suppress(OSError):
            self._out.write(line + "\n")
            self._out.flush()


def parse_arguments() -> argparse.Namespace:
    """The command line, as `pool.py` writes it."""
    parser = argparse.ArgumentParser(prog="devstack.host.worker")
    parser.add_argument("--app", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--ready-path", default="")
    for name in ("listener", "status", "worker", "workers"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


async def serve(arguments: argparse.Namespace, report: Report) -> None:
    """Serve until SIGTERM, then drain. Raises HostError where the app cannot run."""
    invoker = await Invoker.load(arguments.app)
    load = Load(LoadTable(arguments.folder / "load", arguments.workers), arguments.worker)
    routes = Router(function for function in invoker.functions if isinstance(function, HttpFunction))
    listener = socket.socket(fileno=arguments.listener)
    server = WorkerServer(Front(invoker, routes, load), load, listener)
    with (arguments.folder / "triggers.lock").open("w") as lock:
        triggers = asyncio.create_task(run_triggers(invoker, arguments.folder, lock.fileno()))
        warm_up = asyncio.create_task(call_warmups(invoker, server))
        readiness = asyncio.create_task(tell_when_warm(invoker, routes, arguments.ready_path, report))

        def stop() -> None:
            server.should_exit = True
            triggers.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        report.say(SERVES)
        await server.serve()
        if warm_up.done():
            warm_up.result()
        await drain(invoker, triggers, warm_up, readiness)


async def call_warmups(invoker: Invoker, server: WorkerServer) -> None:
    """Warm the app while it already serves. A fault of the settings ends the worker, others are logged."""
    for function in invoker.functions:
        if isinstance(function, WarmupFunction):
            failure = (await invoker.call_warmup(function)).failure or ""
            if failure.startswith(_SETTINGS_FAULTS):
                server.should_exit = True
                raise HostError(failure)


async def tell_when_warm(invoker: Invoker, routes: Router, ready_path: str, report: Report) -> None:
    """Ask the app's readiness function until it answers 200 (another worker might answer on the port)."""
    found = routes.find("GET", ready_path) if ready_path else None
    pause_s = 0.02
    while found is not None:
        result = await invoker.call_http(
            found[0], method="GET", url=ready_path, headers={}, query={}, parameters={}, body=b""
        )
        if render_result(result)[0] == 200:
            break
        await asyncio.sleep(pause_s)
        pause_s = min(1.0, pause_s * 1.2)
    report.say(WARM)


async def drain(invoker: Invoker, *background: asyncio.Task[None]) -> None:
    """End what runs in the background, then let the service write what it still has to write."""
    await invoker.finish(DRAIN_S)
    for task in background:
        task.cancel()
    for outcome in await asyncio.gather(*background, return_exceptions=True):
        if isinstance(outcome, Exception):
            logger.error("a background task failed: %s", type(outcome).__name__, exc_info=outcome)
    close = getattr(sys.modules.get("shared.wiring"), "close_service", None)
    if close is not None:
        closing = close() if inspect.iscoroutinefunction(close) else asyncio.to_thread(close)
        await closing


if __name__ == "__main__":
    sys.exit(main())
