"""RFC 3161 time-stamps by an authority made with openssl, over checkpoints in storage and by HTTP."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import Certificate, load_pem_x509_certificate

from auditor.timestamps import TimestampAuthority, timestamp_check
from shared.errors import KeysUnavailable, LedgerError
from shared.ledger.findings import Kind
from shared.ledger.rootlog import timestamp_path
from shared.ledger.verifier import Question, verify_ledger
from shared.usecases.witnessing import attach_timestamp
from tests.support.auditing import run_command, write_copy
from tests.support.ledgers import SERVICE, small_ledger

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

CONFIG = """
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa_config]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


class Authority:
    """A certificate authority, a time-stamp certificate by it, and answers to requests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.config = folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "ca.key")
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "tsa.key")
        for name, subject in (("ca", "/CN=Test CA"), ("tsa", "/CN=Test TSA")):
            request = ["-key", folder / f"{name}.key", "-subj", subject, "-out", folder / f"{name}.csr"]
            self._openssl("req", "-new", *request)
        common = ["-days", "2", "-extfile", self.config]
        self._openssl(
            "x509", "-req", "-in", folder / "ca.csr", "-signkey", folder / "ca.key", "-extensions", "ca",
            "-out", folder / "ca.pem", *common,
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", folder / "tsa.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
            "-CAcreateserial", "-extensions", "tsa", "-out", folder / "tsa.pem", *common,
        )  # fmt: skip
        self.root: Certificate = load_pem_x509_certificate((folder / "ca.pem").read_bytes())

    def answer(self, request: bytes) -> bytes:
        """The response to a request in DER."""
        query, reply = self.folder / "q.tsq", self.folder / "r.tsr"
        query.write_bytes(request)
        config = ["-config", self.config, "-section", "tsa_config"]
        self._openssl("ts", "-reply", *config, "-queryfile", query, "-out", reply)
        return reply.read_bytes()

    def _openssl(self, *arguments: object) -> None:
        command = ["openssl", *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "a")


@pytest.fixture
def served(authority: Authority) -> Iterator[tuple[str, dict[str, Any]]]:
    """The authority over HTTP; `mode` says whether it answers as it should."""
    mode: dict[str, Any] = {"status": 200, "body": None}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            request = self.rfile.read(int(self.headers["Content-Length"]))
            body = mode["body"] if mode["body"] is not None else authority.answer(request)
            self.send_response(mode["status"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", mode
    server.shutdown()
    server.server_close()


def test_a_checkpoint_is_stamped_and_verified(
    authority: Authority, served: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    """Stamped over HTTP, stored beside the checkpoint, checked with the root certificate alone."""
    ledger = small_ledger()
    sealing = ledger.sealings[-1]
    stamp = TimestampAuthority(served[0], [authority.root]).stamp(sealing.checkpoint)
    attach_timestamp(ledger.store, sealing.size, stamp)
    attach_timestamp(ledger.store, sealing.size, b"a second one changes nothing")
    now = ledger.clock() + timedelta(days=1)
    check = timestamp_check([authority.root])
    question = Question(ledger.store, ledger.keys, now, check_timestamp=check)
    assert verify_ledger(question).findings == ()
    unknown = verify_ledger(Question(ledger.store, ledger.keys, now))
    assert ([f.kind for f in unknown.findings], unknown.exit_code) == ([Kind.UNKNOWN_TIMESTAMP], 0)
    copy = write_copy(tmp_path / "copy", ledger)
    ran = run_command("verify", copy, "--key", SERVICE.vkey, "--tsa", authority.folder / "ca.pem")
    assert ran.code == 0
    ledger.store.objects[timestamp_path(sealing.size)] = stamp[:-9] + bytes([stamp[-9] ^ 1]) + stamp[-8:]
    assert [f.kind for f in verify_ledger(question).findings] == [Kind.TIMESTAMP_INVALID]


def test_a_stamp_of_other_bytes_or_by_others_is_refused(authority: Authority, tmp_path: Path) -> None:
    """Each flipped byte in a sample of the response, another text, another authority, junk."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    data = b"checkpoint\n"
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    stamp = authority.answer(request.as_bytes())
    check = timestamp_check([authority.root])
    check(stamp, data)
    other = Authority(tmp_path / "other")
    for response, stamped in (
        (stamp, b"other\n"),
        (other.answer(request.as_bytes()), data),
        (b"junk", data),
        (b"", data),
    ):
        with pytest.raises(LedgerError):
            check(response, stamped)


def test_an_authority_that_fails_is_named(authority: Authority, served: tuple[str, dict[str, Any]]) -> None:
    """An error, junk, far too much, nobody there: KeysUnavailable, and nothing is stored."""
    url, mode = served
    client = TimestampAuthority(url, [authority.root])
    for status, body in ((503, b""), (200, b"junk"), (200, b"x" * 100_000)):
        mode |= {"status": status, "body": body}
        with pytest.raises(KeysUnavailable):
            client.stamp(b"data")
    with pytest.raises(KeysUnavailable):
        TimestampAuthority("http://127.0.0.1:9/", [authority.root]).stamp(b"data")
