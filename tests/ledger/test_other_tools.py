"""Somebody else's software (tlog-scales, Apache-2.0) accepts the root log and a writer's log as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.ledger.hashing import leaf_hash
from shared.ledger.prooffiles import ProofFile, parse_proof_file, verify_proof_file
from shared.ledger.proofs import consistency_proof, inclusion_proof
from shared.ledger.rootlog import ROOT_PREFIX, checkpoint_path
from shared.ledger.segments import parse_segment
from shared.ledger.tlogfiles import TileBuilder
from shared.usecases.rootstore import tile_hashes
from tests.support.ledgers import SERVICE, ULIDS, Clock, sealer_of, small_ledger, start_writer
from tests.support.worm import WormStore

backend = pytest.importorskip("tlog_scales.backend", reason="tlog-scales is not installed")


def _export(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def _check(folder: Path, vkey_text: str, older: list[bytes], entries: list[bytes]) -> int:
    """Signature, root, every entry's inclusion, and consistency with older checkpoints: how many."""
    from tlog_scales.reader import TilesReader
    from tlog_scales.signing import Vkey
    from tlog_scales.tlog import Checkpoint

    vkey = Vkey.from_string(vkey_text)
    reader = TilesReader(backend.LocalBackend(folder))
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(vkey)
    assert reader.calculate_root_hash() == checkpoint.root_hash
    assert checkpoint.size == len(entries)
    for index, entry in enumerate(entries):
        assert reader.get_entry(index) == entry
        reader.get_inclusion_proof(index, checkpoint.size).check(leaf_hash(entry), checkpoint.root_hash)
    for text in older:
        old = Checkpoint.from_text(text.decode())
        old.verify(vkey)
        reader.get_consistency_proof(old.size, checkpoint.size).check(old.root_hash, checkpoint.root_hash)
    return 2 + len(entries) + len(older)


def test_the_root_log_is_accepted(tmp_path: Path) -> None:
    """Its objects are a tlog-tiles folder as they lie; only `checkpoint` is a copy of the newest one."""
    store, clock = WormStore(), Clock()
    writers = [start_writer(store, f"01JNC{number:021}", clock, seed=number + 1) for number in range(50)]
    sealer, notes, seals = sealer_of(store, clock), [], []
    for _ in range(6):
        sealing = sealer.run()
        notes.append(sealing.checkpoint)
        seals += [seal.to_entry() for seal in sealing.seals]
        for writer in writers:
            writer.access(1)
    files = {path.removeprefix(ROOT_PREFIX): data for path, data in store.objects.items() if "/tile/" in path}
    _export(tmp_path, {**files, "checkpoint": store.objects[checkpoint_path(300)]})
    assert _check(tmp_path, SERVICE.vkey, notes, seals) == 308


def test_a_writers_log_is_accepted(tmp_path: Path) -> None:
    """Exported as tiles, with the writer's own checkpoints."""
    store, clock = WormStore(), Clock()
    writer = start_writer(store, ULIDS[0], clock, seed=10)
    for count in (1, 30, 200, 40, 7):
        writer.access(count)
    files: dict[str, bytes] = {}
    builder, lines = TileBuilder(), []
    for commit in parse_segment([store.objects[f"v1/w/{ULIDS[0]}/00000000.seg"]]):
        for line in commit.lines:
            files |= dict(builder.append(line))
            lines.append(line)
    files |= dict(builder.finish())
    notes = [note.encode() for note in writer.notes]
    _export(tmp_path, {**files, "checkpoint": notes[-1]})
    assert _check(tmp_path, writer.log.vkey, notes, lines) == 279 + 2 + 6


def test_our_proofs_are_their_proofs() -> None:
    """Byte for byte, from the same tiles."""
    from tlog_scales.reader import TilesReader

    ledger = small_ledger()

    class Store:
        def get(self, *path: str) -> bytes | None:
            return ledger.store.objects.get(ROOT_PREFIX + "/".join(path))

    reader = TilesReader(Store())
    reader.set_size(8)
    hashes = tile_hashes(ledger.store, 8)
    for index in range(8):
        assert list(inclusion_proof(index, 8, hashes)) == reader.get_inclusion_proof(index, 8).node_hashes
    for old in range(1, 8):
        assert list(consistency_proof(old, 8, hashes)) == reader.get_consistency_proof(old, 8).node_hashes


def test_a_proof_file_is_read_back_and_verified() -> None:
    """C2SP tlog-proof: written, read, verified against the log's key."""
    ledger = small_ledger()
    sealing = ledger.sealings[-1]
    entry = sealing.seals[0].to_entry()
    index = sealing.size - len(sealing.seals)
    path = inclusion_proof(index, sealing.size, tile_hashes(ledger.store, sealing.size))
    data = ProofFile(index, path, sealing.checkpoint).to_bytes()
    proof = parse_proof_file(data)
    assert proof.to_bytes() == data
    assert verify_proof_file(proof, entry, SERVICE.verifier.name, [SERVICE.verifier]).size == sealing.size
