"""Signed notes (C2SP signed-note): a text, a blank line, and signature lines by named keys.

Two kinds of keys sign here: Ed25519 (type 0x01) and, because Azure Key Vault has no Ed25519, ECDSA on
P-256 with SHA-256 (type 0x02). Witnesses' cosignatures (type 0x04, C2SP tlog-cosignature) are verified too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from shared.errors import MalformedLedger, SignatureInvalid
from shared.ledger.encoding import decode_base64, encode_base64

ED25519 = 0x01
ECDSA = 0x02
COSIGNATURE = 0x04

MAX_NOTE_BYTES = 65_536
MAX_SIGNATURES = 32
DASH = "\N{EM DASH}"

type PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named public key. `key_id` is 4 bytes, `algorithm` the signature type byte of C2SP signed-note.

    Two keys are the same when name and id are: that pair is what a signature line carries.
    """

    name: str
    key_id: bytes
    algorithm: int
    public_key: PublicKey = field(compare=False, repr=False)

    @property
    def vkey(self) -> str:
        """The text form: `<name>+<8 hex digits>+<base64 of type byte and key>`."""
        encoded = bytes([self.algorithm]) + _key_bytes(self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(encoded)}"

    def verify(self, text: bytes, signature: bytes) -> None:
        """Check the signature bytes (without the key id) over the note text. Raises SignatureInvalid."""
        try:
            match self.public_key:
                case Ed25519PublicKey() as key:
                    if self.algorithm == COSIGNATURE:
                        text, signature = cosigned_message(text, signature), signature[8:]
                    key.verify(signature, text)
                case ec.EllipticCurvePublicKey() as key:
                    key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise SignatureInvalid(f"a signature does not verify under key {self.key_id.hex()}") from error


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: `value` is without the four bytes of the key id."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line as it stands in the note, without newline."""
        return signature_line(self.name, self.key_id, self.value)


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note. `text` ends in a newline and does not include the separating blank line."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """The bytes that `parse_note` read."""
        return render_note(self.text, [signature.line for signature in self.signatures])


class Ed25519NoteKey:
    """A private Ed25519 key with a name: the `NoteSigner` of writers and of local service keys."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.verifier = ed25519_verifier(name, private_key.public_key())

    @property
    def vkey(self) -> str:
        """The verifier key's text form."""
        return self.verifier.vkey

    def sign(self, text: str) -> str:
        """The signature line over a note text (which ends in a newline), without a newline of its own."""
        value = self._private_key.sign(_signable(text))
        return signature_line(self.verifier.name, self.verifier.key_id, value)


class CosignerKey:
    """A witness' private key: signs checkpoints with the time of signing (C2SP tlog-cosignature v1)."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.verifier = ed25519_verifier(name, private_key.public_key(), COSIGNATURE)

    def cosign(self, text: str, time_s: int) -> str:
        """The cosignature line over a checkpoint's text, without newline. `time_s` is POSIX time."""
        time_bytes = time_s.to_bytes(8)
        message = b"cosignature/v1\ntime %d\n%b" % (time_s, _signable(text))
        value = time_bytes + self._private_key.sign(message)
        return signature_line(self.verifier.name, self.verifier.key_id, value)


def ed25519_verifier(name: str, public_key: Ed25519PublicKey, algorithm: int = ED25519) -> VerifierKey:
    """The verifier key: id = SHA-256(name || LF || type || key)[:4]. Raises MalformedLedger (name)."""
    _check_name(name)
    hashed = name.encode() + b"\n" + bytes([algorithm]) + public_key.public_bytes_raw()
    return VerifierKey(name, hashlib.sha256(hashed).digest()[:4], algorithm, public_key)


def ecdsa_verifier(name: str, public_key: ec.EllipticCurvePublicKey) -> VerifierKey:
    """The verifier key of a P-256 key: id = SHA-256(DER SPKI)[:4]. Raises MalformedLedger."""
    _check_name(name)
    if not isinstance(public_key.curve, ec.SECP256R1):
        raise MalformedLedger(f"an ECDSA note key is on P-256, got {public_key.curve.name}")
    return VerifierKey(name, hashlib.sha256(_key_bytes(public_key)).digest()[:4], ECDSA, public_key)


def parse_vkey(text: str) -> VerifierKey:
    """Read `<name>+<8 hex digits>+<base64>`; the id must belong to name and key. Raises MalformedLedger."""
    parts = text.split("+", 2)
    if len(parts) != 3 or len(text) > 1024:
        raise MalformedLedger("a verifier key is <name>+<8 hex digits>+<base64 of type byte and key>")
    name, key_id, encoded = parts
    data = decode_base64(encoded, "a verifier key's last part")
    verifier = _verifier_from(name, data[:1], data[1:])
    if verifier.key_id.hex() != key_id:
        raise MalformedLedger("a verifier key's id does not belong to its name and key")
    return verifier


