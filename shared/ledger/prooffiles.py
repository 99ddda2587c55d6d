"""Proof files (C2SP tlog-proof): that an entry stands at an index of a log, under a signed checkpoint."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from shared.errors import MalformedLedger
from shared.ledger.checkpoints import Checkpoint, open_checkpoint
from shared.ledger.encoding import decode_base64, encode_base64
from shared.ledger.hashing import leaf_hash
from shared.ledger.notes import MAX_NOTE_BYTES, VerifierKey
from shared.ledger.proofs import MAX_PROOF_HASHES, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF_FILE_BYTES = MAX_NOTE_BYTES + 8_192

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProofFile:
    """`index` of the entry, `path` from the leaf's sibling upwards (32 bytes each), signed `checkpoint`."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        lines = [HEADER, f"index {self.index}", *map(encode_base64, self.path), ""]
        return "\n".join(lines).encode() + b"\n" + self.checkpoint


def parse_proof_file(data: bytes) -> ProofFile:
    """Read a proof file; an `extra` line is passed over. Raises MalformedLedger."""
    if len(data) > MAX_PROOF_FILE_BYTES:
        raise MalformedLedger(f"a proof file has at most {MAX_PROOF_FILE_BYTES} bytes")
    head, separator, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode().split("\n")
    except UnicodeDecodeError as error:
        raise MalformedLedger("a proof file is UTF-8") from error
    if not separator or lines[0] != HEADER:
        raise MalformedLedger(f"a proof file begins with {HEADER} and has a checkpoint after a blank line")
    rest = lines[1:]
    if rest and rest[0].startswith("extra "):
        decode_base64(rest[0].removeprefix("extra "), "a proof's extra data")
        rest = rest[1:]
    match = _INDEX.fullmatch(rest[0]) if rest else None
    if match is None or len(rest) - 1 > MAX_PROOF_HASHES:
        raise MalformedLedger("a proof file has an index line and at most 63 hashes")
    path = tuple(decode_base64(line, "a proof's hash") for line in rest[1:])
    return ProofFile(int(match[1]), path, checkpoint)


def verify_proof_file(
    proof: ProofFile, entry: bytes, origin: str, keys: Collection[VerifierKey]
) -> Checkpoint:
    """Check that the entry stands at the proof's index of the log `origin`, as signed by a known key.

    Raises MalformedLedger, SignatureInvalid and ProofInvalid.
    """
    checkpoint = open_checkpoint(proof.checkpoint, origin, keys)
    verify_inclusion(proof.index, checkpoint.size, leaf_hash(entry), proof.path, checkpoint.root)
    return checkpoint
