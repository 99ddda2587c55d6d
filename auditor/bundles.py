"""A proof as files that a third party can keep, read and check, with this tool or with others."""

from __future__ import annotations

from pathlib import Path

from auditor.errors import AuditorError
from shared.errors import LedgerError
from shared.ledger.evidence import ProvenRecord, RecordEvidence, verify_evidence
from shared.ledger.lines import parse_line
from shared.ledger.notes import VerifierKey
from shared.ledger.prooffiles import MAX_PROOF_FILE_BYTES, parse_proof_file
from shared.records.canonical import MAX_LINE_BYTES

RECORD, RECORD_PROOF = "record.json", "record.tlog-proof"
GENESIS, SEAL, SEAL_PROOF = "genesis.json", "seal.json", "seal.tlog-proof"
README = "README.md"


def write_bundle(folder: Path, evidence: RecordEvidence, keys: tuple[VerifierKey, ...]) -> list[str]:
    """Write the parts and a README; returns the names. Raises AuditorError where files are in the way."""
    files = {
        RECORD: evidence.record,
        RECORD_PROOF: evidence.record_proof.to_bytes(),
        GENESIS: evidence.genesis,
        README: _readme(evidence, keys).encode(),
    }
    if evidence.seal is not None and evidence.seal_proof is not None:
        files |= {SEAL: evidence.seal, SEAL_PROOF: evidence.seal_proof.to_bytes()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise AuditorError(f"{folder} is not empty: a proof gets a folder of its own")
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise AuditorError(f"cannot write to {folder}: {error.strerror}") from error
    return sorted(files)


def check_bundle(folder: Path, keys: tuple[VerifierKey, ...], log: str) -> ProvenRecord:
    """Read the parts and check them. Raises AuditorError (missing files) and LedgerError (wrong ones)."""
    genesis = _read(folder / GENESIS, MAX_LINE_BYTES)
    has_seal = (folder / SEAL).exists()
    evidence = RecordEvidence(
        writer=_writer_of(genesis),
        record=_read(folder / RECORD, MAX_LINE_BYTES),
        record_proof=parse_proof_file(_read(folder / RECORD_PROOF, MAX_PROOF_FILE_BYTES)),
        genesis=genesis,
        seal=_read(folder / SEAL, MAX_LINE_BYTES) if has_seal else None,
        seal_proof=parse_proof_file(_read(folder / SEAL_PROOF, MAX_PROOF_FILE_BYTES)) if has_seal else None,
    )
    return verify_evidence(evidence, log, keys)


def _writer_of(genesis: bytes) -> str:
    service = parse_line(genesis).get("service")
    writer = service.get("writer") if isinstance(service, dict) else None
    if not isinstance(writer, str):
        raise LedgerError("the genesis names no writer")
    return writer


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise AuditorError(f"the proof lacks {path.name}, or it cannot be read") from error
    if len(data) > most:
        raise AuditorError(f"{path.name} has more than {most} bytes")
    return data


def _readme(evidence: RecordEvidence, keys: tuple[VerifierKey, ...]) -> str:
    index = evidence.record_proof.index
    trusted = "\n".join(f"    {key.vkey}" for key in keys)
    sealed = (
        "`seal.json` and `seal.tlog-proof` prove that the service's own key has fixed this state of the log."
        if evidence.seal
        else "No root checkpoint covers this record yet: the writer's signature alone stands for its place."
    )
    return f"""# Proof of audit record {evidence.writer}/{index}

`record.json` is one record of an audit ledger, byte for byte as it was committed before the call it describes
was answered. The other files prove that it stands at index {index} of its log, unmodified.

- `record.tlog-proof`: its place in the log, under the writer's signature (format c2sp.org/tlog-proof).
- `genesis.json`: the log's first record, in which the service's key vouches for the writer's key.
- {sealed}

Do not take the key from this folder: get the service's verifier key from its operator by another way, compare
it with what was used here, and check with it:

{trusted}

    python -m auditor check-proof . --key <verifier key>

By hand, with sha256sum and openssl: see "Checking one record by hand" in docs/ledger-format.md.
"""
