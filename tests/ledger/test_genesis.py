"""The genesis: a writer's key is trusted through it, and through nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import LedgerError, MalformedLedger, SignatureInvalid
from shared.ledger.bodies import FIRST_PREV, encode_record
from shared.ledger.checkpoints import parse_checkpoint
from shared.ledger.genesis import attested_text, verify_genesis, writer_origin
from shared.ledger.lines import parse_line
from shared.ledger.notes import Ed25519NoteKey, parse_vkey
from tests.support.committers import LOG, SERVICE_KEY, START, WRITER, WRITER_KEY, make_writer

TRUSTED = [parse_vkey(SERVICE_KEY.vkey)]
STRANGER = Ed25519NoteKey(LOG, Ed25519PrivateKey.from_private_bytes(b"s" * 32))
SECOND = Ed25519NoteKey("second.example.com", Ed25519PrivateKey.from_private_bytes(b"2" * 32))
VKEY = Ed25519NoteKey(writer_origin(LOG, WRITER), WRITER_KEY).vkey


def genesis(*signers: Ed25519NoteKey, **changes: Any) -> dict[str, Any]:
    """The members of a genesis line, signed by these keys; changes are made before signing."""
    record = make_writer(**changes).genesis(VKEY, START, signers or (SERVICE_KEY,))
    return parse_line(encode_record(record).place(0, FIRST_PREV))


def test_a_genesis_of_the_service_gives_the_writers_key() -> None:
    """The key that it returns is the one that signs the writer's checkpoints."""
    assert verify_genesis(genesis(), LOG, WRITER, TRUSTED).vkey == VKEY


def test_one_trusted_signature_among_others_is_enough() -> None:
    """Signatures by keys that the verifier does not know are passed over."""
    assert verify_genesis(genesis(STRANGER, SECOND, SERVICE_KEY), LOG, WRITER, TRUSTED).vkey == VKEY


def test_a_bad_signature_by_a_trusted_key_is_not_passed_over() -> None:
    """Every line by a trusted key has to hold, even beside one that does."""
    fields = genesis(SERVICE_KEY, SECOND)
    fields["attestation"][1] = genesis(SECOND, SERVICE_KEY, policy="99" * 32)["attestation"][0]
    with pytest.raises(SignatureInvalid):
        verify_genesis(fields, LOG, WRITER, [*TRUSTED, parse_vkey(SECOND.vkey)])


def test_a_key_that_nobody_vouches_for_is_refused() -> None:
    """A log rewritten with a fresh key and a stranger's signature, under the service's name."""
    with pytest.raises(SignatureInvalid):
        verify_genesis(genesis(STRANGER), LOG, WRITER, TRUSTED)


FIELDS = genesis()


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"attestation"}))
def test_no_member_can_change(name: str) -> None:
    """The attestation covers every other member: another value, or none, is refused."""
    for change in ({name: "other"}, {}):
        fields = {key: value for key, value in FIELDS.items() if key != name} | change
        with pytest.raises(LedgerError):
            verify_genesis(fields, LOG, WRITER, TRUSTED)


def test_no_member_can_be_added() -> None:
    """A member that the service did not sign is refused."""
    with pytest.raises(SignatureInvalid):
        verify_genesis(FIELDS | {"more": 1}, LOG, WRITER, TRUSTED)


@pytest.mark.parametrize(
    "attestation",
    [None, [], "— x y", [1], ["— audit.example.com/presidio"], ["x"], FIELDS["attestation"] * 33, [None]],
)
def test_an_attestation_is_a_list_of_signature_lines(attestation: object) -> None:
    """Anything else is malformed, not merely untrusted."""
    with pytest.raises(MalformedLedger):
        verify_genesis(FIELDS | {"attestation": attestation}, LOG, WRITER, TRUSTED)


def test_a_genesis_of_another_log_or_writer_is_refused() -> None:
    """It cannot be moved: neither to another deployment nor under another writer's path."""
    with pytest.raises(MalformedLedger, match="another log"):
        verify_genesis(FIELDS, "other.example.com", WRITER, TRUSTED)
    with pytest.raises(MalformedLedger, match="another writer"):
        verify_genesis(FIELDS, LOG, "01JD0000000000000000000001", TRUSTED)


def test_a_writer_cannot_use_a_key_of_another_name() -> None:
    """The vkey carries the writer's origin, so a service key is never a writer's key."""
    record = make_writer().genesis(SERVICE_KEY.vkey, START, [SERVICE_KEY])
    fields = parse_line(encode_record(record).place(0, FIRST_PREV))
    with pytest.raises(MalformedLedger, match="named <log>/w/<writer>"):
        verify_genesis(fields, LOG, WRITER, TRUSTED)


def test_what_is_attested_is_no_checkpoint() -> None:
    """A service key's signature under a genesis can never pass as one under a checkpoint."""
    with pytest.raises(MalformedLedger):
        parse_checkpoint(attested_text(writer_origin(LOG, WRITER), FIELDS))
