"""Answers of every shape over kept connections: read whole, or not at all."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared.cloud import connections
from shared.cloud.blob_requests import BlobRequests, StorageTimeouts
from shared.cloud.connections import Connections, NotHttp
from shared.cloud.storage_auth import SharedKey
from tests.support.managed_identity import write_certificates

type Answer = Callable[[socket.socket, int], None]

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def server(answer: Answer, wrap: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on the port that calls `answer` for each request with the number of the connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket, number: int) -> None:
        try:
            with wrap.wrap_socket(connection, server_side=True) if wrap else connection as client:
                while client.recv(65_536):
                    answer(client, number)
        except OSError:
            return  # the client went away, or `answer` closed

    def accept() -> None:
        number = 0
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection, number), daemon=True).start()
            number += 1

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _to(port: int, read_s: float = 2.0) -> Connections:
    return Connections(urlsplit(f"http://127.0.0.1:{port}"), 1.0, read_s, None)


def _says(*pieces: bytes, closes: bool = False, pause_s: float = 0.0) -> Answer:
    def answer(client: socket.socket, _: int) -> None:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause_s)
        if closes:
            client.shutdown(socket.SHUT_RDWR)

    return answer


@pytest.mark.parametrize(
    ("said", "status", "body", "stays"),
    [
        ([EMPTY], 200, b"", True),
        ([b"HTTP/1.1 201\r\ncontent-length:3 \r\nX-A:\tb\r\n\r\nabc"], 201, b"abc", True),
        ([b"HTTP/1.1 412 A b\r\nContent-Length: 5\r\n\r\n", b"ab", b"cde"], 412, b"abcde", True),
        ([bytes([one]) for one in EMPTY], 200, b"", True),
        ([b"HTTP/1.1 204 No\r\n\r\n"], 204, b"", True),
        ([b"HTTP/1.1 304 No\r\nContent-Length: 7\r\n\r\n"], 304, b"", True),
        ([b"HTTP/1.1 100 Go\r\n\r\n", EMPTY], 200, b"", True),
        ([b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"], 200, b"x", False),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"], 200, b"x", False),
        ([EMPTY + b"HTTP/1.1 200 OK\r\n"], 200, b"", False),
        (
            [
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                b"A;x=y\r\n0123456789\r\n0\r\n\r\n",
            ],
            200,
            b"abc0123456789",
            True,
        ),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\nX-Trailer: 1\r\n\r\n"], 200, b"", True),
    ],
)
def test_answers_are_read_whole(said: list[bytes], status: int, body: bytes, stays: bool) -> None:
    """In one piece or byte by byte, with either framing; the connection is kept where it can be."""
    with server(_says(*said, pause_s=0.002)) as port:
        pool = _to(port)
        for _ in range(3):
            response = pool.exchange(REQUEST)
            assert (response.status, response.body) == (status, body)
        assert pool.opened == (1 if stays else 3)
        pool.close()


def test_a_body_may_end_with_its_connection() -> None:
    """Without a length there is no other end."""
    with server(_says(b"HTTP/1.1 200 OK\r\nX-B: c\r\n\r\nab", b"cd", closes=True)) as port:
        response = _to(port).exchange(REQUEST)
        assert (response.body, response.headers) == (b"abcd", {"x-b": "c"})


def test_a_large_body_is_read_whole() -> None:
    """Eight megabytes, as the ledger's reader asks for them."""
    body = bytes(range(256)) * 32_768
    with server(_says(b"HTTP/1.1 206 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)) as port:
        assert _to(port).exchange(REQUEST).body == body


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000,
    ],
)
def test_anything_else_is_no_answer(said: bytes) -> None:
    """Cut short, contradictory, too large or not HTTP/1.1: nothing is guessed, no connection is kept."""
    with server(_says(said, closes=True)) as port:
        pool = _to(port)
        for turn in (1, 2):
            with pytest.raises((NotHttp, ConnectionError)):
                pool.exchange(REQUEST)
            assert pool.opened == turn


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"])
def test_an_answer_that_stops_ends_in_time(said: bytes) -> None:
    """The time-out holds before the answer and within it."""
    with server(_says(said)) as port:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            _to(port, read_s=0.2).exchange(REQUEST)
        assert 0.15 < time.monotonic() - started < 5.0


