"""The service's key in Azure Key Vault (or Managed HSM): it signs notes, and never leaves the vault.

Key Vault has no Ed25519, so this is ECDSA on P-256 (ES256, note signature type 0x02). The vault signs a
SHA-256 digest and answers r || s; a note carries the DER form.
https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.keyvault.keys import KeyClient, KeyCurveName, KeyVaultKeyIdentifier
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from shared.errors import KeysUnavailable, MalformedLedger, SettingsError, SignatureInvalid
from shared.ledger.notes import VerifierKey, ecdsa_der, ecdsa_verifier, signature_line

SETTING = "LEDGER_KEY_ID"

# Key Vault throttles (429) and fails over (503): a few quick repetitions, then say so. Signing is repeatable.
RETRIES, BACKOFF_S, MOST_BACKOFF_S = 3, 0.2, 2
CONNECT_S, READ_S = 3, 5


class KeyVaultSigner:
    """A `NoteSigner` over one key. Reads the public key once, at first use; thread-safe.

    The version that is current at first use signs until the process ends: a rotation takes effect with the
    next start. Verifiers need the vkey of each version that has signed.
    """

    def __init__(self, name: str, key_id: str, credential: TokenCredential, **options: Any) -> None:
        """`name` is the log's name, `key_id` `https://<vault>/keys/<name>[/<version>]`. Touches no network.

        `options` go to the SDK's clients (a test's certificate, its transport). Raises SettingsError.
        """
        try:
            self._key_id = KeyVaultKeyIdentifier(key_id)
        except ValueError as error:
            raise SettingsError(SETTING, "expected https://<vault>/keys/<name>[/<version>]") from error
        self._name = name
        self._credential = credential
        self._options: dict[str, Any] = {
            "connection_timeout": CONNECT_S,
            "read_timeout": READ_S,
            "logging_enable": False,
            "retry_total": RETRIES,
            "retry_backoff_factor": BACKOFF_S,
            "retry_backoff_max": MOST_BACKOFF_S,
            **options,
        }
        self._lock = threading.Lock()
        self._opened: tuple[VerifierKey, CryptographyClient] | None = None

    @property
    def vkey(self) -> str:
        """The verifier key. Raises KeysUnavailable, SettingsError (no such key, or not on P-256)."""
        return self._open()[0].vkey

    def sign(self, text: str) -> str:
        """The signature line over a note text. Raises KeysUnavailable.

        The answer is verified before it is handed on: what is written to immutable storage cannot be mended.
        """
        verifier, client = self._open()
        data = text.encode()
        try:
            value = ecdsa_der(self._sign_digest(client, hashlib.sha256(data).digest()))
            verifier.verify(data, value)
        except AzureError as error:
            raise KeysUnavailable(f"the key vault did not sign: {type(error).__name__}") from error
        except (MalformedLedger, SignatureInvalid) as error:
            raise KeysUnavailable("the key vault's signature does not verify under its own key") from error
        return signature_line(verifier.name, verifier.key_id, value)

    def _sign_digest(self, client: CryptographyClient, digest: bytes) -> bytes:
        """r || s by the vault. The SDK repeats a throttled POST only where the answer names a delay."""
        for attempt in range(RETRIES):
            try:
                return client.sign(SignatureAlgorithm.es256, digest).signature
            except HttpResponseError as error:
                if error.status_code != 429:
                    raise
                time.sleep(self._options["retry_backoff_factor"] * 2**attempt)
        return client.sign(SignatureAlgorithm.es256, digest).signature

    def _open(self) -> tuple[VerifierKey, CryptographyClient]:
        with self._lock:
            if self._opened is None:
                self._opened = self._read_key()
            return self._opened

    def _read_key(self) -> tuple[VerifierKey, CryptographyClient]:
        client = KeyClient(self._key_id.vault_url, self._credential, **self._options)
        try:
            key = client.get_key(self._key_id.name, self._key_id.version)
        except ResourceNotFoundError as error:
            raise SettingsError(SETTING, "the key vault has no such key") from error
        except AzureError as error:
            raise KeysUnavailable(f"the key vault did not answer: {type(error).__name__}") from error
        jwk: Any = key.key
        if jwk.crv != KeyCurveName.p_256 or not jwk.x or not jwk.y:
            raise SettingsError(SETTING, "expected an EC key on P-256")
        numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(jwk.x), int.from_bytes(jwk.y), ec.SECP256R1())
        try:
            verifier = ecdsa_verifier(self._name, numbers.public_key())
        except MalformedLedger as error:
            raise SettingsError("LEDGER_NAME", error.message) from error
        except ValueError as error:
            raise KeysUnavailable("the key vault's public key is no point of its curve") from error
        return verifier, CryptographyClient(key, self._credential, **self._options)
