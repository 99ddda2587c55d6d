"""The objects of a root log: read within bounds, tiles against entries, what stands beside checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from shared.errors import LedgerError, MalformedLedger, StoreError
from shared.ledger.checkpoints import Checkpoint
from shared.ledger.findings import Finding, Kind
from shared.ledger.hashing import leaf_hash
from shared.ledger.notes import COSIGNATURE, Note, VerifierKey, parse_signature, verify_note
from shared.ledger.proofs import LeafHashes
from shared.ledger.rootlog import MAX_BATCH_BYTES, RootObject, checkpoint_path, parse_root_path
from shared.ledger.sources import Source
from shared.ledger.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, decode_entries, tile_bytes

type TimestampCheck = Callable[[bytes, bytes], None]
"""`(time-stamp response in DER, stamped bytes)`: raises LedgerError where the one is not of the other."""


class RootObjects:
    """What a listing has below `v1/root/`, and what was found wrong with it."""

    def __init__(self, source: Source, sizes: Mapping[str, int]) -> None:
        """`sizes`: paths with their lengths, as listed."""
        self.findings: list[Finding] = []
        self.parsed: dict[str, RootObject] = {}
        self._source = source
        self._sizes = sizes
        for path in sizes:
            try:
                self.parsed[path] = parse_root_path(path)
            except MalformedLedger as error:
                self.report(Kind.UNEXPECTED_OBJECT, path, None, error.message)

    def __contains__(self, path: str) -> bool:
        return path in self._sizes

    def report(self, kind: Kind, path: str, index: int | None, detail: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, path, index, detail))

    def read(self, path: str) -> bytes | None:
        """An object's bytes as far as they were listed; None, and a finding, where none are to be had."""
        size = self._sizes.get(path)
        if size is None:
            self.report(Kind.ROOT_OBJECT_MISSING, path, None, "not in the listing")
        elif size > MAX_BATCH_BYTES:
            self.report(Kind.MALFORMED, path, None, f"{size} bytes are more than any object here has")
        else:
            try:
                return self._source.read(path, 0, size)
            except StoreError as error:
                self.report(Kind.UNREADABLE, path, None, error.message)
        return None


def check_tiles(objects: RootObjects, leaves: Sequence[bytes]) -> None:
    """Compare every tile and bundle with what the leaf hashes of all entries give."""
    hashes = LeafHashes(leaves)
    for path, item in objects.parsed.items():
        if item.tile is None:
            continue
        height = TILE_HEIGHT * (item.tile.level or 0)
        if (item.tile.index * TILE_WIDTH + item.tile.width) << height > len(leaves):
            objects.report(Kind.UNEXPECTED_OBJECT, path, None, "a tile of a larger tree than the one here")
            continue
        data = objects.read(path)
        if data is not None and not _holds(item.tile, data, leaves, hashes):
            objects.report(Kind.TILE_MISMATCH, path, None, "not what the entries give")


def _holds(tile: Tile, data: bytes, leaves: Sequence[bytes], hashes: LeafHashes) -> bool:
    if tile.level is not None:
        return data == tile_bytes(tile, hashes)
    try:
        entries = decode_entries(data)
    except MalformedLedger:
        return False
    first = tile.index * TILE_WIDTH
    return [leaf_hash(entry) for entry in entries] == leaves[first : first + tile.width]


class AttachmentCheck:
    """Checks what stands beside checkpoints: witnesses' cosignatures and time-stamps."""

    def __init__(
        self,
        objects: RootObjects,
        log: str,
        keys: Collection[VerifierKey],
        root_at: Callable[[int], bytes],
        check_timestamp: TimestampCheck | None,
    ) -> None:
        """`root_at` gives the root of a size that was walked."""
        self._objects = objects
        self._log = log
        self._witnesses = [key for key in keys if key.algorithm == COSIGNATURE]
        self._root_at = root_at
        self._check_timestamp = check_timestamp

    def run(self, checkpoints: Collection[int], walked: Collection[int]) -> None:
        """Check each; `checkpoints` are sizes that have one here, `walked` sizes that the log has had."""
        for path, item in self._objects.parsed.items():
            if item.kind == "batch" and item.size not in walked:
                self._report(Kind.UNEXPECTED_OBJECT, path, item, "a batch for a size that no tree here had")
            elif item.kind not in ("cosignature", "timestamp"):
                continue
            elif item.size not in checkpoints:
                self._report(Kind.UNEXPECTED_OBJECT, path, item, "belongs to no checkpoint here")
            elif item.kind == "timestamp":
                self._check_stamp(path, item)
            elif item.size in walked:
                self._check_cosignature(path, item)

    def _report(self, kind: Kind, path: str, item: RootObject, detail: str) -> None:
        self._objects.report(kind, path, item.size, detail)

    def _check_stamp(self, path: str, item: RootObject) -> None:
        if self._check_timestamp is None:
            self._report(Kind.UNKNOWN_TIMESTAMP, path, item, "no certificate of a time-stamp authority")
            return
        stamp, checkpoint = self._objects.read(path), self._objects.read(checkpoint_path(item.size))
        if stamp is None or checkpoint is None:
            return
        try:
            self._check_timestamp(stamp, checkpoint)
        except LedgerError as error:
            self._report(Kind.TIMESTAMP_INVALID, path, item, error.message)

    def _check_cosignature(self, path: str, item: RootObject) -> None:
        data = self._objects.read(path)
        if data is None:
            return
        try:
            signature = parse_signature(data.decode().removesuffix("\n"))
            if signature.key_id.hex() != item.key_id or data[-1:] != b"\n":
                raise MalformedLedger("the line names another key than the path does, or has no newline")
        except (MalformedLedger, UnicodeDecodeError) as error:
            self._report(Kind.MALFORMED, path, item, str(error))
            return
        if signature.key_id not in {key.key_id for key in self._witnesses}:
            self._report(Kind.UNKNOWN_WITNESS, path, item, f"key id {item.key_id}")
            return
        text = Checkpoint(self._log, item.size, self._root_at(item.size)).text()
        try:
            verify_note(Note(text, (signature,)), self._witnesses)
        except LedgerError as error:
            self._report(Kind.SIGNATURE_INVALID, path, item, error.message)
