"""HTTP through the functions host: requests and answers as Azure's front end and host shape them."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections import Counter

import psutil
import pytest

from devstack.host.http import MAX_BODY_BYTES
from tests.support.fixture_host import FixtureHost


def test_an_http_function_sees_the_whole_request(host: FixtureHost) -> None:
    """Method, address, query, route parameters, headers and body arrive as the client sent them."""
    reply = host.request("POST", "/echo/b%C3%A4r/x/y?a=1&b=%20z&empty=", b"\x00\xff", x_custom="Value")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-kind"] == "echo"
    seen = reply.json
    assert seen["method"] == "POST"
    assert seen["url"] == f"http://127.0.0.1:{host.port}/echo/b%C3%A4r/x/y?a=1&b=%20z&empty="
    assert seen["params"] == {"a": "1", "b": " z"}
    assert seen["route"] == {"name": "bär", "rest": "x/y"}
    assert seen["headers"]["x-custom"] == "Value"
    assert seen["body"] == "00ff"


def test_repeated_headers_and_parameters_are_joined_by_commas(host: FixtureHost) -> None:
    """As ASP.NET's StringValues are when the host sends them to the worker."""
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(
            b"GET /echo/a?q=1&q=2 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nConnection: close\r\n\r\n"
        )
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert b'"x-a": "1,2"' in answer
    assert b'"q": "1,2"' in answer


def test_the_peer_is_appended_to_x_forwarded_for(host: FixtureHost) -> None:
    """What the client wrote there itself stands before it, so the last entry is to be believed."""
    seen = host.request("GET", "/echo/a", x_forwarded_for="6.6.6.6").json
    first, peer = seen["headers"]["x-forwarded-for"].split(", ")
    assert first == "6.6.6.6"
    assert peer.startswith("127.0.0.1:")


def test_a_trace_goes_on_below_the_clients_span(host: FixtureHost) -> None:
    """The worker is told the same trace id with a span of the host's own."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    version, trace, span, flags = host.request("GET", "/echo/a", traceparent=parent).json["trace"].split("-")
    assert (version, trace, flags) == ("00", "0af7651916cd43dd8448eb211c80319c", "01")
    assert span != "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/echo/a", 404),
        ("HEAD", "/echo/a", 404),
        ("GET", "/ECHO/Special", 202),
        ("GET", "/echo/special/", 202),
        ("POST", "/echo/special", 200),
        ("PUT", "/numbers/12", 200),
        ("GET", "/numbers/twelve", 404),
    ],
)
def test_routes_are_found_as_azure_finds_them(host: FixtureHost, method: str, path: str, status: int) -> None:
    """Literals before templates, no regard to case; a wrong method is a 404 like any other unknown route."""
    reply = host.request(method, path)
    assert reply.status == status
    if status == 404:
        assert reply.body == b""


def test_cookies_and_status_codes_of_a_function_reach_the_client(host: FixtureHost) -> None:
    """The worker library takes Set-Cookie apart; the host puts it together again."""
    reply = host.request("GET", "/echo/special")
    assert (reply.status, reply.body) == (202, b"special")
    assert reply.headers["set-cookie"] == "a=b; httponly; samesite=lax"


def test_a_synchronous_function_and_a_text_answer_work(host: FixtureHost) -> None:
    """A `def` runs in the library's thread pool; a returned string is text/plain."""
    reply = host.request("GET", "/text")
    assert (reply.status, reply.body) == (200, b"plain")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


def test_an_exception_in_a_function_is_an_empty_500(host: FixtureHost) -> None:
    """Azure's host says nothing to the client; the exception goes to the log."""
    reply = host.request("GET", "/throw")
    assert (reply.status, reply.body) == (500, b"")
    logs = "".join(log.read_text() for log in host.pool.logs.glob("worker-*.log"))
    assert "function throw failed: ValueError: a secret text" in logs


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 5_000_000])
def test_bodies_pass_unchanged(host: FixtureHost, size: int) -> None:
    """Around the flow control's mark and far above it."""
    body = os.urandom(size)
    assert host.request("POST", "/bytes", body).body == body


def test_a_chunked_body_is_read(host: FixtureHost) -> None:
    """Pieces without a Content-Length."""
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(
            b"POST /bytes HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        for piece in (b"abc", b"defg"):
            client.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        client.sendall(b"0\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert answer.endswith(b"\r\n\r\nabcdefg")


def test_a_body_above_azures_limit_is_refused_before_it_is_read(host: FixtureHost) -> None:
    """100 MB is what Azure takes; the announced length is enough to refuse."""
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        head = f"POST /bytes HTTP/1.1\r\nHost: h\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n"
        client.sendall(head.encode())
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_requests_run_at_the_same_time_in_each_worker(host: FixtureHost) -> None:
    """Sixteen calls of half a second each take far less than one after another."""
    for path in ("/sleep?ms=500", "/block?ms=500"):
        started = time.monotonic()
        pids = run_parallel(host, path, 16)
        assert time.monotonic() - started < 6.0
        assert len(pids) == 2


def test_a_client_that_goes_away_does_not_cancel_the_function(host: FixtureHost) -> None:
    """The call is carried to its end, and its effects stay."""
    before = len(host.notes("slept"))
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(b"GET /sleep?ms=300 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.1)  # the request is in work now, which is the point
    assert host.wait_for(lambda: len(host.notes("slept")) == before + 1)


def test_a_client_that_sends_half_a_request_calls_nothing(host: FixtureHost) -> None:
    """A body that ends early is no request."""
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(b"POST /bytes HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
    assert host.request("GET", "/text").status == 200


@pytest.mark.parametrize("keep_alive", [True, False])
def test_computing_requests_are_shared_evenly(host: FixtureHost, keep_alive: bool) -> None:
    """Four clients, each with its next request at once, keep both workers busy alike."""
    counts: Counter[bytes] = Counter()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=30)
        for _ in range(15):
            connection.request("GET", "/burn?ms=10", headers={} if keep_alive else {"Connection": "close"})
            counts[connection.getresponse().read()] += 1
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts.values()) == 60
    assert min(counts.values()) >= 20


def test_the_host_costs_less_than_half_a_millisecond_a_request(host: FixtureHost) -> None:
    """In processor time of the worker, over a thousand calls of a function that does nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port)
    workers = [psutil.Process(pid) for pid in host.pool.pids]

    def spent_s() -> float:
        return sum(worker.cpu_times().user + worker.cpu_times().system for worker in workers)

    before_s = spent_s()
    for _ in range(1_000):
        connection.request("GET", "/echo/special")
        connection.getresponse().read()
    connection.close()
    assert spent_s() - before_s < 0.5


def run_parallel(host: FixtureHost, path: str, count: int) -> set[bytes]:
    """Bodies of `count` requests made at once."""
    bodies: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: bodies.append(host.request("GET", path).body)) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == count
    return set(bodies)
