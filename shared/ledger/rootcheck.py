"""The verifier of the root log: a walk from the empty tree, batch by batch, to its newest checkpoint.

Rules (docs/ledger-format.md, "The root log"):

1. From the tree of size n, `batch/n` gives the next entries, and with them the next size m.
2. `checkpoint/m` is a note of this log, signed by at least one trusted key; its root is that of the entries.
3. All tiles and bundles of size m are there, and hold what the entries give.
4. An entry is a seal in canonical form; seals of a writer grow, and nothing follows its `closed` one.
5. There is nothing else below `v1/root/`.

A batch without its checkpoint at the very end is a sealing under way, if it is young enough.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import LedgerError, MalformedLedger
from shared.ledger.checkpoints import Checkpoint, parse_checkpoint
from shared.ledger.findings import Finding, Kind
from shared.ledger.hashing import leaf_hash
from shared.ledger.notes import Note, VerifierKey, parse_note, verify_note
from shared.ledger.rootlog import (
    MAX_BATCH_BYTES,
    batch_path,
    checkpoint_path,
    parse_seal,
    tile_path,
)
from shared.ledger.rootobjects import AttachmentCheck, RootObjects, TimestampCheck, check_tiles
from shared.ledger.sealed import SealedStates
from shared.ledger.sources import Source
from shared.ledger.tiles import bundles_between, decode_entries, tiles_between
from shared.ledger.tree import Frontier, root_of
from shared.records.canonical import parse_time


@dataclass(slots=True)
class RootView:
    """What the root log proves. `roots` are those of all sizes that it has had; `seals` are by writer."""

    size: int = 0
    root: bytes = field(default_factory=Frontier().root)
    checkpoint: bytes = b""
    leaf_hashes: list[bytes] = field(default_factory=list)
    roots: dict[int, bytes] = field(default_factory=dict)
    seals: dict[str, SealedStates] = field(default_factory=dict)
    sealed_at: str = ""

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` entries."""
        return self.roots.get(size) or root_of(self.leaf_hashes[:size])


