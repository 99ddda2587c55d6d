"""The local signer: an Ed25519 key file that only its owner can read."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from shared.cloud.signers import Ed25519FileSigner
from shared.errors import SettingsError
from shared.ledger.notes import Note, parse_signature, parse_vkey, verify_note

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def pem(
    key: object = KEY, encryption: KeySerializationEncryption | None = None, form: Encoding = Encoding.PEM
) -> bytes:
    return key.private_bytes(form, PrivateFormat.PKCS8, encryption or NoEncryption())  # type: ignore[attr-defined, no-any-return]


def write(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_a_key_file_signs_notes(tmp_path: Path) -> None:
    """What it signs verifies under its own verifier key."""
    signer = Ed25519FileSigner("audit.example.com/presidio", write(tmp_path / "key.pem", pem()))
    line = signer.sign("a text\n")
    verify_note(Note("a text\n", (parse_signature(line),)), [parse_vkey(signer.vkey)])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o777, 0o610])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    """With the command that mends it."""
    path = write(tmp_path / "key.pem", pem(), mode)
    with pytest.raises(SettingsError, match=rf"^LEDGER_KEY_FILE: others may .*{mode:03o}.*chmod 600"):
        Ed25519FileSigner("name", path)


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_key_of_the_owner_alone_is_taken(tmp_path: Path, mode: int) -> None:
    """Read-only is fine too."""
    Ed25519FileSigner("name", write(tmp_path / "key.pem", pem(), mode))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "expected an unencrypted PEM private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "expected an unencrypted PEM"),
        (pem(form=Encoding.DER), "expected an unencrypted PEM"),
        (pem(encryption=BestAvailableEncryption(b"password")), "expected an unencrypted PEM"),
        (pem(generate_private_key(SECP256R1())), "expected an Ed25519 key, got"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, data: bytes, expected: str) -> None:
    """The message says what was expected and never quotes the file."""
    with pytest.raises(SettingsError, match=f"^LEDGER_KEY_FILE: {expected}") as caught:
        Ed25519FileSigner("name", write(tmp_path / "key.pem", data))
    assert "BEGIN" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As is a folder."""
    for path in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(SettingsError, match=r"^LEDGER_KEY_FILE: cannot be read"):
            Ed25519FileSigner("name", path)


def test_a_name_that_no_note_can_carry_is_refused(tmp_path: Path) -> None:
    """The log's name is the key's name: no spaces, no plus signs."""
    path = write(tmp_path / "key.pem", pem())
    for name in ("", "a b", "a+b"):
        with pytest.raises(SettingsError, match=r"^LEDGER_NAME"):
            Ed25519FileSigner(name, path)


def test_a_signer_shows_no_key(tmp_path: Path) -> None:
    """Not in its representation either."""
    signer = Ed25519FileSigner("name", write(tmp_path / "key.pem", pem()))
    assert bytes(range(32)).hex() not in repr(vars(signer))
