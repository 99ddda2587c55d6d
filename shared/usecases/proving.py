"""One record with its proofs: gathered from storage for somebody who trusts nothing but the public key."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared.errors import MalformedLedger, ObjectMissing
from shared.ledger.checkpoints import open_checkpoint
from shared.ledger.evidence import RecordEvidence, verify_evidence
from shared.ledger.genesis import verify_genesis, writer_origin
from shared.ledger.hashing import leaf_hash
from shared.ledger.lines import parse_line
from shared.ledger.notes import VerifierKey
from shared.ledger.prooffiles import ProofFile
from shared.ledger.proofs import HashReader, LeafHashes, inclusion_proof
from shared.ledger.rootlog import Seal
from shared.records.canonical import MAX_LINE_BYTES
from shared.usecases.ports import Reader
from shared.usecases.reading import StoredLine, find_line, list_segments, read_commits
from shared.usecases.rootstore import EMPTY, RootHead, RootView, tile_hashes

NOTE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class WriterState:
    """A state of a writer's log to prove in: its size, signed checkpoint, and the tree's hashes."""

    size: int
    note: bytes
    hashes: HashReader


def prove_record(
    reader: Reader,
    log: str,
    keys: Collection[VerifierKey],
    name: tuple[str, int],
    index_hashes: HashReader | None = None,
) -> RecordEvidence:
    """Everything that proves a record `(writer, index)`, verified before it is handed out.

    `index_hashes` are the writer's tree where a local index has it; without one, the writer's log is read
    up to the seal. Raises ObjectMissing where there is no such record, LedgerError where it does not verify.
    """
    writer, index = name
    line = find_line(reader, writer, index)
    if line is None:
        raise ObjectMissing(f"no record {writer}/{index}")
    genesis = find_line(reader, writer, 0)
    if genesis is None:
        raise ObjectMissing(f"no first record of writer {writer}")
    root = RootView(reader, log, keys)
    head = root.find_head()
    place, seal = _find_seal(root, head, writer, index)
    state = _state_at(reader, log, genesis, keys, seal, line, index_hashes)
    record_path = inclusion_proof(index, state.size, state.hashes)
    seal_proof = None
    if seal is not None:
        path = inclusion_proof(place, head.size, tile_hashes(reader, head.size))
        seal_proof = ProofFile(place, path, head.note)
    evidence = RecordEvidence(
        writer=writer,
        record=line.line,
        record_proof=ProofFile(index, record_path, state.note),
        genesis=genesis.line,
        seal=seal.to_entry() if seal else None,
        seal_proof=seal_proof,
    )
    verify_evidence(evidence, log, keys)
    return evidence


def _find_seal(root: RootView, head: RootHead, writer: str, index: int) -> tuple[int, Seal | None]:
    """The oldest seal that covers the record, and its place in the root log."""
    found: tuple[int, Seal | None] = (0, None)
    if head == EMPTY:
        return found
    for distance, seal in enumerate(root.seals_backwards(head), 1):
        if seal.writer != writer:
            continue
        if seal.size <= index:
            break
        found = (head.size - distance, seal)
    return found


def _state_at(
    reader: Reader,
    log: str,
    genesis: StoredLine,
    keys: Collection[VerifierKey],
    seal: Seal | None,
    line: StoredLine,
    index_hashes: HashReader | None,
) -> WriterState:
    writer = line.writer
    key = verify_genesis(parse_line(genesis.line), log, writer, keys)
    if seal is not None and index_hashes is not None:
        return WriterState(seal.size, _note_before(reader, seal), index_hashes)
    leaves: list[bytes] = []
    note = b""
    for segment in list_segments(reader, writer).get(writer, ()):
        for _, lines, checkpoint in read_commits(reader, segment):
            leaves += [leaf_hash(entry) for entry in lines]
            note = checkpoint
            if len(leaves) > line.index and (seal is None or len(leaves) >= seal.size):
                size = open_checkpoint(note, writer_origin(log, writer), [key]).size
                return WriterState(size, note, LeafHashes(leaves))
    raise MalformedLedger(f"the log of writer {writer} ends before its record {line.index} is covered")


def _note_before(reader: Reader, seal: Seal) -> bytes:
    """The signed checkpoint that ends at a sealed place: the last five lines before it."""
    path = next(
        segment.path
        for segment in list_segments(reader, seal.writer)[seal.writer]
        if segment.number == seal.segment
    )
    start = max(0, seal.offset - NOTE_BYTES - MAX_LINE_BYTES)
    lines = reader.read(path, start, seal.offset - start).split(b"\n")
    return b"\n".join(lines[-6:])
