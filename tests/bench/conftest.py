"""A trivial server to aim at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from bench.load import Target


class Handler(BaseHTTPRequestHandler):
    """Answers with the request's own body. The path chooses how: plain, chunked, refused, cut."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connections: ClassVar[set[int]] = set()
    seen: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        """Answer a POST."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(dict(self.headers.items()))
        self.connections.add(self.client_address[1])
        if self.path == "/cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort")
            self.close_connection = True
            return
        self.send_response(429 if self.path == "/refused" else 200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            half = len(body) // 2
            for part in (body[:half], body[half:]):
                self.wfile.write(f"{len(part):x};ext=1\r\n".encode() + part + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """With room for as many new connections at once as the load generator may open."""

    request_queue_size = 128


@pytest.fixture
def target() -> Iterator[Target]:
    """The trivial server, up for one test."""
    Handler.connections.clear()
    Handler.seen.clear()
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Target("127.0.0.1", server.server_address[1], "/plain", {"Authorization": "Bearer abc"})
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def connections() -> set[int]:
    """The client ports of all connections that the trivial server has seen."""
    return Handler.connections


@pytest.fixture
def seen_headers() -> list[dict[str, str]]:
    """The headers of all requests that the trivial server has seen."""
    return Handler.seen
