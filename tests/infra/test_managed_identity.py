"""The service as a managed identity, for real:

no connection string, tokens from the platform's endpoint, TLS.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential
from azure.storage.blob import BlobServiceClient

from devstack.layout import ROOT
from devstack.tokens import issuers_setting
from shared.cloud.credentials import ledger_credential
from shared.errors import SettingsError
from tests.support.forging import Forger
from tests.support.identities import signing_key
from tests.support.keyvault import Vault, start_vault
from tests.support.managed_identity import (
    CLIENT_ID,
    STORAGE,
    Platform,
    SecureStorage,
    running_platform,
    running_storage,
)

FORBIDDEN = ("AccountKey", "CONNECTION_STRING", "SharedAccessSignature", "KEY_FILE")


@dataclass(frozen=True, slots=True)
class Azure:
    """A platform, a storage account and a vault that trust its tokens. `bundle` trusts both certificates."""

    platform: Platform
    storage: SecureStorage
    vault: Vault
    bundle: Path

    def environment(self) -> dict[str, str]:
        """The service's whole environment: what Bicep sets, and what App Service adds."""
        return {
            "PATH": os.environ["PATH"],
            "CA_BUNDLE": str(self.bundle),
            "AUDIT_STORAGE_ACCOUNT_URL": self.storage.account_url,
            "AUDIT_IDENTITY_CLIENT_ID": CLIENT_ID,
            "AzureWebJobsStorage__blobServiceUri": self.storage.account_url,
            "AzureWebJobsStorage__clientId": CLIENT_ID,
            "AzureWebJobsStorage__credential": "managedidentity",
            "AUDIT_CONTAINER": "audit",
            "ARCHIVE_CONTAINER": "archive",
            "LEDGER_NAME": "audit.example.com/presidio",
            "LEDGER_KEY_ID": f"{self.vault.url}/keys/ledger",
            "DIGEST_KEY": base64.b64encode(b"d" * 32).decode(),
            "TRUSTED_ISSUERS": issuers_setting(self.platform.url),
            **self.platform.environment(),
        }

    def run(self, calls: list[dict[str, Any]], *, wait: bool = True) -> list[dict[str, Any]]:
        """The service's answers to some calls, of a process of its own."""
        environment = self.environment()
        assert not [entry for entry in environment.items() for mark in FORBIDDEN if mark in str(entry)]
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("service_probe.py"))],
            input=json.dumps({"calls": calls, "wait": wait}),
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        answers = [line for line in done.stdout.splitlines() if line.startswith("ANSWERS ")]
        assert answers, done.stderr[-3000:]
        return list(json.loads(answers[-1].removeprefix("ANSWERS ")))

    def client(self) -> BlobServiceClient:
        """Storage, as the same identity."""
        credential = ManagedIdentityCredential(client_id=CLIENT_ID)
        return BlobServiceClient(
            self.storage.account_url, credential, connection_verify=str(self.storage.bundle), retry_total=0
        )

    def token(self, persona: str) -> str:
        """A caller's token."""
        return Forger(signing_key(), signing_key("foreign"), self.platform.url, int(time.time())).token(
            persona
        )


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """One for all tests of this file, with the two containers."""
    folder = tmp_path_factory.mktemp("azure")
    with (
        running_platform() as platform,
        running_storage(folder / "storage") as storage,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in platform.environment().items():
            patch.setenv(name, value)
        vault = Vault()
        server, certificate = start_vault(folder, vault)
        # the SDK wants the resource of the challenge to be the domain that it asks
        vault.resource = vault.url.replace("127.0.0.1", "0.0.1")
        bundle = folder / "bundle.pem"
        bundle.write_bytes(storage.bundle.read_bytes() + public_part(certificate))
        here = Azure(platform, storage, vault, bundle)
        with here.client() as client:
            client.create_container("audit")
            client.create_container("archive")
        yield here
        server.shutdown()
        server.server_close()


def public_part(pem_file: str) -> bytes:
    """The certificate of a file that holds the key too."""
    return (
        b"-----BEGIN CERTIFICATE-----"
        + Path(pem_file).read_bytes().partition(b"-----BEGIN CERTIFICATE-----")[2]
    )


def test_calls_are_answered_and_recorded_without_any_secret(azure: Azure) -> None:
    """An allowed call, a forbidden and an unknown caller:

    three answers, three records, read back from storage.
    """
    text = "My name is David Johnson and I live in Maine."
    azure.platform.tokens.clear()
    azure.vault.requests.clear()
    answers = azure.run(
        [
            {"name": "redact", "token": azure.token("redactor"), "body": {"text": text, "language": "en"}},
            {"name": "redact", "token": azure.token("nobody"), "body": {"text": text, "language": "en"}},
            {"name": "whoami"},
        ]
    )
    assert [answer["status"] for answer in answers] == [200, 403, 401]
    assert "David" not in answers[0]["body"]
    with azure.client() as client:
        container = client.get_container_client("audit")
        stored = b"".join(
            container.download_blob(blob.name).readall()
            for blob in container.list_blobs()
            if blob.name.endswith(".seg")
        )
    for answer in answers[:2]:
        assert answer["headers"]["x-request-id"].encode() in stored
        assert answer["headers"]["x-audit-record"].split("/")[0].encode() in stored
    assert b"David" not in stored
    assert sum(request.endswith("/sign") for request in azure.vault.requests) == 1, (
        "one genesis, one signature"
    )
    asked = Counter(azure.platform.tokens)
    assert set(asked) == {(CLIENT_ID, STORAGE), (CLIENT_ID, azure.vault.resource)}
    assert sum(asked.values()) <= 6, "a token is remembered until shortly before it expires"


@pytest.mark.parametrize(
    ("change", "value"), [("audience", "https://management.azure.com"), ("secret", "stolen-header")]
)
def test_without_a_token_for_storage_nothing_is_answered(
    azure: Azure, change: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token for something else, or none at all: 503, and no result."""
    monkeypatch.setattr(azure.platform, change, value)
    body = {"text": "My name is David Johnson.", "language": "en"}
    [answer] = azure.run([{"name": "redact", "token": azure.token("redactor"), "body": body}], wait=False)
    assert answer["status"] == 503
    assert "David" not in answer["body"] and "<PERSON>" not in answer["body"]


def test_storage_refuses_who_has_no_token(azure: Azure) -> None:
    """The emulator would notice: a stranger's token does not open it."""
    with azure.client() as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(azure.platform, "lifetime_s", -30)
        with pytest.raises(ClientAuthenticationError):
            list(client.list_containers())


def test_the_identity_is_named() -> None:
    """Which of an app's identities writes evidence is not left to chance."""
    with pytest.raises(SettingsError, match="AUDIT_IDENTITY_CLIENT_ID"):
        ledger_credential(None)
    assert isinstance(ledger_credential(CLIENT_ID), ManagedIdentityCredential)
