"""Witnessing: somebody else watches the root log, signs only what continues what was signed before.

A witness needs read access and a few bytes of memory. Two histories under one service key cannot both carry
its cosignature; so who checks for it cannot be shown the other one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared.errors import LedgerError, MalformedLedger, ObjectExists, ProofInvalid
from shared.ledger.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from shared.ledger.notes import CosignerKey, Note, VerifierKey, parse_note, parse_signature, verify_note
from shared.ledger.proofs import consistency_proof, verify_consistency
from shared.ledger.rootlog import checkpoint_path, cosignature_path, timestamp_path
from shared.usecases.ports import Clock, LedgerStore, Reader
from shared.usecases.rootstore import find_newest_size, tile_hashes
from shared.usecases.upkeep.verifying import Notebook


class WitnessRefusal(LedgerError):
    """The witness does not sign: the log went back, or its history is another one."""

    code = "witness_refused"


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint with the log's signatures and the witness' line added to them."""

    checkpoint: Checkpoint
    note: bytes
    line: str


class Witness:
    """Watches one log. What it signed last is in its notebook, which must be the witness' own and safe."""

    def __init__(
        self,
        reader: Reader,
        log: str,
        keys: Collection[VerifierKey],
        key: CosignerKey,
        notebook: Notebook,
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._log = log
        self._keys = tuple(keys)
        self._key = key
        self._notebook = notebook
        self._clock = clock

    def run(self) -> Cosigned | None:
        """Cosign the newest root checkpoint, None where there is none.

        Raises WitnessRefusal (and changes nothing), LedgerError for what does not verify, StoreError.
        """
        size = find_newest_size(self._reader)
        last = self._last()
        if size < last.size:
            raise WitnessRefusal(
                f"{last.size} entries were signed before, the log has {size} now: a rollback"
            )
        if size == 0:
            return None
        data = self._reader.read(checkpoint_path(size))
        new = open_checkpoint(data, self._log, self._keys)
        if new.size != size:
            raise MalformedLedger("the newest checkpoint has another size than its path says")
        self._verify_continues(last, new)
        line = self._key.cosign(new.text(), int(self._clock().timestamp()))
        # what is signed is remembered before anybody sees it: dying in between must not free the witness
        self._notebook.save(data)
        return Cosigned(new, data + f"{line}\n".encode(), line)

    def _last(self) -> Checkpoint:
        data = self._notebook.load()
        if data is None:
            return Checkpoint(self._log, 0, b"")
        return parse_checkpoint(parse_note(data).text)

    def _verify_continues(self, last: Checkpoint, new: Checkpoint) -> None:
        if last.size == 0:
            return
        if last.origin != new.origin:
            raise WitnessRefusal("the notebook is of another log")
        proof = consistency_proof(last.size, new.size, tile_hashes(self._reader, new.size))
        try:
            verify_consistency(last.size, last.root, new.size, new.root, proof)
        except ProofInvalid as error:
            raise WitnessRefusal(
                f"the log does not continue what was signed at {last.size} entries"
            ) from error


def attach_cosignature(store: LedgerStore, checkpoint: Checkpoint, line: str, key: VerifierKey) -> None:
    """Store a witness' line beside the checkpoint. Raises LedgerError (it does not verify), StoreError."""
    verify_note(Note(checkpoint.text(), (parse_signature(line),)), [key])
    _create(store, cosignature_path(checkpoint.size, key.key_id), f"{line}\n".encode())


def attach_timestamp(store: LedgerStore, size: int, response: bytes) -> None:
    """Store the RFC 3161 response over the checkpoint's bytes; the first one stays. Raises StoreError."""
    _create(store, timestamp_path(size), response)


def _create(store: LedgerStore, path: str, data: bytes) -> None:
    try:
        store.create(path, data)
    except ObjectExists:
        return
