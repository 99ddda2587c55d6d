"""A key vault on the loopback: get key, sign, the authentication challenge, and outages on demand."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken, AccessTokenInfo
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

TOKEN = "token-for-the-vault"


class Credential:
    """Gives the one token that the vault accepts."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(TOKEN, int(datetime.now(UTC).timestamp()) + 3600)

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        return AccessTokenInfo(TOKEN, int(datetime.now(UTC).timestamp()) + 3600)


@dataclass(slots=True)
class Vault:
    """State of the vault. `failures` are statuses that the next requests get instead of an answer."""

    curve: ec.EllipticCurve = field(default_factory=ec.SECP256R1)
    failures: list[int] = field(default_factory=list)
    does_garble: bool = False
    requests: list[str] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(init=False)
    url: str = ""
    resource: str = "https://vault.azure.net"

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(self.curve)

    def key_bundle(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        size = (self.key.curve.key_size + 7) // 8
        names = {"secp256r1": "P-256", "secp384r1": "P-384"}
        return {
            "key": {
                "kid": f"{self.url}/keys/ledger/0123456789abcdef0123456789abcdef",
                "kty": "EC",
                "key_ops": ["sign", "verify"],
                "crv": names[self.key.curve.name],
                "x": encode(numbers.x.to_bytes(size)),
                "y": encode(numbers.y.to_bytes(size)),
            },
            "attributes": {"enabled": True, "created": 1700000000, "updated": 1700000000},
        }

    def sign(self, digest: bytes) -> bytes:
        r, s = decode_dss_signature(self.key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
        raw = r.to_bytes(32) + s.to_bytes(32)
        return raw[:-1] + bytes([raw[-1] ^ 1]) if self.does_garble else raw


def encode(data: bytes) -> str:
    """Base64url without padding, as the vault's JSON has it."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The inverse."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Handler(BaseHTTPRequestHandler):
    """Speaks api-version 7.x of the vault's REST API, as far as signing needs it."""

    protocol_version = "HTTP/1.1"
    vault: Vault

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        self.vault.requests.append(f"{method} {path}")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            challenge = (
                f'Bearer authorization="https://login.example/tenant", resource="{self.vault.resource}"'
            )
            self._send(401, {"error": {"code": "Unauthorized"}}, {"WWW-Authenticate": challenge})
        elif self.vault.failures:
            self._send(self.vault.failures.pop(0), {"error": {"code": "Failed", "message": "on demand"}})
        elif not path.startswith("/keys/ledger"):
            self._send(404, {"error": {"code": "KeyNotFound", "message": "no such key"}})
        elif method == "GET":
            self._send(200, self.vault.key_bundle())
        else:
            asked = json.loads(body)
            assert asked["alg"] == "ES256"
            value = encode(self.vault.sign(decode(asked["value"])))
            self._send(200, {"kid": self.vault.key_bundle()["key"]["kid"], "value": value})

    def _send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


def start_vault(folder: Path, vault: Vault) -> tuple[ThreadingHTTPServer, str]:
    """Serve the vault over TLS on a free port; returns the server and its certificate's file."""
    certificate = make_certificate(folder)
    handler = type("VaultHandler", (Handler,), {"vault": vault})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    vault.url = f"https://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, str(certificate)


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate and its key for 127.0.0.1, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "vault.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path