def signature_line(name: str, key_id: bytes, value: bytes) -> str:
    """`— <name> <base64 of key id and signature>`, without newline. An ECDSA `value` is DER."""
    return f"{DASH} {name} {encode_base64(key_id + value)}"


def ecdsa_der(raw: bytes) -> bytes:
    """DER of a raw P-256 signature (r || s, 32 bytes each, as Key Vault gives it). Raises MalformedLedger."""
    if len(raw) != 64:
        raise MalformedLedger(f"a raw P-256 signature has 64 bytes, got {len(raw)}")
    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


def render_note(text: str, lines: Iterable[str]) -> bytes:
    """The bytes of a note from its text (ending in a newline) and its signature lines."""
    return (text + "\n" + "".join(f"{line}\n" for line in lines)).encode()


def parse_note(data: bytes) -> Note:
    """Read a note, strictly: every byte of it has a meaning. Raises MalformedLedger."""
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedLedger(f"a note has at most {MAX_NOTE_BYTES} bytes, got {len(data)}")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise MalformedLedger("a note is UTF-8") from error
    if any(character < " " and character != "\n" for character in whole):
        raise MalformedLedger("a note has no control characters but newlines")
    head, separator, tail = whole.rpartition("\n\n")
    if not separator or not tail.endswith("\n") or not head:
        raise MalformedLedger("a note is a text, a blank line and signature lines, each ended by a newline")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedLedger(f"a note has at most {MAX_SIGNATURES} signatures, got {len(lines)}")
    signatures = tuple(parse_signature(line) for line in lines)
    if len({(signature.name, signature.key_id) for signature in signatures}) != len(signatures):
        raise MalformedLedger("a note carries two signatures under one key name and id")
    return Note(head + "\n", signatures)


def parse_signature(line: str) -> Signature:
    """Read one signature line (without newline). Raises MalformedLedger."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != DASH:
        raise MalformedLedger("a signature line is: em dash, space, key name, space, base64")
    _check_name(parts[1])
    data = decode_base64(parts[2], "a signature")
    if len(data) <= 4:
        raise MalformedLedger("a signature is four bytes of key id and the signature itself")
    return Signature(parts[1], data[:4], data[4:])


def verify_note(note: Note, keys: Collection[VerifierKey]) -> tuple[VerifierKey, ...]:
    """The known keys that signed the note, in its order.

    Signatures of unknown keys are ignored (C2SP signed-note). Raises SignatureInvalid where a known key's
    signature does not verify, and where no known key signed.
    """
    known = {(key.name, key.key_id): key for key in keys}
    text = note.text.encode()
    verified: list[VerifierKey] = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            key.verify(text, signature.value)
            verified.append(key)
    if not verified:
        raise SignatureInvalid("no signature by a known key")
    return tuple(verified)


def cosigned_message(text: bytes, signature: bytes) -> bytes:
    """What a witness signs (C2SP tlog-cosignature v1), from the note text and its timestamped signature."""
    if len(signature) != 72:
        raise InvalidSignature
    return b"cosignature/v1\ntime %d\n%b" % (int.from_bytes(signature[:8]), text)


def _verifier_from(name: str, algorithm: bytes, key: bytes) -> VerifierKey:
    try:
        if algorithm in (b"\x01", b"\x04"):
            return ed25519_verifier(name, Ed25519PublicKey.from_public_bytes(key), algorithm[0])
        if algorithm == b"\x02":
            public_key = load_der_public_key(key)
            if isinstance(public_key, ec.EllipticCurvePublicKey) and _key_bytes(public_key) == key:
                return ecdsa_verifier(name, public_key)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedLedger("a verifier key's last part is not a public key of its type") from error
    raise MalformedLedger("a verifier key is of type 1 (Ed25519), 2 (ECDSA P-256) or 4 (cosignature)")


def _key_bytes(key: PublicKey) -> bytes:
    if isinstance(key, Ed25519PublicKey):
        return key.public_bytes_raw()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _signable(text: str) -> bytes:
    if not text.endswith("\n"):
        raise MalformedLedger("a note text ends in a newline")
    return text.encode()


def _check_name(name: str) -> None:
    if not name or len(name) > 512 or "+" in name or " " in name or not name.isprintable():
        raise MalformedLedger("a key name is not empty and has no spaces, plus signs or control characters")
