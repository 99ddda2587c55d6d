"""Signed notes and checkpoints: published vectors, strict parsing, and every byte of a note counts."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import LedgerError, MalformedLedger, SignatureInvalid
from shared.ledger.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from shared.ledger.notes import (
    COSIGNATURE,
    Ed25519NoteKey,
    ecdsa_der,
    ecdsa_verifier,
    ed25519_verifier,
    parse_note,
    parse_signature,
    parse_vkey,
    render_note,
    signature_line,
    verify_note,
)

ORIGIN = "audit.example.com/presidio"
KEY = Ed25519NoteKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
TEXT = Checkpoint(ORIGIN, 3, hashlib.sha256(b"root").digest()).text()
NOTE = render_note(TEXT, [KEY.sign(TEXT)])

# golang.org/x/mod/sumdb/note's documented example: the first implementation of the format.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
""".encode()  # noqa: E501


def test_the_go_implementations_note_verifies() -> None:
    """A note of another implementation is read and verified."""
    note = parse_note(GO_NOTE)
    assert [key.name for key in verify_note(note, [parse_vkey(GO_VKEY)])] == ["PeterNeumann"]
    assert note.to_bytes() == GO_NOTE
    assert parse_vkey(GO_VKEY).vkey == GO_VKEY


def test_bytes_are_frozen() -> None:
    """The bytes of a signed checkpoint by a fixed key never change."""
    assert KEY.vkey == "audit.example.com/presidio+bd6d9fd2+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    assert (
        hashlib.sha256(NOTE).hexdigest() == "2242caf49c54bdc533264b6bfbfb7c4306d552df6ceee16a23fa413c77170722"
    )


def test_a_signed_checkpoint_is_read_back() -> None:
    """What was signed is what is read."""
    checkpoint = open_checkpoint(NOTE, ORIGIN, [KEY.verifier])
    assert checkpoint.text() == TEXT
    assert checkpoint == parse_checkpoint(TEXT)


def test_every_changed_byte_of_a_note_is_noticed() -> None:
    """Each byte, changed to each of several others: the form breaks or the signature fails."""
    count = 0
    for place in range(len(NOTE)):
        for change in (1, 2, 4, 8, 16, 32, 64, 128):
            changed = bytearray(NOTE)
            changed[place] ^= change
            with pytest.raises(LedgerError):
                open_checkpoint(bytes(changed), ORIGIN, [KEY.verifier])
            count += 1
    assert count == 8 * len(NOTE)


def test_every_truncation_and_repetition_of_a_note_is_noticed() -> None:
    """No prefix of a note is a note; no byte may stand twice."""
    for place in range(len(NOTE)):
        for changed in (NOTE[:place], NOTE[:place] + NOTE[place : place + 1] + NOTE[place:]):
            with pytest.raises(LedgerError):
                open_checkpoint(changed, ORIGIN, [KEY.verifier])


def test_unknown_keys_are_ignored_and_known_ones_must_verify() -> None:
    """C2SP signed-note: unknown keys are ignored; a known key's bad signature rejects the note."""
    other = Ed25519NoteKey("other.example", Ed25519PrivateKey.generate())
    both = parse_note(render_note(TEXT, [other.sign("another text\n"), KEY.sign(TEXT)]))
    assert verify_note(both, [KEY.verifier]) == (KEY.verifier,)
    with pytest.raises(SignatureInvalid):
        verify_note(both, [KEY.verifier, other.verifier])
    with pytest.raises(SignatureInvalid):
        verify_note(both, [])


def test_a_key_of_the_same_name_is_another_key() -> None:
    """Name and id together name a key."""
    twin = Ed25519NoteKey(ORIGIN, Ed25519PrivateKey.generate())
    note = parse_note(render_note(TEXT, [twin.sign(TEXT)]))
    with pytest.raises(SignatureInvalid):
        verify_note(note, [KEY.verifier])


def test_an_ecdsa_signature_made_elsewhere_verifies() -> None:
    """Type 0x02: key id from the DER SPKI, the raw r||s of Key Vault turned into DER."""
    private = ec.generate_private_key(ec.SECP256R1())
    key = ecdsa_verifier(ORIGIN, private.public_key())
    r, s = decode_dss_signature(private.sign(TEXT.encode(), ec.ECDSA(hashes.SHA256())))
    line = signature_line(ORIGIN, key.key_id, ecdsa_der(r.to_bytes(32) + s.to_bytes(32)))
    assert verify_note(parse_note(render_note(TEXT, [line])), [parse_vkey(key.vkey)]) == (key,)
    with pytest.raises(SignatureInvalid):
        verify_note(parse_note(render_note(TEXT + "x\n", [line])), [key])
    with pytest.raises(MalformedLedger):
        ecdsa_der(b"short")


