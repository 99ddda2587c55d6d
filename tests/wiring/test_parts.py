"""From settings to parts."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.cloud.keyvault import KeyVaultSigner
from shared.cloud.signers import Ed25519FileSigner
from shared.settings import Settings, load_settings
from shared.wiring import parts

GOOD = {
    "AUDIT_STORAGE_ACCOUNT_URL": "https://audit.blob.core.windows.net",
    "LEDGER_NAME": "audit.example.com/presidio",
    "DIGEST_KEY": base64.b64encode(b"k" * 32).decode(),
    "TRUSTED_ISSUERS": "[]",
    "COMMIT_DEADLINE_MS": "1234",
    "COMMIT_DELAY_MS": "7",
    "ANALYSIS_TIMEOUT_MS": "4321",
}
VAULT_KEY = "https://vault.example.com/keys/ledger"


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "key.pem"
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return str(path)


def settings_of(**changes: str) -> Settings:
    return load_settings({**GOOD, **changes})


def test_a_vault_s_key_and_a_key_file_s_sign_side_by_side(key_file: str) -> None:
    """Each alone, or both, the vault's first."""
    vault = parts.ledger_signers(settings_of(LEDGER_KEY_ID=VAULT_KEY))
    file = parts.ledger_signers(settings_of(LEDGER_KEY_FILE=key_file))
    both = parts.ledger_signers(settings_of(LEDGER_KEY_ID=VAULT_KEY, LEDGER_KEY_FILE=key_file))
    assert [type(signer) for signer in vault] == [KeyVaultSigner]
    assert [type(signer) for signer in file] == [Ed25519FileSigner]
    assert [type(signer) for signer in both] == [KeyVaultSigner, Ed25519FileSigner]


def test_limits_reach_what_they_limit(key_file: str) -> None:
    """What an operator sets is what the committer and the engine get."""
    settings = settings_of(LEDGER_KEY_FILE=key_file)
    options = parts.commit_options(settings)
    assert (options.deadline_ms, options.linger.delay_ms) == (1_234, 7)
    assert parts.engine_limits(settings).analysis_timeout_ms == 4_321


def test_the_policy_in_force_is_the_file_s(key_file: str) -> None:
    """The default policy, by its path in the package."""
    policy = parts.read_policy(settings_of(LEDGER_KEY_FILE=key_file))
    assert "Pii.Analyst" in {role.name for role in policy.roles}