class RootCheck:
    """One walk over the root log of a source; findings are gathered in `findings`."""

    def __init__(
        self,
        source: Source,
        objects: Mapping[str, int],
        log: str,
        keys: Collection[VerifierKey],
        now: datetime,
        patience: timedelta,
        check_timestamp: TimestampCheck | None = None,
        since_size: int = 0,
        until_size: int | None = None,
    ) -> None:
        """`objects`: paths below `v1/root/` with their sizes; `patience`: how long sealing may take.

        `since_size`: entries that a verification before has covered; `until_size`: entries up to which
        records are asked for, None for all.
        """
        self.view = RootView()
        self._objects = RootObjects(source, objects)
        self._log = log
        self._keys = [key for key in keys if key.name == log]
        self._now = now
        self._patience = patience
        self._since_size = since_size
        self._until_size = until_size
        self._attachments = AttachmentCheck(self._objects, log, keys, self.view.root_at, check_timestamp)
        self._frontier = Frontier()
        self._steps = {0}
        self._pending: list[bytes] = []

    @property
    def findings(self) -> list[Finding]:
        """What was found so far."""
        return self._objects.findings

    def run(self) -> RootView:
        """Walk, then look at every object that the walk did not read."""
        objects = self._objects
        sizes = sorted(item.size for item in objects.parsed.values() if item.kind == "checkpoint")
        while (entries := self._next_entries(sizes)) is not None:
            if not self._take_batch(entries, sizes):
                break
        check_tiles(objects, [*self.view.leaf_hashes, *self._pending])
        self._attachments.run(set(sizes), self._steps)
        return self.view

    def _report(self, kind: Kind, path: str, index: int | None, detail: str) -> None:
        self._objects.report(kind, path, index, detail)

    def _next_entries(self, sizes: list[int]) -> list[bytes] | None:
        """The entries after the tree so far: of its batch or, where that is lost, of the entry bundles."""
        size = self._frontier.size
        place = bisect_right(sizes, size)
        following = sizes[place] if place < len(sizes) else None
        path = batch_path(size)
        if path not in self._objects and following is None:
            return None
        data = self._objects.read(path)
        try:
            entries = decode_entries(data) if data is not None else []
            if entries:
                return entries
            if data is not None:
                self._report(Kind.MALFORMED, path, size, "a batch has at least one entry")
        except MalformedLedger as error:
            self._report(Kind.MALFORMED, path, size, error.message)
        return self._entries_of_bundles(size, following) if following is not None else None

    def _entries_of_bundles(self, size: int, following: int) -> list[bytes] | None:
        if following - size > MAX_BATCH_BYTES:
            return None
        entries: list[bytes] = []
        for tile in bundles_between(size, following):
            data = self._objects.read(tile_path(tile))
            try:
                bundle = decode_entries(data or b"")
            except MalformedLedger:
                return None
            if len(bundle) != tile.width:
                return None
            entries.extend(bundle[max(0, size - tile.index * 256) :])
        return entries

    def _take_batch(self, entries: list[bytes], sizes: list[int]) -> bool:
        """Judge one step of the walk. False where it cannot go on."""
        old, new = self._frontier.size, self._frontier.size + len(entries)
        leaves = [leaf_hash(entry) for entry in entries]
        is_last = (not sizes or sizes[-1] <= old) and batch_path(new) not in self._objects
        if is_last:
            self._pending = leaves
            self._report_unfinished(old, new, entries)
            return False
        frontier = self._frontier.copy()
        frontier.extend(leaves)
        checkpoint = self._check_checkpoint(new, frontier.root())
        self._frontier = frontier
        self._steps.add(new)
        self.view.roots[new] = frontier.root()
        self.view.leaf_hashes.extend(leaves)
        self._take_seals(entries, old)
        for tile in (*tiles_between(old, new), *bundles_between(old, new)):
            if tile_path(tile) not in self._objects:
                self._report(Kind.ROOT_OBJECT_MISSING, tile_path(tile), None, "not in the listing")
        if checkpoint is not None:
            self.view.size, self.view.root, self.view.checkpoint = new, frontier.root(), checkpoint
        return True

    def _report_unfinished(self, old: int, new: int, entries: list[bytes]) -> None:
        try:
            age = self._now - parse_time(parse_seal(entries[0]).time)
        except MalformedLedger as error:
            self._report(Kind.MALFORMED, batch_path(old), old, error.message)
            return
        if age > self._patience:
            detail = (
                f"{new} entries were sealed {age.total_seconds():.0f} s ago, and no checkpoint covers them"
            )
            self._report(Kind.ROOT_OBJECT_MISSING, checkpoint_path(new), None, detail)
        else:
            self._report(
                Kind.UNFINISHED, batch_path(old), old, f"the checkpoint for {new} entries is to come"
            )

    def _check_checkpoint(self, size: int, root: bytes) -> bytes | None:
        path = checkpoint_path(size)
        data = self._objects.read(path)
        if data is None:
            return None
        try:
            note = parse_note(data)
            checkpoint = parse_checkpoint(note.text)
            if any(signature.name != self._log for signature in note.signatures):
                raise MalformedLedger("a signature of another name than the log's")
        except MalformedLedger as error:
            self._report(Kind.MALFORMED, path, size, error.message)
            return None
        if not self._is_signed(path, size, note):
            return None
        if checkpoint != Checkpoint(self._log, size, root):
            kind = Kind.ROOT_MISMATCH if checkpoint.root != root else Kind.SIZE_MISMATCH
            self._report(kind, path, size, "the signed origin, size or root is not that of the entries here")
            return None
        return data

    def _is_signed(self, path: str, size: int, note: Note) -> bool:
        try:
            verified = verify_note(note, self._keys)
        except LedgerError as error:
            self._report(Kind.SIGNATURE_INVALID, path, size, error.message)
            return False
        unknown = {signature.key_id for signature in note.signatures} - {key.key_id for key in verified}
        for key_id in sorted(unknown):
            self._report(Kind.UNKNOWN_KEY, path, size, f"key id {key_id.hex()}")
        return True

    def _take_seals(self, entries: list[bytes], first: int) -> None:
        for index, entry in enumerate(entries, first):
            path = batch_path(first)
            try:
                seal = parse_seal(entry)
            except MalformedLedger as error:
                self._report(Kind.MALFORMED, path, index, error.message)
                continue
            states = self.view.seals.setdefault(seal.writer, SealedStates())
            is_asked = self._until_size is None or index < self._until_size
            if not states.add(seal, is_covered=index < self._since_size, is_asked=is_asked):
                detail = f"of writer {seal.writer}: {seal.size} records do not follow the seal before"
                self._report(Kind.SEAL_INVALID, path, index, detail)
                continue
            self.view.sealed_at = max(self.view.sealed_at, seal.time)
