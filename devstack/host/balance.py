"""Shares connections between worker processes by how busy they are.

All workers wait on one listening socket. The kernel wakes whichever it likes, and a connection that is kept
alive stays where it landed: two workers could serve three clients and one. So each worker writes what it has
to do into a table in shared memory; one that has more to do than another waits a moment before it accepts,
and one that is two requests ahead asks the client to connect anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import socket
from collections.abc import Callable
from pathlib import Path

_ABSENT = 1 << 30
_PATIENCE_S = 0.010
_STEP_S = 0.001


class LoadTable:
    """For each worker, its requests in work and its open connections. Shared through a small file."""

    def __init__(self, path: Path, workers: int) -> None:
        self.workers = workers
        size = workers * 8
        with path.open("a+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        self.cells = memoryview(self._map).cast("i")

    def clear(self, worker: int) -> None:
        """The worker is not there: nobody waits for it."""
        self.cells[2 * worker] = self.cells[2 * worker + 1] = _ABSENT

    def close(self) -> None:
        """Let the memory go."""
        self.cells.release()
        self._map.close()


class Load:
    """One worker's own row of the table, and how it compares with the others."""

    def __init__(self, table: LoadTable, worker: int) -> None:
        self._cells, self._own = table.cells, 2 * worker
        self._others = [2 * other for other in range(table.workers) if other != worker]
        self._cells[self._own] = self._cells[self._own + 1] = 0

    def begin(self) -> None:
        """A request came."""
        self._cells[self._own] += 1

    def finish(self) -> None:
        """Its answer is ready."""
        self._cells[self._own] -= 1

    def connections(self, count: int) -> None:
        """So many connections are open."""
        self._cells[self._own + 1] = count

    def is_heavier(self) -> bool:
        """True where another worker has less to do: requests count first, then connections."""
        cells, own = self._cells, self._own
        mine = (cells[own], cells[own + 1])
        return any((cells[other], cells[other + 1]) < mine for other in self._others)

    def is_uneven(self) -> bool:
        """True where a client of this worker were better off with another one."""
        cells, own = self._cells, self._own
        return any(cells[own] >= cells[other] + 2 for other in self._others)


class BalancedListener:
    """Accepts connections from a shared listening socket, one at a time, when this worker's turn has come."""

    def __init__(
        self,
        listener: socket.socket,
        load: Load,
        make_protocol: Callable[[], asyncio.Protocol],
        count_connections: Callable[[], int],
    ) -> None:
        self._listener, self._load = listener, load
        self._make_protocol, self._count = make_protocol, count_connections
        self._loop = asyncio.get_running_loop()
        self._waited_s = 0.0
        self._pending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._listener.fileno(), self._on_readable)

    def close(self) -> None:
        """Accept nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()

    def _on_readable(self) -> None:
        self._load.connections(self._count() + len(self._pending))
        if self._load.is_heavier() and self._waited_s < _PATIENCE_S:
            self._waited_s += _STEP_S
            self._loop.remove_reader(self._listener.fileno())
            self._timer = self._loop.call_later(_STEP_S, self._look_again)
            return
        self._waited_s = 0.0
        with contextlib.suppress(BlockingIOError, InterruptedError, ConnectionAbortedError):
            connection, _ = self._listener.accept()
            task = self._loop.create_task(self._serve(connection))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)

    def _look_again(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listener.fileno(), self._on_readable)

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._loop.connect_accepted_socket(self._make_protocol, connection)
        self._load.connections(self._count() + len(self._pending))
