"""One record with everything that a third party needs to believe it, given the service's public key.

Five parts: the record's line; its inclusion in the writer's log, under the writer's signature; the genesis,
by which the service's key vouches for the writer's key; the seal, by which the root log fixed that state of
the writer's log; and the seal's inclusion in the root log, under the service's signature.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from shared.errors import MalformedLedger, ProofInvalid
from shared.ledger.checkpoints import Checkpoint
from shared.ledger.genesis import verify_genesis, writer_origin
from shared.ledger.lines import parse_line
from shared.ledger.notes import VerifierKey
from shared.ledger.prooffiles import ProofFile, verify_proof_file
from shared.ledger.rootlog import Seal, parse_seal


@dataclass(frozen=True, slots=True)
class RecordEvidence:
    """The parts. `seal` and `seal_proof` are None for a record that no root checkpoint covers yet."""

    writer: str
    record: bytes
    record_proof: ProofFile
    genesis: bytes
    seal: bytes | None
    seal_proof: ProofFile | None


@dataclass(frozen=True, slots=True)
class ProvenRecord:
    """What evidence proves. `sealed` is the root log's entry and checkpoint, None where it had none."""

    fields: dict[str, Any]
    index: int
    checkpoint: Checkpoint
    sealed: tuple[Seal, Checkpoint] | None


def verify_evidence(evidence: RecordEvidence, log: str, keys: Collection[VerifierKey]) -> ProvenRecord:
    """Check all parts against each other and the trusted service keys.

    Raises MalformedLedger, SignatureInvalid and ProofInvalid.
    """
    key = verify_genesis(parse_line(evidence.genesis), log, evidence.writer, keys)
    fields = parse_line(evidence.record)
    if fields.get("seq") != evidence.record_proof.index:
        raise ProofInvalid("the record's `seq` is not the index that is proven")
    origin = writer_origin(log, evidence.writer)
    checkpoint = verify_proof_file(evidence.record_proof, evidence.record, origin, [key])
    sealed = None
    if evidence.seal is not None and evidence.seal_proof is not None:
        seal = parse_seal(evidence.seal)
        if (seal.writer, seal.size, seal.root) != (evidence.writer, checkpoint.size, checkpoint.root):
            raise ProofInvalid("the seal is not of the state of the log that the record is proven in")
        root = verify_proof_file(evidence.seal_proof, evidence.seal, log, keys)
        sealed = (seal, root)
    elif evidence.seal is not None or evidence.seal_proof is not None:
        raise MalformedLedger("a seal comes with its proof")
    return ProvenRecord(fields, evidence.record_proof.index, checkpoint, sealed)
