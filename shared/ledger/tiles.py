"""Tiles (C2SP tlog-tiles): a Merkle tree as files of 256 hashes, and its entries as files of 256 entries.

Everything here is arithmetic over sizes and bytes; where the files lie is the caller's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from shared.errors import MalformedLedger
from shared.ledger.hashing import HASH_BYTES, node_hash
from shared.ledger.proofs import HashReader, LeafHashes

TILE_WIDTH = 256
TILE_HEIGHT = 8
MAX_ENTRY_BYTES = 65_535

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-5][0-9]?|[6-9]|6[0-3])/"
    r"(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One file: `level` is None for entries; `width` counts its hashes or entries, 256 where it is full."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """`tile/<level>/<index>[.p/<width>]`, relative to the log."""
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_index_path(self.index)}{partial}"


def _index_path(index: int) -> str:
    """1234067 -> `x001/x234/067`."""
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03}")
    return "/".join(reversed(parts))


def parse_tile_path(path: str) -> Tile:
    """The tile that a path (relative to the log) names. Raises MalformedLedger."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedLedger("not the path of a tile")
    level = None if match["level"] == "entries" else int(match["level"])
    index = int(match["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(match["width"] or TILE_WIDTH))
    if tile.path != path:
        raise MalformedLedger("not the canonical path of a tile")
    return tile


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry after its length as two bytes, big-endian. Raises MalformedLedger."""
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise MalformedLedger(f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def decode_entries(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises MalformedLedger where the lengths do not add up."""
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2])
        if place + 2 > len(data) or end > len(data):
            raise MalformedLedger("an entry bundle ends within an entry")
        entries.append(data[place + 2 : end])
        place = end
    return entries


def decode_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile. Raises MalformedLedger where it has another width."""
    if len(data) != width * HASH_BYTES:
        raise MalformedLedger(f"a tile of width {width} has {width * HASH_BYTES} bytes, got {len(data)}")
    return [data[place : place + HASH_BYTES] for place in range(0, len(data), HASH_BYTES)]


def tiles_between(old_size: int, new_size: int) -> Iterator[Tile]:
    """The hash tiles that a tree of `new_size` has and one of `old_size` has not, lowest level first."""
    level = 0
    while (count := new_size >> (TILE_HEIGHT * level)) > 0:
        old_count = old_size >> (TILE_HEIGHT * level)
        if count > old_count:
            for index in range(old_count // TILE_WIDTH, (count + TILE_WIDTH - 1) // TILE_WIDTH):
                yield Tile(level, index, min(TILE_WIDTH, count - index * TILE_WIDTH))
        level += 1


def bundles_between(old_size: int, new_size: int) -> Iterator[Tile]:
    """The entry bundles that a log of `new_size` has and one of `old_size` has not."""
    for tile in tiles_between(old_size, new_size):
        if tile.level == 0:
            yield Tile(None, tile.index, tile.width)


def tile_bytes(tile: Tile, read_hash: HashReader) -> bytes:
    """The contents of a hash tile."""
    if tile.level is None:
        raise ValueError("an entry bundle is not a tile of hashes")
    height, first = TILE_HEIGHT * tile.level, tile.index * TILE_WIDTH
    return b"".join(read_hash(height, first + place) for place in range(tile.width))


class TileHashes:
    """A `HashReader` over the tiles of a tree of `size` leaves; each tile is read at most once.

    `read` takes a tile and returns its bytes. What it returns is not trusted: a proof or root made from
    it has to be verified. Raises MalformedLedger for tiles of the wrong length.
    """

    def __init__(self, size: int, read: Callable[[Tile], bytes]) -> None:
        self._size = size
        self._read = read
        self._tiles: dict[tuple[int, int], LeafHashes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index = (index << height) // TILE_WIDTH
        return self._tile(tile_level, tile_index)(height, index - ((tile_index * TILE_WIDTH) >> height))

    def _tile(self, level: int, index: int) -> LeafHashes:
        found = self._tiles.get((level, index))
        if found is None:
            count = self._size >> (TILE_HEIGHT * level)
            width = min(TILE_WIDTH, count - index * TILE_WIDTH)
            if width <= 0:
                raise MalformedLedger(f"a tree of {self._size} leaves has no tile {index} on level {level}")
            data = self._read(Tile(level, index, width))
            found = self._tiles[level, index] = LeafHashes(decode_tile(data, width))
        return found


class GrownHashes:
    """A `HashReader` over a tree that grows from an old one by new leaves."""

    def __init__(self, old_size: int, old: HashReader, new_leaf_hashes: Sequence[bytes]) -> None:
        self._old_size = old_size
        self._old = old
        self._new = new_leaf_hashes

    def __call__(self, level: int, index: int) -> bytes:
        if (index + 1) << level <= self._old_size:
            return self._old(level, index)
        if level == 0:
            return self._new[index - self._old_size]
        return node_hash(self(level - 1, 2 * index), self(level - 1, 2 * index + 1))
