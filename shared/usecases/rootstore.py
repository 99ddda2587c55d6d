"""The root log in a store: where it stands, and how it grows. Used by sealing; signs nothing itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from shared.errors import LedgerError, ObjectExists, ObjectMissing
from shared.ledger.checkpoints import Checkpoint, open_checkpoint
from shared.ledger.hashing import EMPTY_ROOT, leaf_hash
from shared.ledger.notes import VerifierKey
from shared.ledger.proofs import LeafHashes, inclusion_proof, subtree_hash, verify_inclusion
from shared.ledger.rootlog import (
    ROOT_PREFIX,
    Seal,
    batch_path,
    checkpoint_path,
    parse_seal,
    tile_path,
)
from shared.ledger.tiles import (
    TILE_WIDTH,
    GrownHashes,
    Tile,
    TileHashes,
    bundles_between,
    decode_entries,
    encode_entries,
    tile_bytes,
    tiles_between,
)
from shared.usecases.ports import LedgerStore, Reader

GROUP = 1000
"""Checkpoints are looked for by a prefix that a thousand sizes share, so no listing grows with the log."""


@dataclass(frozen=True, slots=True)
class RootHead:
    """A verified end of the root log."""

    size: int
    root: bytes
    note: bytes


EMPTY = RootHead(0, EMPTY_ROOT, b"")


class RootConflict(LedgerError):
    """Storage holds other bytes where the root log's own belong: somebody else wrote there."""

    code = "ledger_root_conflict"


