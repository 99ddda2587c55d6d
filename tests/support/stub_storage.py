"""A server that gives one answer to every request, and remembers what it was asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from devstack.azurite import connection_string


@dataclass
class StubStorage:
    """`status` and `code` are answered; 0 closes the connection instead, -1 never answers."""

    status: int
    code: str = ""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def connection_string(self) -> str:
        """For a client that signs with Azurite's well-known key."""
        return connection_string(self.port)


@contextmanager
def stub_storage(status: int, code: str = "") -> Iterator[StubStorage]:
    """The server, for the time of a `with` block."""
    stub = StubStorage(status, code)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            stub.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            if stub.status == -1:
                stub.released.wait(30)
            if stub.status <= 0:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(stub.status)
            if stub.code:
                self.send_header("x-ms-error-code", stub.code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_HEAD = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
