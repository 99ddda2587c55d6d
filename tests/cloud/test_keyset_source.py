"""Fetching a key set: only keys that may sign, and no answer can hurt."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from shared.cloud import keyset_source
from shared.cloud.keyset_source import MAX_BYTES, MAX_KEYS, fetch_keys, select_keys
from shared.errors import KeysUnavailable
from shared.identity.issuers import Issuer
from tests.support.identities import local_issuers, signing_key

V2 = local_issuers()[0]
OIDC = V2.model_copy(update={"kind": "oidc", "algorithms": ("RS256", "ES256")})


def jwk(**changes: Any) -> dict[str, Any]:
    """A good key of the issuer's, with changes; a member changed to None is left out."""
    made = {**signing_key().public_jwk(V2.issuer), **changes}
    return {name: value for name, value in made.items() if value is not None}


def short_jwk() -> dict[str, Any]:
    private = rsa.generate_private_key(public_exponent=65_537, key_size=1024)  # noqa: S505 - meant
    return {**RSAAlgorithm.to_jwk(private.public_key(), as_dict=True), "use": "sig", "kid": "short"}


def ec_jwk(curve: ec.EllipticCurve) -> dict[str, Any]:
    made = ECAlgorithm.to_jwk(ec.generate_private_key(curve).public_key(), as_dict=True)
    return {**made, "use": "sig", "kid": "ec"}


def test_good_key() -> None:
    """An RSA signing key of the tenant is taken, under its id; a shared key says {tenantid}."""
    for key in [jwk(), jwk(issuer=None), jwk(issuer="https://x.example/{tenantid}/v2.0"), jwk(alg="RS256")]:
        assert select_keys([key], V2) == {signing_key().kid: signing_key().private.public_key()}


@pytest.mark.parametrize(
    "key",
    [
        jwk(use="enc"),
        jwk(use=None),
        jwk(kid=None),
        jwk(kid=7),
        jwk(alg="RS512"),
        jwk(alg="HS256"),
        jwk(alg="none"),
        jwk(alg=["RS256"]),
        jwk(kty="oct", k="c2VjcmV0"),
        jwk(kty=None),
        jwk(kty=["RSA"]),
        jwk(n=""),
        jwk(n=5),
        jwk(n=None),
        jwk(e="AA"),
        jwk(issuer="https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"),
        jwk(issuer=["{tenantid}"]),
        short_jwk(),
        ec_jwk(ec.SECP256R1()),
        "a text",
        None,
        [],
        {},
    ],
)
def test_unfit_key(key: object) -> None:
    """Keys for encryption, symmetric, short, of another tenant or damaged are left out."""
    assert select_keys([key], V2) == {}
    assert select_keys([key, jwk()], V2).keys() == {signing_key().kid}


def test_elliptic_key() -> None:
    """P-256 is taken where the issuer is configured for ES256; other curves are not."""
    assert select_keys([ec_jwk(ec.SECP256R1())], OIDC).keys() == {"ec"}
    assert select_keys([ec_jwk(ec.SECP384R1())], OIDC) == {}


def test_ambiguous_id() -> None:
    """An id that two different keys share names neither; the same key twice is one key."""
    other = {**signing_key("other").public_jwk(V2.issuer), "kid": signing_key().kid}
    assert select_keys([jwk(), other], V2) == {}
    assert select_keys([other, jwk(), jwk()], V2) == {}
    assert select_keys([jwk(), jwk()], V2).keys() == {signing_key().kid}


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["kty", "n", "e", "use", "kid", "alg", "crv", "x", "y", "issuer", "x5c"]),
        st.none()
        | st.integers()
        | st.text()
        | st.lists(st.text())
        | st.sampled_from(["RSA", "EC", "sig", "AQAB"]),
    )
)
def test_any_key_is_read_or_left_out(changes: dict[str, Any]) -> None:
    """Whatever stands in a key set, it is a key or it is not: nothing else happens."""
    assert len(select_keys([{**jwk(), **changes}, changes], V2)) <= 2


class Answering(BaseHTTPRequestHandler):
    """Answers as the test says."""

    def do_GET(self) -> None:
        self.server.answer(self)  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None:
        """Keeps the test's output quiet."""


class Server:
    """A key set's address on this machine."""

    def __init__(self) -> None:
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)

        self.http.answer = send  # type: ignore[attr-defined]

    @property
    def issuer(self) -> Issuer:
        return V2.model_copy(update={"jwks_uri": f"http://127.0.0.1:{self.http.server_address[1]}/keys"})

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def complaint(server: Server) -> str:
    with pytest.raises(KeysUnavailable) as caught:
        fetch_keys(server.issuer)
    return str(caught.value)


def test_fetch(server: Server) -> None:
    """A key set is read over HTTP."""
    server.answer(json.dumps({"keys": [jwk(), jwk(use="enc", kid="e")], "more": 1}).encode())
    assert fetch_keys(server.issuer).keys() == {signing_key().kid}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "expected a key set"),
        (b"{}", "expected a key set"),
        (b'{"keys":{}}', "expected a key set"),
        (json.dumps({"keys": [jwk()] * (MAX_KEYS + 1)}).encode(), "at most 100 keys"),
        (b'{"keys":[]}', "no key that may sign"),
        (json.dumps({"keys": [jwk(use="enc")]}).encode(), "no key that may sign"),
    ],
)
def test_bad_answer(server: Server, body: bytes, said: str) -> None:
    """An answer that is no key set is an outage, not an empty set, and is not quoted."""
    server.answer(body)
    assert said in complaint(server)


def test_status(server: Server) -> None:
    """An error status is an outage, whatever its body."""
    server.answer(json.dumps({"keys": [jwk()]}).encode(), status=503)
    assert "answered 503" in complaint(server)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://127.0.0.1:1/keys", "ftp://127.0.0.1/keys"])
def test_redirect(server: Server, target: str) -> None:
    """A redirect is not followed: the keys are where the operator said."""
    server.answer(b"", status=302, Location=target)
    assert "answered 302" in complaint(server)


def test_endless_answer(server: Server) -> None:
    """An answer without end is read up to the limit and no further."""
    sent = 0

    def send(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.end_headers()
        try:
            while sent < 50 * MAX_BYTES:
                sent += handler.wfile.write(b" " * 65_536)
        except OSError:
            return

    server.http.answer = send  # type: ignore[attr-defined]
    assert "more than" in complaint(server)
    assert sent < 50 * MAX_BYTES


def test_slow_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that comes a byte at a time is given up after the time-out."""
    monkeypatch.setattr(keyset_source, "TIMEOUT_S", 0.3)

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1_000):
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.02)
        except OSError:
            return

    server.http.answer = send  # type: ignore[attr-defined]
    started = time.monotonic()
    assert "took longer" in complaint(server)
    assert time.monotonic() - started < 6.0


def test_silent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and says nothing is given up after the time-out."""
    monkeypatch.setattr(keyset_source, "TIMEOUT_S", 0.2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(KeysUnavailable, match="cannot be reached"):
            fetch_keys(V2.model_copy(update={"jwks_uri": f"http://127.0.0.1:{port}/keys"}))


def test_nobody_there() -> None:
    """An address where nothing listens is an outage."""
    with pytest.raises(KeysUnavailable, match="cannot be reached"):
        fetch_keys(V2.model_copy(update={"jwks_uri": "http://127.0.0.1:1/keys"}))