class RootView:
    """The root log of a store, read and verified."""

    def __init__(self, reader: Reader, log: str, keys: Collection[VerifierKey]) -> None:
        """`keys` are the trusted service keys, older ones among them."""
        self._reader = reader
        self._log = log
        self._keys = tuple(keys)

    def find_head(self) -> RootHead:
        """The newest checkpoint, verified against its tiles; EMPTY where there is none.

        Raises LedgerError where it does not verify, StoreError where storage does not answer.
        """
        size = find_newest_size(self._reader)
        if size == 0:
            return EMPTY
        head = self.read_head(size)
        if head is None or subtree_hash(0, size, self.hashes(size)) != head.root:
            raise RootConflict(f"the tiles of the root log do not lead to its checkpoint of {size} entries")
        return head

    def read_head(self, size: int) -> RootHead | None:
        """The signed checkpoint of a size, None where there is none. Raises LedgerError, StoreError."""
        try:
            note = self._reader.read(checkpoint_path(size))
        except ObjectMissing:
            return None
        checkpoint = open_checkpoint(note, self._log, self._keys)
        if checkpoint.size != size:
            raise RootConflict(f"the checkpoint of {size} entries says {checkpoint.size}")
        return RootHead(size, checkpoint.root, note)

    def hashes(self, size: int) -> TileHashes:
        """The tree of that size, read from its tiles."""
        return tile_hashes(self._reader, size)

    def read_batch(self, size: int) -> list[bytes] | None:
        """The entries that somebody decided to append to the tree of that size, None where nobody did."""
        try:
            entries = decode_entries(self._reader.read(batch_path(size)))
        except ObjectMissing:
            return None
        if not entries:
            raise RootConflict("a batch of the root log is empty")
        return entries

    def seals_backwards(self, head: RootHead) -> Iterator[Seal]:
        """All entries, newest first, each bundle verified against the head. Raises LedgerError."""
        hashes = self.hashes(head.size)
        for index in range((head.size - 1) // TILE_WIDTH, -1, -1) if head.size else ():
            width = min(TILE_WIDTH, head.size - index * TILE_WIDTH)
            entries = decode_entries(self._reader.read(tile_path(Tile(None, index, width))))
            if len(entries) != width:
                raise RootConflict("an entry bundle of the root log has another width than its path")
            _verify_bundle(index, entries, head, hashes)
            yield from (parse_seal(entry) for entry in reversed(entries))


class RootStore(RootView):
    """The root log, read and extended. Every write is create-only and may be repeated."""

    def __init__(self, store: LedgerStore, log: str, keys: Collection[VerifierKey]) -> None:
        """`keys` are the trusted service keys, older ones among them."""
        super().__init__(store, log, keys)
        self._store = store

    def offer_batch(self, size: int, entries: Sequence[bytes]) -> None:
        """Try to decide what is appended; whoever comes first decides. Raises StoreUnavailable."""
        try:
            self._store.create(batch_path(size), encode_entries(entries))
        except ObjectExists:
            return

    def write_tiles(self, head: RootHead, entries: Sequence[bytes]) -> Checkpoint:
        """Write all that the checkpoint over these entries will need, and return its contents, unsigned."""
        new_size = head.size + len(entries)
        leaves = [leaf_hash(entry) for entry in entries]
        hashes = GrownHashes(head.size, self.hashes(head.size), leaves)
        for bundle in bundles_between(head.size, new_size):
            self._create(tile_path(bundle), encode_entries(self._bundle(bundle, head.size, entries, hashes)))
        for tile in tiles_between(head.size, new_size):
            self._create(tile_path(tile), tile_bytes(tile, hashes))
        return Checkpoint(self._log, new_size, subtree_hash(0, new_size, hashes))

    def write_checkpoint(self, checkpoint: Checkpoint, note: bytes) -> RootHead:
        """Create the signed checkpoint; one of the same size and root by somebody else is as good."""
        try:
            self._store.create(checkpoint_path(checkpoint.size), note)
        except ObjectExists:
            found = self.read_head(checkpoint.size)
            if found is None or found.root != checkpoint.root:
                raise RootConflict(f"another checkpoint of {checkpoint.size} entries is stored") from None
            return found
        return RootHead(checkpoint.size, checkpoint.root, note)

    def _bundle(
        self, bundle: Tile, old_size: int, entries: Sequence[bytes], hashes: GrownHashes
    ) -> list[bytes]:
        first = bundle.index * TILE_WIDTH
        kept: list[bytes] = []
        if first < old_size:
            old = Tile(None, bundle.index, old_size - first)
            kept = decode_entries(self._store.read(tile_path(old)))
            if [leaf_hash(entry) for entry in kept] != [hashes(0, place) for place in range(first, old_size)]:
                raise RootConflict("an entry bundle of the root log is not what its tile says")
        start = max(first, old_size) - old_size
        return [*kept, *entries[start : start + bundle.width - len(kept)]]

    def _create(self, path: str, data: bytes) -> None:
        try:
            self._store.create(path, data)
        except ObjectExists:
            if self._store.read(path) != data:
                raise RootConflict(f"other bytes stand at {path}") from None


def _verify_bundle(index: int, entries: Sequence[bytes], head: RootHead, hashes: TileHashes) -> None:
    """One inclusion proof whose lower part is computed from the entries covers all of them."""
    first = index * TILE_WIDTH
    leaves = LeafHashes([leaf_hash(entry) for entry in entries])

    def read_hash(level: int, place: int) -> bytes:
        start = (place << level) - first
        if start >= 0 and start + (1 << level) <= len(entries):
            return leaves(level, start >> level)
        return hashes(level, place)

    proof = inclusion_proof(first, head.size, read_hash)
    verify_inclusion(first, head.size, leaves(0, 0), proof, head.root)


def tile_hashes(reader: Reader, size: int) -> TileHashes:
    """The root log's tree of a size, from its tiles; nothing of it is verified."""
    return TileHashes(size, lambda tile: reader.read(tile_path(tile)))


def find_newest_size(reader: Reader) -> int:
    """The size of the newest root checkpoint, 0 where there is none. Raises StoreUnavailable.

    Full tiles are dense and are written before the checkpoint that needs them: their number, found by
    bisection, bounds the size. Then groups of a thousand sizes are listed, downwards from there.
    """
    most = TILE_WIDTH * (_count_full_tiles(reader) + 1)
    for group in range(most // GROUP, -1, -1):
        prefix = checkpoint_path(group * GROUP)[:-3]
        sizes = [int(item.path[-12:]) for item in reader.list(prefix) if _is_checkpoint(item.path)]
        if sizes:
            return max(sizes)
    return 0


def _is_checkpoint(path: str) -> bool:
    name = path.removeprefix(f"{ROOT_PREFIX}checkpoint/")
    return len(name) == 12 and name.isascii() and name.isdigit()


def _count_full_tiles(reader: Reader) -> int:
    def is_there(index: int) -> bool:
        try:
            return reader.size(tile_path(Tile(0, index))) > 0
        except ObjectMissing:
            return False

    beyond = 1
    while is_there(beyond - 1):
        beyond *= 2
    low, high = beyond // 2, beyond
    while low < high:
        middle = (low + high) // 2
        if is_there(middle):
            low = middle + 1
        else:
            high = middle
    return low
