"""The root log's bytes are frozen: paths, batches, seals, bundles, tiles, checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import MalformedLedger
from shared.ledger.rootlog import ROOT_PREFIX, parse_root_path, parse_seal
from shared.ledger.tiles import Tile, decode_entries, encode_entries, parse_tile_path, tiles_between
from tests.support.ledgers import small_ledger

VECTORS = Path(__file__).parents[1] / "vectors" / "root-log"


def test_the_small_ledgers_root_log_is_the_frozen_one() -> None:
    """Every object, byte for byte, and no other."""
    frozen = {
        ROOT_PREFIX + path.relative_to(VECTORS).as_posix(): path.read_bytes()
        for path in VECTORS.rglob("*")
        if path.is_file()
    }
    made = {path: data for path, data in small_ledger().store.objects.items() if path.startswith(ROOT_PREFIX)}
    assert made == frozen


def test_frozen_seals_are_read_back() -> None:
    """An entry is what its parsed form gives again; each changed byte is refused or another seal."""
    for entry in decode_entries((VECTORS / "tile" / "entries" / "000.p" / "8").read_bytes()):
        seal = parse_seal(entry)
        assert seal.to_entry() == entry
        for place in range(len(entry)):
            changed = entry[:place] + bytes([entry[place] ^ 1]) + entry[place + 1 :]
            try:
                assert parse_seal(changed) != seal
            except MalformedLedger:
                continue


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(2, 0, 1), "tile/2/000.p/1"),
        (Tile(63, 999), "tile/63/999"),
        (Tile(None, 1000), "tile/entries/x001/000"),
        (Tile(None, 7, 255), "tile/entries/007.p/255"),
    ],
)
def test_tile_paths(tile: Tile, path: str) -> None:
    """C2SP tlog-tiles' own examples, there and back."""
    assert tile.path == path
    assert parse_tile_path(path) == tile
    assert parse_root_path(ROOT_PREFIX + path).tile == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/1000",
        "tile/-1/000",
        "tile/0/x001",
        "tile/0/001/",
        "tile/entries/x001/x",
        "tile/0/\u0661\u0662\u0663",
    ],
)
def test_other_paths_are_no_tiles(path: str) -> None:
    """One path for each tile."""
    with pytest.raises(MalformedLedger):
        parse_tile_path(path)


def test_a_tree_of_70000_has_the_specifications_tiles() -> None:
    """C2SP tlog-tiles: 273 full tiles and one of 112, above one full and one of 17, above one of 1."""
    tiles = list(tiles_between(0, 70_000))
    widths = {level: [tile.width for tile in tiles if tile.level == level] for level in range(3)}
    assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}
    assert [tile.path for tile in tiles_between(0, 256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(tiles_between(70_000, 70_000)) == []


def test_bundles_of_odd_lengths_are_refused() -> None:
    """Lengths must add up; an entry has at most 65,535 bytes."""
    assert decode_entries(encode_entries([b"", b"a", b"b" * 65_535])) == [b"", b"a", b"b" * 65_535]
    for data in (b"\0", b"\0\2a", encode_entries([b"abc"])[:-1]):
        with pytest.raises(MalformedLedger):
            decode_entries(data)
    with pytest.raises(MalformedLedger):
        encode_entries([b"b" * 65_536])