def test_a_cosignature_covers_its_time() -> None:
    """C2SP tlog-cosignature: the time is signed with the checkpoint."""
    private = Ed25519PrivateKey.generate()
    key = ed25519_verifier("witness.example/w1", private.public_key(), COSIGNATURE)
    seconds = (1_700_000_000).to_bytes(8)
    value = seconds + private.sign(b"cosignature/v1\ntime 1700000000\n" + TEXT.encode())
    good = parse_note(render_note(TEXT, [signature_line(key.name, key.key_id, value)]))
    assert verify_note(good, [parse_vkey(key.vkey)]) == (key,)
    later = parse_note(render_note(TEXT, [signature_line(key.name, key.key_id, (1).to_bytes(8) + value[8:])]))
    with pytest.raises(SignatureInvalid):
        verify_note(later, [key])
    short = parse_note(render_note(TEXT, [signature_line(key.name, key.key_id, value[:40])]))
    with pytest.raises(SignatureInvalid):
        verify_note(short, [key])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        "a+00000000+AQ==",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("c74f20a3", "C74F20A3"),
        GO_VKEY.replace("10TW", "10T"),
        GO_VKEY.replace("PeterNeumann", "Peter Neumann"),
        GO_VKEY.replace("PeterNeumann", ""),
        GO_VKEY.replace("+ARpc", "+AxpC"),
        "a+00000000+" + "A" * 2000,
        "a+00000000+AjAA",
        "\udc80+00000000+" + GO_VKEY.rpartition("+")[2],
    ],
)
def test_a_bad_verifier_key_is_refused(text: str) -> None:
    """Every other text is refused as malformed."""
    with pytest.raises(MalformedLedger):
        parse_vkey(text)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n",
        "origin\n01\n" + TEXT.split("\n")[2] + "\n",
        "origin\n-1\n" + TEXT.split("\n")[2] + "\n",
        "origin\n\N{ARABIC-INDIC DIGIT ONE}\n" + TEXT.split("\n")[2] + "\n",
        "origin\n99999999999999999999\n" + TEXT.split("\n")[2] + "\n",
        "\n1\n" + TEXT.split("\n")[2] + "\n",
        "origin\n1\nAAAA\n",
        "origin\n1\n" + TEXT.split("\n")[2] + "\nextension\n",
        "origin\n1\n" + TEXT.split("\n")[2],
    ],
)
def test_a_bad_checkpoint_is_refused(text: str) -> None:
    """Sizes without leading zeros, roots of 32 bytes, exactly three lines."""
    with pytest.raises(MalformedLedger):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "line", ["", "- a AAAAAAA=", "\N{EM DASH}  AAAAAAA=", "\N{EM DASH} a b AAAAAAA=", "\N{EM DASH} a AAAA"]
)
def test_a_bad_signature_line_is_refused(line: str) -> None:
    """An em dash, one name, at least one byte of signature."""
    with pytest.raises(MalformedLedger):
        parse_signature(line)


def test_stray_bits_of_base64_are_refused() -> None:
    """`AB==` decodes to what `AA==` decodes to; only one of them is a canonical text."""
    line = KEY.sign(TEXT)
    assert line.endswith("=")
    twin = line[:-2] + chr(ord(line[-2]) + 1) + "="
    with pytest.raises(MalformedLedger):
        parse_signature(twin)


def test_too_much_is_refused() -> None:
    """More than 64 KiB, or more than 32 signatures, is no note."""
    with pytest.raises(MalformedLedger):
        parse_note(b"a" * 70_000)
    with pytest.raises(MalformedLedger):
        parse_note(render_note(TEXT, [KEY.sign(TEXT)] * 2))
    lines = [signature_line(f"k{number}", b"1234", b"x") for number in range(33)]
    with pytest.raises(MalformedLedger):
        parse_note(render_note(TEXT, lines))


@given(st.binary(max_size=300))
def test_garbage_is_malformed(data: bytes) -> None:
    """Nothing but MalformedLedger comes out of random bytes."""
    with pytest.raises(MalformedLedger):
        parse_note(data)
