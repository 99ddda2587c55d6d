"""Uvicorn's HTTP protocol behind our own way of accepting connections and of stopping."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator

import uvicorn

from devstack.host.balance import BalancedListener, Load
from devstack.host.http import Front

DRAIN_S = 15.0
KEEP_ALIVE_S = 30


class WorkerServer(uvicorn.Server):
    """Serves one worker's share of a listening socket until `should_exit` is set, then drains."""

    def __init__(self, front: Front, load: Load, listener: socket.socket) -> None:
        config = uvicorn.Config(
            front,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(DRAIN_S),
        )
        super().__init__(config)
        self._load, self._listener = load, listener

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the worker's: uvicorn would raise them again after serving and cut its end short."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        state, config = self.server_state, self.config
        self.servers = []
        self._balanced = BalancedListener(
            self._listener,
            self._load,
            lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),  # type: ignore[call-arg]
            lambda: len(state.connections),
        )
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, finish what was begun."""
        self._balanced.close()
        await super().shutdown()
