"""What the auditor keeps beside a local copy: never inside it, so that the copy stays what it is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.errors import LedgerError
from shared.ledger.hashing import leaf_hash
from shared.ledger.proofs import HashReader
from shared.ledger.tiles import Tile, TileHashes
from shared.ledger.tlogfiles import TileBuilder
from shared.usecases.ports import Reader
from shared.usecases.reading import SegmentRef, read_commits

type Advance = Callable[[int], None]


def cache_folder(folder: Path) -> Path:
    """`<copy>.auditor`, beside the copy."""
    resolved = folder.resolve()
    return resolved.with_name(resolved.name + ".auditor")


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_bytes(data)
    temporary.replace(path)


def build_index(
    reader: Reader, writer: str, segments: Sequence[SegmentRef], cache: Path, advance: Advance
) -> None:
    """Write a writer's tree as tiles, so that a proof takes no more than a few small files.

    The index is not trusted: a proof made from it is verified before it is handed out. Raises LedgerError.
    """
    folder = cache / "index" / writer
    builder = TileBuilder(with_entries=False)
    for segment in segments:
        before = 0
        for offset, lines, note in read_commits(reader, segment):
            for line in lines:
                for path, data in builder.append(line, leaf_hash(line)):
                    write_whole(folder / path, data)
            end = offset + sum(len(line) + 1 for line in lines) + len(note)
            advance(end - before)
            before = end
    for path, data in builder.finish():
        write_whole(folder / path, data)
    state = {"segments": _sizes(segments), "size": builder.size}
    write_whole(folder / "state.json", json.dumps(state).encode())


def open_index(writer: str, segments: Sequence[SegmentRef], cache: Path) -> HashReader | None:
    """The tree of an index that covers these very segments, None where there is none."""
    folder = cache / "index" / writer
    try:
        state = json.loads((folder / "state.json").read_bytes())
        size = int(state["size"])
        if state["segments"] != _sizes(segments):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None

    def read(tile: Tile) -> bytes:
        try:
            return (folder / tile.path).read_bytes()
        except OSError as error:
            raise LedgerError("the local index is incomplete; remove it and try again") from error

    return TileHashes(size, read)


def _sizes(segments: Sequence[SegmentRef]) -> list[list[int]]:
    return [[segment.number, segment.size] for segment in segments]
