"""The directory is read over TLS, from who can prove to be it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.cloud.graph.requests import GraphRequests, Surroundings
from shared.cloud.graph.tokens import IdentityTokens
from shared.cloud.graph.waiting import GraphLimits
from shared.errors import DirectoryUnavailable
from tests.support.graph_server import TOKEN, StaticCredential
from tests.support.managed_identity import write_certificates

type Seen = list[str]


@contextmanager
def https_server(certificate: Path, key: Path) -> Iterator[tuple[str, Seen]]:
    """A server that answers `{}`, and the tokens that reached it."""
    seen: Seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not trust the certificate goes away."""

        def get_request(self) -> tuple[ssl.SSLSocket, object]:
            connection, address = self.socket.accept()
            return context.wrap_socket(connection, server_side=True), address

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(url: str) -> object:
    """One request."""
    asking = GraphRequests(
        url, IdentityTokens(StaticCredential, "scope"), GraphLimits(attempts=1), Surroundings()
    )
    return asking.get("/users")


def test_a_certificate_of_a_known_authority_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the token is sent."""
    certificate, key, bundle = write_certificates(tmp_path)
    monkeypatch.setattr("certifi.where", lambda: str(bundle))
    with https_server(certificate, key) as (url, seen):
        assert ask(url) == {}
    assert seen == [f"Bearer {TOKEN}"]


def test_a_certificate_of_a_stranger_gets_no_token(tmp_path: Path) -> None:
    """The connection ends before anything is said."""
    certificate, key, _ = write_certificates(tmp_path)
    with https_server(certificate, key) as (url, seen), pytest.raises(DirectoryUnavailable, match="SSLError"):
        ask(url)
    assert seen == []


def test_a_good_certificate_for_another_name_gets_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`localhost` is not in it."""
    certificate, key, bundle = write_certificates(tmp_path)
    monkeypatch.setattr("certifi.where", lambda: str(bundle))
    with https_server(certificate, key) as (url, seen), pytest.raises(DirectoryUnavailable, match="SSLError"):
        ask(url.replace("127.0.0.1", "localhost"))
    assert seen == []
