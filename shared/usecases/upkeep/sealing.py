"""Sealing: writing into the root log how long every writer's log has become.

Safe to run at any time, twice at once, and again after dying anywhere. What is appended is decided by
creating one object, the batch; everything after that is a function of its bytes, and whoever finds a batch
without its checkpoint finishes it. A batch that somebody else wrote is signed only when each of its seals
is what the writer's own log proves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.errors import MalformedLedger
from shared.ledger.chain import Head
from shared.ledger.findings import Finding
from shared.ledger.notes import VerifierKey, parse_vkey, render_note
from shared.ledger.rootlog import MAX_BATCH_ENTRIES, Seal, parse_seal
from shared.ledger.sealed import SealedStates
from shared.ledger.segments import WRITERS_PREFIX, parse_segment_path
from shared.ledger.writercheck import Expectation, Segment, WriterCheck
from shared.records.canonical import format_time, parse_time
from shared.usecases.ports import Clock, LedgerStore, NoteSigner
from shared.usecases.rootstore import RootConflict, RootHead, RootStore

MAX_ROUNDS = 8
CLOCK_SKEW = timedelta(minutes=5)
_NEVER = timedelta(days=365_000)


@dataclass(frozen=True, slots=True)
class Sealing:
    """What a run did. `checkpoint` is the newest signed one; `findings` are logs that could not be sealed.

    `grown_from`: for each writer that was sealed, how many of its records the root log covered before.
    """

    size: int
    checkpoint: bytes
    seals: tuple[Seal, ...]
    findings: tuple[Finding, ...]
    grown_from: dict[str, int]


@dataclass(slots=True)
class _Memory:
    """What a sealer knows between runs; all of it was verified, and all of it can be read again."""

    head: RootHead
    seals: dict[str, Seal] = field(default_factory=dict)


class Sealer:
    """Seals one store's writers into its root log. Keep it between runs: it remembers what it verified."""

    def __init__(
        self,
        store: LedgerStore,
        log: str,
        signers: Sequence[NoteSigner],
        clock: Clock,
        former_keys: Collection[VerifierKey] = (),
    ) -> None:
        """`signers` sign every checkpoint, the first one first; `former_keys` are still trusted ones."""
        self._store = store
        self._log = log
        self._signers = tuple(signers)
        self._clock = clock
        self._former_keys = tuple(former_keys)
        self._memory: _Memory | None = None

    def run(self) -> Sealing:
        """Finish what is unfinished, then seal what is new.

        Raises StoreError and KeysUnavailable (run it again), and LedgerError where the root log in storage
        is not one that this could have signed: then nothing is signed.
        """
        keys = (*(parse_vkey(signer.vkey) for signer in self._signers), *self._former_keys)
        root = RootStore(self._store, self._log, keys)
        memory = self._remember(root)
        grown: dict[str, int] = {}
        sealed = self._finish(root, memory, keys, None, grown)
        for _ in range(MAX_ROUNDS):
            seals, findings = self._new_seals(memory, keys)
            if not seals:
                return Sealing(memory.head.size, memory.head.note, tuple(sealed), tuple(findings), grown)
            entries = [seal.to_entry() for seal in seals]
            root.offer_batch(memory.head.size, entries)
            sealed += self._finish(root, memory, keys, entries, grown)
            if len(seals) < MAX_BATCH_ENTRIES and seals[-1] in sealed:
                return Sealing(memory.head.size, memory.head.note, tuple(sealed), tuple(findings), grown)
        return Sealing(memory.head.size, memory.head.note, tuple(sealed), (), grown)

    def _remember(self, root: RootStore) -> _Memory:
        if self._memory is None:
            self._memory = _Memory(root.find_head())
        return self._memory

    def _finish(
        self,
        root: RootStore,
        memory: _Memory,
        keys: Collection[VerifierKey],
        own_entries: Sequence[bytes] | None,
        grown: dict[str, int],
    ) -> list[Seal]:
        """Follow the batches from the remembered head on to the newest checkpoint, which may be to make."""
        followed: list[Seal] = []
        while (entries := root.read_batch(memory.head.size)) is not None:
            self._load_seals(root, memory)
            seals = [parse_seal(entry) for entry in entries]
            head = root.read_head(memory.head.size + len(entries))
            if head is None and entries != own_entries:
                self._verify_foreign(seals, memory, keys)
            checkpoint = root.write_tiles(memory.head, entries)
            if head is None:
                text = checkpoint.text()
                note = render_note(text, [signer.sign(text) for signer in self._signers])
                head = root.write_checkpoint(checkpoint, note)
            if (head.size, head.root) != (checkpoint.size, checkpoint.root):
                raise RootConflict(f"the checkpoint of {head.size} entries is not that of the entries stored")
            memory.head = head
            for seal in seals:
                grown.setdefault(
                    seal.writer, memory.seals[seal.writer].size if seal.writer in memory.seals else 0
                )
            memory.seals.update({seal.writer: seal for seal in seals})
            followed += seals
        return followed

    def _load_seals(self, root: RootStore, memory: _Memory) -> None:
        """The newest seal of every writer that still has segments here, from the root log's end backwards."""
        if memory.seals or memory.head.size == 0:
            return
        wanted = set(self._segments())
        found: dict[str, Seal] = {}
        for seal in root.seals_backwards(memory.head):
            if not wanted:
                break
            if seal.writer in wanted:
                wanted.remove(seal.writer)
                found[seal.writer] = seal
        memory.seals = found

    def _segments(self) -> dict[str, list[Segment]]:
        groups: dict[str, list[Segment]] = {}
        for item in self._store.list(WRITERS_PREFIX):
            try:
                writer, number = parse_segment_path(item.path)
            except MalformedLedger:
                continue  # the verifier names foreign objects; they are in no log
            groups.setdefault(writer, []).append(Segment(number, item.size, self._store))
        return groups

    def _new_seals(self, memory: _Memory, keys: Collection[VerifierKey]) -> tuple[list[Seal], list[Finding]]:
        root = RootStore(self._store, self._log, keys)
        self._load_seals(root, memory)
        seals: list[Seal] = []
        findings: list[Finding] = []
        for writer, segments in sorted(self._segments().items()):
            last = memory.seals.get(writer)
            if _is_unchanged(last, segments):
                continue
            check = self._check(writer, segments, (), last, keys)
            findings += check.findings
            head = check.chain.head
            if head.size > (last.size if last else 0) and len(seals) < MAX_BATCH_ENTRIES:
                seals.append(self._seal(writer, head))
        return seals, findings

    def _check(
        self,
        writer: str,
        segments: Sequence[Segment],
        seals: Sequence[Seal],
        last: Seal | None,
        keys: Collection[VerifierKey],
    ) -> WriterCheck:
        expected = Expectation(SealedStates(seals), (), last, self._clock(), _NEVER)
        check = WriterCheck((self._log, writer), keys, segments, expected, lambda _: None)
        check.run()
        return check

    def _seal(self, writer: str, head: Head) -> Seal:
        return Seal(
            writer=writer,
            size=head.size,
            root=head.root,
            time=format_time(self._clock()),
            closed=head.closed,
            segment=head.segment,
            offset=head.offset,
            head=head.last_leaf,
            edge=head.edge,
        )

    def _verify_foreign(self, seals: Sequence[Seal], memory: _Memory, keys: Collection[VerifierKey]) -> None:
        """Seals that this process did not make are made again before they are signed. Raises LedgerError."""
        segments = self._segments()
        if len({seal.writer for seal in seals}) != len(seals):
            raise RootConflict("a batch of the root log seals a writer twice")
        for seal in seals:
            last = memory.seals.get(seal.writer)
            check = self._check(seal.writer, segments.get(seal.writer, ()), (seal,), last, keys)
            is_new = last is None or seal.size > last.size
            if not is_new or not check.is_met(seal) or parse_time(seal.time) > self._clock() + CLOCK_SKEW:
                raise RootConflict(
                    f"a batch of the root log holds a seal that writer {seal.writer} does not prove"
                )


def _is_unchanged(last: Seal | None, segments: Sequence[Segment]) -> bool:
    return last is not None and (segments[-1].number, segments[-1].size) == (last.segment, last.offset)
