"""Secrets of one local cloud: the ledger's service key and the key of the digests, made at first use."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from shared.errors import SettingsError
from shared.ledger.notes import ed25519_verifier

DIGEST_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class CloudKeys:
    """`vkey` is the verifier key (C2SP signed-note) of the service key; `digest_key` is base64."""

    ledger_key_file: Path
    vkey: str
    digest_key: str


def load_or_create_keys(folder: Path, ledger_name: str) -> CloudKeys:
    """The keys of a folder, for a ledger of that name. Only this user can read the files (mode 0600)."""
    ledger_key_file = folder / "ledger.pem"
    digest_key_file = folder / "digest.key"
    if not ledger_key_file.exists():
        private = Ed25519PrivateKey.generate()
        _write_secret(
            ledger_key_file, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
    if not digest_key_file.exists():
        _write_secret(digest_key_file, base64.b64encode(secrets.token_bytes(DIGEST_KEY_BYTES)))
    key = load_pem_private_key(ledger_key_file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(str(ledger_key_file), "expected an Ed25519 key in PEM (PKCS8)")
    vkey = ed25519_verifier(ledger_name, key.public_key()).vkey
    return CloudKeys(ledger_key_file, vkey, digest_key_file.read_text(encoding="ascii"))


def _write_secret(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
