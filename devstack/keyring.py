"""The local issuer's signing keys: one that signs and, after a rotation, the one before it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from devstack.tokens import SigningKey
from shared.errors import SettingsError

FILE_NAME = "keyring.json"
KEY_BITS = 2048


@dataclass(frozen=True, slots=True)
class Keyring:
    """`current` signs; `previous` is still published: tokens that it signed are good until they end."""

    current: SigningKey
    previous: SigningKey | None = None

    @property
    def published(self) -> tuple[SigningKey, ...]:
        """The keys of the key set."""
        return (self.current,) if self.previous is None else (self.current, self.previous)

    def rotate(self, *, drop: bool) -> Keyring:
        """A keyring with a new key. `drop` withdraws the old one at once, as after a compromise."""
        return Keyring(_generate(), None if drop else self.current)


def load_or_create_keyring(folder: Path) -> Keyring:
    """The keyring of a folder, made at first use. Raises SettingsError where its file is damaged."""
    path = folder / FILE_NAME
    if not path.exists():
        keyring = Keyring(_generate())
        save_keyring(folder, keyring)
        return keyring
    try:
        stored = json.loads(path.read_text(encoding="ascii"))
        previous = stored["previous"]
        return Keyring(_load(stored["current"]), None if previous is None else _load(previous))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(
            str(path), "expected the issuer's keys; delete the file to make new ones"
        ) from None


def save_keyring(folder: Path, keyring: Keyring) -> None:
    """Replace the folder's keyring in one step. Only this user can read it (mode 0600)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stored = {
        "current": _dump(keyring.current),
        "previous": None if keyring.previous is None else _dump(keyring.previous),
    }
    draft = folder / f"{FILE_NAME}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(stored, file)
    draft.replace(folder / FILE_NAME)


def _generate() -> SigningKey:
    return SigningKey.of(generate_private_key(public_exponent=65_537, key_size=KEY_BITS))


def _dump(key: SigningKey) -> str:
    return key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _load(pem: str) -> SigningKey:
    private = load_pem_private_key(pem.encode("ascii"), password=None)
    if not isinstance(private, RSAPrivateKey):
        raise TypeError("expected an RSA key")
    return SigningKey.of(private)
