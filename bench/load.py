"""A bounded load generator: a few threads with blocking sockets, the cheapest client that Python has.

It shares the machine with what it measures, so a request costs it some tens of microseconds: the request
bytes are made beforehand and only the status line and the framing headers of an answer are read. Each text is
sent exactly once a run, by `concurrency` callers that each wait for an answer before their next request.

Connections: a new one for every request, since Presidio's image runs gunicorn's sync worker, which closes
after every answer: so it is the same for both sides. With `keep` one is reused where the server allows.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.measures import Run

MAX_REQUESTS = 5_000
MAX_CONCURRENCY = 64
ANSWER_TIMEOUT_S = 60.0


class BadAnswer(Exception):
    """An answer that is not 200, or not HTTP: a benchmark of failures is no benchmark."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. `headers` are sent with each, besides Host, Content-Type and Content-Length."""

    host: str
    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"

    def render(self, body: bytes, *, keep: bool) -> bytes:
        """The bytes of one request."""
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"Connection: {'keep-alive' if keep else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `is_open` says whether the server lets the connection stay open."""

    status: int
    body: bytes
    is_open: bool


class Connection:
    """One caller's socket, opened when needed."""

    def __init__(self, target: Target) -> None:
        self._address = (target.host, target.port)
        self._socket: socket.socket | None = None

    def exchange(self, request: bytes) -> Answer:
        """Send a request and read its whole answer. Raises OSError, BadAnswer."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=ANSWER_TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        answer = _read_answer(self._socket)
        if not answer.is_open:
            self.close()
        return answer

    def close(self) -> None:
        """Close the socket, if one is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _read_answer(source: socket.socket) -> Answer:
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0:
        _receive(source, data)
    head = bytes(data[:end]).lower().split(b"\r\n")
    del data[: end + 4]
    fields = dict(line.split(b":", 1) for line in head[1:])
    status_line = head[0].split(None, 2)
    if len(status_line) < 2 or not status_line[1].isdigit():
        raise BadAnswer("expected an HTTP status line")
    if fields.get(b"transfer-encoding", b"").strip() == b"chunked":
        body = _read_chunks(source, data)
    else:
        body = _read_exactly(source, data, int(fields.get(b"content-length", b"0")))
    is_open = status_line[0] == b"http/1.1" and fields.get(b"connection", b"").strip() != b"close"
    return Answer(int(status_line[1]), body, is_open)


def _receive(source: socket.socket, data: bytearray) -> None:
    part = source.recv(65_536)
    if not part:
        raise BadAnswer("the server closed the connection within an answer")
    data += part


def _read_exactly(source: socket.socket, data: bytearray, length: int) -> bytes:
    while len(data) < length:
        _receive(source, data)
    taken = bytes(data[:length])
    del data[:length]
    return taken


def _read_chunks(source: socket.socket, data: bytearray) -> bytes:
    body = bytearray()
    while True:
        while (end := data.find(b"\r\n")) < 0:
            _receive(source, data)
        length = int(bytes(data[:end]).split(b";")[0], 16)
        del data[: end + 2]
        body += _read_exactly(source, data, length)
        _read_exactly(source, data, 2)
        if length == 0:
            return bytes(body)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run and its answers' bodies, in the order of the request bodies."""

    run: Run
    bodies: tuple[bytes, ...]


class _Callers:
    """The threads of one run: each takes the next request until all are taken or one of them has failed."""

    def __init__(self, target: Target, requests: Sequence[bytes], *, keep: bool) -> None:
        self._target, self._requests, self._keep = target, requests, keep
        self._next = itertools.count()
        self.latencies_s = [0.0] * len(requests)
        self.bodies = [b""] * len(requests)
        self.failures: list[Exception] = []

    def call(self) -> None:
        connection = Connection(self._target)
        try:
            while not self.failures and (turn := next(self._next)) < len(self._requests):
                began = time.perf_counter()
                answer = connection.exchange(self._requests[turn])
                if not self._keep:
                    connection.close()
                self.latencies_s[turn] = time.perf_counter() - began
                if answer.status != 200:
                    raise BadAnswer(f"expected status 200, got {answer.status}: {answer.body[:300]!r}")
                self.bodies[turn] = answer.body
        except (OSError, ValueError, BadAnswer) as error:
            self.failures.append(error)
        finally:
            connection.close()


def run_load(target: Target, bodies: Sequence[bytes], concurrency: int, *, keep: bool = False) -> Measured:
    """Send every body once, `concurrency` at a time. Raises BadAnswer or OSError at the first failure.

    At most MAX_REQUESTS bodies and MAX_CONCURRENCY callers (ValueError).
    """
    if not 0 < len(bodies) <= MAX_REQUESTS or not 0 < concurrency <= MAX_CONCURRENCY:
        raise ValueError(
            f"expected 1 to {MAX_REQUESTS} requests by 1 to {MAX_CONCURRENCY} callers, "
            f"got {len(bodies)} by {concurrency}"
        )
    callers = _Callers(target, [target.render(body, keep=keep) for body in bodies], keep=keep)
    threads = [threading.Thread(target=callers.call) for _ in range(concurrency)]
    cpu_began, began = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    if callers.failures:
        raise callers.failures[0]
    return Measured(Run(tuple(callers.latencies_s), wall_s, cpu_s), tuple(callers.bodies))
