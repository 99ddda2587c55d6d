"""The root log: what its entries say and where its objects lie.

The root log fixes, minute by minute, how long each writer's log had become. Its objects lie below
`v1/root/` as C2SP tlog-tiles has them, with two differences that immutable storage asks for: checkpoints
are never overwritten, so each has a path of its own, `checkpoint/<size>`; and what is to be appended to
the tree of size n is first created as `batch/<n>`. Creating that object is what decides between two
sealers, and whoever finds it finishes it: everything that follows from it is a function of its bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from shared.errors import MalformedLedger
from shared.ledger.hashing import HASH_BYTES
from shared.ledger.tiles import Tile, parse_tile_path
from shared.ledger.tree import Frontier
from shared.records.canonical import canonical_bytes, parse_time

ROOT_PREFIX = "v1/root/"
MAX_BATCH_ENTRIES = 4096
MAX_SEAL_BYTES = 4_096
"""More than a seal of the largest log has: 53 subtrees of 67 bytes, and some names and numbers."""

MAX_BATCH_BYTES = MAX_BATCH_ENTRIES * (MAX_SEAL_BYTES + 2)

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)
_SIZE_PATH = re.compile(r"(batch|checkpoint|timestamp)/([0-9]{12})", re.ASCII)
_COSIGNATURE_PATH = re.compile(r"cosignature/([0-9]{12})/([0-9a-f]{8})", re.ASCII)
_FIELDS = {"closed", "edge", "head", "offset", "root", "segment", "size", "time", "v", "writer"}


@dataclass(frozen=True, slots=True)
class Seal:
    """One entry: the log of `writer` had `size` records and this root when it was sealed at `time`.

    `closed` says that its last record was `closed`. The rest is the state from which a verifier goes on
    without reading the log from its start, each value checkable against the log itself: `segment` and
    `offset` are where the sealed commit ends (bytes into that segment), `head` is the leaf hash of the last
    record, `edge` the roots of the complete subtrees (largest first) that `root` is made of.
    """

    writer: str
    size: int
    root: bytes
    time: str
    closed: bool
    segment: int
    offset: int
    head: bytes
    edge: tuple[bytes, ...]

    def to_entry(self) -> bytes:
        """The canonical bytes that are the leaf's entry."""
        return canonical_bytes(
            {
                "v": 1,
                "writer": self.writer,
                "size": self.size,
                "root": self.root.hex(),
                "time": self.time,
                "closed": self.closed,
                "segment": self.segment,
                "offset": self.offset,
                "head": self.head.hex(),
                "edge": [value.hex() for value in self.edge],
            }
        )


def is_writer_name(text: str) -> bool:
    """True for a ULID in upper case."""
    return _ULID.fullmatch(text) is not None


def parse_seal(entry: bytes) -> Seal:
    """Read an entry, strictly: its bytes are what `to_entry` gives. Raises MalformedLedger."""
    try:
        fields = json.loads(entry)
        seal = _seal_from(fields)
        is_canonical = seal.to_entry() == entry
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedLedger("an entry of the root log is not a seal") from error
    if not is_canonical:
        raise MalformedLedger("an entry of the root log is not in canonical form")
    if Frontier(seal.size, seal.edge).root() != seal.root:
        raise MalformedLedger("a seal's edge does not lead to its root")
    return seal


def _seal_from(fields: Any) -> Seal:
    if not isinstance(fields, dict) or set(fields) != _FIELDS or fields["v"] != 1:
        raise ValueError("fields")
    numbers = (fields["size"], fields["segment"], fields["offset"])
    if any(type(number) is not int or not 0 <= number < 2**53 for number in numbers):
        raise ValueError("numbers")
    if not is_writer_name(fields["writer"]) or type(fields["closed"]) is not bool or fields["size"] == 0:
        raise ValueError("writer")
    parse_time(fields["time"])
    edge = tuple(_digest(value) for value in fields["edge"])
    if len(edge) != fields["size"].bit_count():
        raise ValueError("edge")
    return Seal(
        writer=fields["writer"],
        size=fields["size"],
        root=_digest(fields["root"]),
        time=fields["time"],
        closed=fields["closed"],
        segment=fields["segment"],
        offset=fields["offset"],
        head=_digest(fields["head"]),
        edge=edge,
    )


def _digest(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != HASH_BYTES:
        raise ValueError("digest")
    return value


@dataclass(frozen=True, slots=True)
class RootObject:
    """What an object below `v1/root/` is: `kind` and, by kind, the tree size it belongs to or its tile."""

    kind: str
    size: int = 0
    tile: Tile | None = None
    key_id: str = ""


def parse_root_path(path: str) -> RootObject:
    """What the object at a path (from `v1/root/` on) is. Raises MalformedLedger."""
    name = path.removeprefix(ROOT_PREFIX)
    if match := _SIZE_PATH.fullmatch(name):
        return RootObject(match[1], int(match[2]))
    if match := _COSIGNATURE_PATH.fullmatch(name):
        return RootObject("cosignature", int(match[1]), key_id=match[2])
    return RootObject("tile", tile=parse_tile_path(name))


def batch_path(size: int) -> str:
    """Where the entries lie that follow the tree of that size: one entry bundle, created once."""
    return f"{ROOT_PREFIX}batch/{size:012}"


def checkpoint_path(size: int) -> str:
    """Where the signed checkpoint of that size lies."""
    return f"{ROOT_PREFIX}checkpoint/{size:012}"


def timestamp_path(size: int) -> str:
    """Where the RFC 3161 response over that checkpoint's bytes lies (DER)."""
    return f"{ROOT_PREFIX}timestamp/{size:012}"


def cosignature_path(size: int, key_id: bytes) -> str:
    """Where a witness' signature line over that checkpoint lies."""
    return f"{ROOT_PREFIX}cosignature/{size:012}/{key_id.hex()}"


def tile_path(tile: Tile) -> str:
    """Where a tile lies."""
    return ROOT_PREFIX + tile.path
