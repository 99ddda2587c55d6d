"""The service's keys that attest writers and sign the root log: `NoteSigner`s.

On a laptop a key file; in Azure a Key Vault key, whose private half never leaves the vault.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.errors import MalformedLedger, SettingsError
from shared.ledger.notes import Ed25519NoteKey

SETTING = "LEDGER_KEY_FILE"

MAX_KEY_BYTES = 10_000


class Ed25519FileSigner:
    """Signs with an Ed25519 key from a PEM file (PKCS #8, not encrypted), read once.

    A key that others on the machine may read or replace is refused: who holds it can invent writers. The
    file's mode must allow nothing to group and others (`chmod 600`), as with SSH's private keys.
    """

    def __init__(self, name: str, path: Path) -> None:
        """`name` is the key's name in notes: the log's name. Raises SettingsError."""
        try:
            self._key = Ed25519NoteKey(name, _read_key(path))
        except MalformedLedger as error:
            raise SettingsError("LEDGER_NAME", error.message) from error

    @property
    def vkey(self) -> str:
        """The verifier key, which auditors are given beforehand."""
        return self._key.vkey

    def sign(self, text: str) -> str:
        """The signature line over a note text."""
        return self._key.sign(text)


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise SettingsError(SETTING, f"cannot be read ({error.strerror}): {path}") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        shown = f"{stat.S_IMODE(mode):03o}"
        raise SettingsError(SETTING, f"others may read or write it (mode {shown}); run: chmod 600 {path}")
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise SettingsError(SETTING, f"expected an unencrypted PEM private key (PKCS #8): {path}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(SETTING, f"expected an Ed25519 key, got {type(key).__name__}: {path}")
    return key
