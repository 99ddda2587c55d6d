"""A log as the files of C2SP tlog-tiles: what other people's tools read, and an index for quick proofs."""

from __future__ import annotations

from collections.abc import Iterator

from shared.ledger.hashing import leaf_hash
from shared.ledger.tiles import TILE_WIDTH, Tile, encode_entries
from shared.ledger.tree import root_of


class TileBuilder:
    """Makes the files of a log while its entries pass by; holds one tile a level and one bundle.

    `with_entries` false leaves the bundles out: an index, from which proofs can be made.
    """

    def __init__(self, *, with_entries: bool = True) -> None:
        self.size = 0
        self._with_entries = with_entries
        self._entries: list[bytes] = []
        self._levels: list[list[bytes]] = []
        self._counts: list[int] = []

    def append(self, entry: bytes, leaf: bytes | None = None) -> Iterator[tuple[str, bytes]]:
        """Add an entry (its leaf hash where it is known) and yield `(path, bytes)` of files now complete."""
        self.size += 1
        if self._with_entries:
            self._entries.append(entry)
            if len(self._entries) == TILE_WIDTH:
                yield Tile(None, self.size // TILE_WIDTH - 1).path, encode_entries(self._entries)
                self._entries = []
        yield from self._add(0, leaf if leaf is not None else leaf_hash(entry))

    def finish(self) -> Iterator[tuple[str, bytes]]:
        """The partial files of the log's right edge."""
        if self._entries:
            yield Tile(None, self.size // TILE_WIDTH, len(self._entries)).path, encode_entries(self._entries)
        for level, hashes in enumerate(self._levels):
            if hashes:
                yield Tile(level, self._counts[level], len(hashes)).path, b"".join(hashes)

    def _add(self, level: int, value: bytes) -> Iterator[tuple[str, bytes]]:
        if level == len(self._levels):
            self._levels.append([])
            self._counts.append(0)
        hashes = self._levels[level]
        hashes.append(value)
        if len(hashes) == TILE_WIDTH:
            yield Tile(level, self._counts[level]).path, b"".join(hashes)
            self._counts[level] += 1
            self._levels[level] = []
            yield from self._add(level + 1, root_of(hashes))
