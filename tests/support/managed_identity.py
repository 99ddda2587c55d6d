"""A tenant for one test: a certificate authority, App Service's token endpoint, and Azurite that wants
its tokens.

Azurite with `--oauth basic` checks issuer, audience and lifetime of bearer tokens and serves them by
HTTPS only, so what runs against it goes the way of a managed identity in Azure: endpoint, header,
azure-identity, token, storage.
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from devstack.azurite import ACCOUNT, find_node
from devstack.layout import ROOT
from devstack.ports import choose_port
from devstack.processes import end, spawn, tail, wait_until
from devstack.tokens import mint
from tests.support.identities import signing_key
from tests.support.keyvault import TOKEN as VAULT_TOKEN

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
CLIENT_ID = "55555555-5555-4555-8555-555555555555"
STORAGE = "https://storage.azure.com"


@dataclass
class Platform:
    """What the platform gives an app:

    a token endpoint. `tokens` counts what was given, by client id and audience.
    """

    url: str
    secret: str
    audience: str = STORAGE
    lifetime_s: int = 3600
    tokens: list[tuple[str, str]] = field(default_factory=list)
    refused: int = 0

    def environment(self) -> dict[str, str]:
        """What App Service puts into an app's environment."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi/token", "IDENTITY_HEADER": self.secret}

    def token_answer(self, resource: str) -> dict[str, Any]:
        """A token for storage, whose claims Azurite reads (it checks no signature), or for the vault."""
        now = int(time.time())
        claims = {
            "iss": f"https://sts.windows.net/{TENANT}/",
            "aud": self.audience,
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + self.lifetime_s,
            "oid": "66666666-6666-4666-8666-666666666666",
            "tid": TENANT,
        }
        token = mint(signing_key(), claims) if resource == STORAGE else VAULT_TOKEN
        return {
            "access_token": token,
            "expires_on": str(now + self.lifetime_s),
            "resource": resource,
            "token_type": "Bearer",
        }


@contextlib.contextmanager
def running_platform() -> Iterator[Platform]:
    """The token endpoint, and the key set of callers' issuer below the same address."""
    secret = base64.b16encode(b"platform-header").decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.endswith("/keys"):
                self._answer(200, {"keys": [signing_key().public_jwk()]})
                return
            query = parse_qs(parts.query)
            if self.headers.get("X-IDENTITY-HEADER") != secret or query.get("api-version") != ["2019-08-01"]:
                platform.refused += 1
                self._answer(400, {"statusCode": 400, "message": "no such identity"})
                return
            platform.tokens.append((query.get("client_id", [""])[0], query["resource"][0]))
            self._answer(200, platform.token_answer(query["resource"][0]))

        def _answer(self, status: int, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    platform = Platform(f"http://127.0.0.1:{server.server_port}", secret)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass(frozen=True, slots=True)
class SecureStorage:
    """Azurite by HTTPS with `--oauth basic`.

    `bundle` holds the usual certificate authorities and this one's.
    """

    account_url: str
    bundle: Path


@contextlib.contextmanager
def running_storage(folder: Path) -> Iterator[SecureStorage]:
    """Start it with a certificate of an authority of its own."""
    certificate, key, bundle = write_certificates(folder)
    port = choose_port("BLOB_PORT", {})
    script = ROOT / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    options = [
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        str(port),
        "--location",
        str(folder),
        "--oauth",
        "basic",
    ]
    options += ["--cert", str(certificate), "--key", str(key), "--skipApiVersionCheck", "--disableTelemetry"]
    log = folder / "azurite.log"
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    process = spawn(
        [find_node({}), str(script), *options], environment=environment, cloud=folder, log=log, cwd=folder
    )
    try:
        started = wait_until(
            lambda: process.poll() is not None or b"successfully listens" in log.read_bytes(), 60
        )
        assert started and process.poll() is None, tail(log, 5)
        yield SecureStorage(f"https://127.0.0.1:{port}/{ACCOUNT}", bundle)
    finally:
        end(process, 5.0)


def write_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A server certificate for 127.0.0.1, its key, and a bundle that trusts its authority."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, server_key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    now = datetime.now(UTC)

    def build(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(authority_name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=2))

    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    authority_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = (
        build(authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(authority_id, critical=False)
        .sign(authority_key, SHA256())
    )
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    server = (
        build(server_name, server_key)
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id), critical=False
        )
        .sign(authority_key, SHA256())
    )
    certificate, key, bundle = folder / "server.pem", folder / "server.key", folder / "bundle.pem"
    certificate.write_bytes(server.public_bytes(Encoding.PEM))
    key.write_bytes(server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.public_bytes(Encoding.PEM))
    return certificate, key, bundle
