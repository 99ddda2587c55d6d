"""The genesis: record 0 of a writer, in which a service key vouches for the writer's own key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from shared.errors import MalformedLedger
from shared.ledger.bodies import FIRST_PREV
from shared.ledger.notes import (
    ED25519,
    MAX_SIGNATURES,
    Note,
    Signature,
    VerifierKey,
    parse_signature,
    parse_vkey,
    verify_note,
)
from shared.records.canonical import canonical_bytes, sha256_hex
from shared.records.model import GenesisRecord

ATTESTATION_LABEL = "presidio-access-audit/genesis/v1"
"""First line of what a service key signs: it can be neither a checkpoint nor another note of this project."""


def writer_origin(log: str, writer: str) -> str:
    """The origin of a writer's checkpoints, which is also the name of its key."""
    return f"{log}/w/{writer}"


def attested_text(origin: str, fields: Mapping[str, Any]) -> str:
    """What the service's keys sign: label, origin, and the hash of the record without its `attestation`.

    `fields` are the members of the record line, `seq` and `prev` among them.
    """
    covered = {name: member for name, member in fields.items() if name != "attestation"}
    return f"{ATTESTATION_LABEL}\n{origin}\n{sha256_hex(canonical_bytes(covered))}\n"


def genesis_text(record: GenesisRecord) -> str:
    """The text to be signed for a genesis record that is about to become record 0."""
    fields = record.model_dump(mode="json", exclude_none=True)
    origin = writer_origin(record.log, record.service.writer)
    return attested_text(origin, {**fields, "seq": 0, "prev": FIRST_PREV})


def verify_genesis(
    fields: Mapping[str, Any], log: str, writer: str, trusted: Collection[VerifierKey]
) -> VerifierKey:
    """The writer's key, once record 0 holds under the trusted service keys.

    `fields` are the members of the record line, `log` the log's name, `writer` the ULID of the path. Raises
    MalformedLedger (no genesis, or of another log or writer) and SignatureInvalid (no trusted key signed it,
    or a trusted key's signature does not verify).
    """
    place = (fields.get("type"), fields.get("v"), fields.get("seq"), fields.get("prev"))
    if place != ("genesis", 1, 0, FIRST_PREV):
        raise MalformedLedger("record 0 is a genesis of version 1 with seq 0 and a prev of zeros")
    if _text(fields, "log") != log:
        raise MalformedLedger("the genesis is of another log: its log name differs")
    service = fields.get("service")
    if not isinstance(service, dict) or service.get("writer") != writer:
        raise MalformedLedger("the genesis is of another writer than the path it stands under")
    key, origin = parse_vkey(_text(fields, "vkey")), writer_origin(log, writer)
    if key.name != origin or key.algorithm != ED25519:
        raise MalformedLedger("a genesis' vkey is an Ed25519 key (type 1) named <log>/w/<writer>")
    verify_note(Note(attested_text(origin, fields), _signatures(fields)), trusted)
    return key


def _text(fields: Mapping[str, Any], name: str) -> str:
    text = fields.get(name)
    if not isinstance(text, str):
        raise MalformedLedger(f"a genesis has the member {name}, a text")
    return text


def _signatures(fields: Mapping[str, Any]) -> tuple[Signature, ...]:
    lines = fields.get("attestation")
    if not isinstance(lines, list) or not 0 < len(lines) <= MAX_SIGNATURES:
        raise MalformedLedger(f"a genesis has the member attestation, 1 to {MAX_SIGNATURES} signature lines")
    if not all(isinstance(line, str) for line in lines):
        raise MalformedLedger("a genesis' attestation is a list of texts")
    return tuple(parse_signature(line) for line in lines)