def test_a_request_that_nobody_takes_ends_in_time() -> None:
    """The other side reads nothing, so sending stops when all buffers are full."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        pool = _to(deaf.getsockname()[1], read_s=0.2)
        with pytest.raises(TimeoutError):
            pool.exchange(REQUEST + bytes(64 * 1024 * 1024))


def test_a_connection_that_was_closed_meanwhile_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has been idle is asked first; one that has just been used is not, and its failure is told."""
    monkeypatch.setattr(connections, "SURE_FOR_S", 60.0)
    with server(_says(EMPTY, closes=True)) as port:
        pool = _to(port)
        assert pool.exchange(REQUEST).status == 200
        with pytest.raises((NotHttp, ConnectionError)):
            time.sleep(0.3)
            pool.exchange(REQUEST)
        monkeypatch.setattr(connections, "SURE_FOR_S", 0.0)
        for turn in (2, 3, 4):
            assert pool.exchange(REQUEST).status == 200
            assert pool.opened == turn
            time.sleep(0.3)


def test_threads_share_connections() -> None:
    """Each has one for itself while it waits for its answer; at most two are kept."""

    def echo(client: socket.socket, number: int) -> None:
        time.sleep(0.001)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n%03d" % number)

    with server(echo) as port:
        pool = _to(port)
        seen: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: seen.extend(pool.exchange(REQUEST).body for _ in range(50)))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 300
        assert len(pool._idle) <= 2


def _tls(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_a_certificate_of_a_known_authority_is_trusted(tmp_path: Path) -> None:
    """And many requests go over the one connection."""
    certificate, key, bundle = write_certificates(tmp_path)
    with server(_says(EMPTY), _tls(certificate, key)) as port:
        pool = Connections(urlsplit(f"https://127.0.0.1:{port}"), 1.0, 1.0, str(bundle))
        assert [pool.exchange(REQUEST).status for _ in range(20)] == [200] * 20
        assert pool.opened == 1


def test_time_outs_hold_within_tls(tmp_path: Path) -> None:
    """A handshake that never ends, and an answer that never comes."""
    certificate, key, bundle = write_certificates(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(TimeoutError):
        url = urlsplit(f"https://127.0.0.1:{deaf.getsockname()[1]}")
        Connections(url, 0.2, 0.2, str(bundle)).exchange(REQUEST)
    with server(_says(b""), _tls(certificate, key)) as port, pytest.raises(TimeoutError):
        Connections(urlsplit(f"https://127.0.0.1:{port}"), 1.0, 0.2, str(bundle)).exchange(REQUEST)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_stranger_is_sent_nothing(tmp_path: Path, host: str) -> None:
    """A certificate of an unknown authority, or one for another host."""
    certificate, key, bundle = write_certificates(tmp_path)
    heard: list[int] = []

    def listen(_: socket.socket, number: int) -> None:
        heard.append(number)

    trusted = None if host == "127.0.0.1" else str(bundle)
    with server(listen, _tls(certificate, key)) as port, pytest.raises(ssl.SSLCertVerificationError):
        Connections(urlsplit(f"https://{host}:{port}"), 1.0, 1.0, trusted).exchange(REQUEST)
    assert heard == []


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_header_cannot_become_two(end: str) -> None:
    """Whatever a credential gives as its token."""

    class Forged(SharedKey):
        def headers(self, *_: object) -> dict[str, str]:
            return {"Authorization": f"Bearer a{end}x-ms-evil: 1"}

    requests = BlobRequests("http://127.0.0.1:9/a/b", Forged("a", ""), StorageTimeouts())
    with pytest.raises(ValueError, match="end of a line"):
        requests.append("a", b"x", 0)
