"""Verification of a whole ledger through three read methods. Nothing that is read is trusted.

Order: the listing (once, so that what grows later is not looked at) · the root log · every writer's log
against the seals of the root log · receipts · the archived copies. Each step only adds findings; none stops
the others. Memory is bounded by one commit and some 200 bytes for each seal of the root log.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import LedgerError, MalformedLedger, StoreError
from shared.ledger.checkpoints import Checkpoint, parse_checkpoint
from shared.ledger.findings import Finding, Kind
from shared.ledger.notes import COSIGNATURE, VerifierKey, parse_note, verify_note
from shared.ledger.receipts import HeldReceipt
from shared.ledger.reports import Report
from shared.ledger.rootcheck import RootCheck, RootView
from shared.ledger.rootlog import ROOT_PREFIX, Seal
from shared.ledger.rootobjects import TimestampCheck
from shared.ledger.sealed import SealedStates
from shared.ledger.segments import parse_segment_path
from shared.ledger.sources import Source
from shared.ledger.writercheck import (
    CHUNK_BYTES,
    Expectation,
    Expired,
    Observe,
    Segment,
    Watch,
    WriterCheck,
)
from shared.records.canonical import format_time

# What is said of a log of which segments are gone, and what that entails: sweeping may be under way.
_LACKING = {Kind.SEGMENT_MISSING, Kind.LOG_SHORTENED}
_LACKING_AND_AFTER = {*_LACKING, Kind.RECORD_MISSING, Kind.GENESIS_UNTRUSTED}

PATIENCE = timedelta(minutes=10)
"""How long records may stay unsealed and a sealing unfinished before a verifier says so."""

type Progress = Callable[[int, int], None]
"""`(bytes done, bytes in all)`."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to verify, against what.

    `keys` are the trusted verifier keys: of the service (their name is the log's name) and of witnesses.
    `archive` holds copies of what `source` has, or had. `since` is a checkpoint of the root log that was
    verified before: what it covers is compared with it and not read again.

    `observe` sees each record whose commit was verified, in log order for each writer. Of records that were
    sealed, it sees those after `since` and, where given, up to `until`, a later checkpoint of the root log:
    exactly the records that the one does not cover and the other does, also where more had to be read.
    Without `until` it sees whatever is here. A record says what happened only where the report, which comes
    after all of them, has no findings. An error that it raises ends the verification, unless it is one of
    `LedgerError` or `StoreError`, which stand for faults of the evidence.
    """

    source: Source
    keys: tuple[VerifierKey, ...]
    now: datetime
    archive: Source | None = None
    receipts: tuple[HeldReceipt, ...] = ()
    since: Checkpoint | None = None
    patience: timedelta = PATIENCE
    progress: Progress | None = None
    check_timestamp: TimestampCheck | None = None
    observe: Observe | None = None
    until: Checkpoint | None = None


def log_name(keys: Collection[VerifierKey]) -> str:
    """The log that the trusted service keys belong to. Raises MalformedLedger for none or several."""
    names = {key.name for key in keys if key.algorithm != COSIGNATURE}
    if len(names) != 1:
        raise MalformedLedger(f"the trusted keys must be of one log, got keys of {len(names)}")
    return names.pop()


def verify_ledger(question: Question) -> Report:
    """Verify, and report. Raises MalformedLedger for trusted keys of no or several logs; nothing else."""
    return _Verification(question).run()


class _Verification:
    def __init__(self, question: Question) -> None:
        self._question = question
        self._log = log_name(question.keys)
        self._service_keys = [key for key in question.keys if key.name == self._log]
        self._findings: list[Finding] = []
        self._objects: dict[str, int] = {}
        self._archived: dict[str, int] = {}
        self._expired: list[Expired] = []
        self._gone: list[tuple[str, Seal]] = []
        self._lacking: dict[str, list[Finding]] = {}
        self._total = self._done = self._records = self._segments = self._writers = 0

    def run(self) -> Report:
        question = self._question
        self._objects = self._list(question.source, "the listing")
        if question.archive is not None:
            self._archived = self._list(question.archive, "the archive's listing")
        self._total = sum(self._objects.values())
        view = self._check_root()
        writers = self._group_segments()
        for writer in sorted({*writers, *view.seals, *self._receipt_writers()}):
            self._check_writer(writer, writers.get(writer, []), view)
        self._settle_gone()
        self._check_outside(view)
        self._check_copies()
        return Report(
            log=self._log,
            checked_at=format_time(question.now),
            keys=tuple(key.vkey for key in question.keys),
            writers=self._writers,
            segments=self._segments,
            records=self._records,
            size_bytes=self._done,
            root_size=view.size,
            sealed_at=view.sealed_at,
            checkpoint=view.checkpoint.decode(),
            since=question.since.size if question.since else 0,
            receipts=len(question.receipts),
            findings=tuple(self._findings),
        )

    def _report(self, kind: Kind, path: str, index: int | None, detail: str) -> None:
        self._findings.append(Finding(kind, path, index, detail))

    def _list(self, source: Source, name: str) -> dict[str, int]:
        try:
            return {item.path: item.size for item in source.list("")}
        except StoreError as error:
            self._report(Kind.UNREADABLE, name, None, error.message)
            return {}

    def _advance(self, count: int) -> None:
        self._done += count
        if self._question.progress is not None:
            self._question.progress(self._done, max(self._total, self._done))

    # --- the root log -----------------------------------------------------------------------------

    def _check_root(self) -> RootView:
        question = self._question
        source, objects = question.source, _below(self._objects, ROOT_PREFIX)
        if not objects and question.archive is not None:
            source, objects = question.archive, _below(self._archived, ROOT_PREFIX)
        check = RootCheck(
            source,
            objects,
            self._log,
            question.keys,
            question.now,
            question.patience,
            question.check_timestamp,
            question.since.size if question.since else 0,
            question.until.size if question.until else None,
        )
        view = check.run()
        self._findings += check.findings
        self._advance(sum(objects.values()))
        return view

    # --- writers ------------------------------------------------------------------------------------

    def _group_segments(self) -> dict[str, list[Segment]]:
        """Segments by writer, in order; what is neither a segment nor the root log's is a finding."""
        question = self._question
        places = [(path, size, question.source) for path, size in self._objects.items()]
        if question.archive is not None:
            only = self._archived.keys() - self._objects.keys()
            places += [(path, self._archived[path], question.archive) for path in only]
        groups: dict[str, list[Segment]] = {}
        for path, size, source in sorted(places, key=lambda place: place[0]):
            if path.startswith(ROOT_PREFIX):
                continue
            try:
                writer, number = parse_segment_path(path)
            except MalformedLedger as error:
                self._report(Kind.UNEXPECTED_OBJECT, path, None, error.message)
                continue
            groups.setdefault(writer, []).append(Segment(number, size, source))
        return groups

    def _receipt_writers(self) -> set[str]:
        return {receipt.writer for receipt in self._question.receipts if receipt.writer is not None}

    def _check_writer(self, writer: str, segments: Sequence[Segment], view: RootView) -> None:
        question, seals = self._question, view.seals.get(writer, SealedStates())
        if not segments and seals.last is not None:
            self._gone.append((writer, seals.last))
        receipts = [
            (number, receipt) for number, receipt in enumerate(question.receipts) if receipt.writer == writer
        ]
        resume = None if receipts else seals.resume
        states = seals if segments else SealedStates()
        expected = Expectation(states, receipts, resume, question.now, question.patience)
        name = (self._log, writer)
        watch = self._watch(seals)
        check = WriterCheck(name, self._service_keys, segments, expected, self._advance, watch)
        check.run()
        found = {finding.kind for finding in check.findings}
        if segments and seals.last is not None and found & _LACKING and found <= _LACKING_AND_AFTER:
            self._lacking[writer] = check.findings
            self._gone.append((writer, seals.last))
        else:
            self._findings += check.findings
        self._expired += check.expired
        self._records += check.records
        self._segments += len(segments)
        self._writers += bool(segments)
        self._check_genesis_root(writer, check.chain.genesis.get("root"), view)

    def _watch(self, seals: SealedStates) -> Watch | None:
        """Which of a writer's records are shown: those after the seals of `since`, up to those of `until`."""
        question = self._question
        if question.observe is None:
            return None
        first = seals.resume.size if seals.resume is not None else 0
        return Watch(question.observe, first, seals.until_size if question.until is not None else None)

    def _check_genesis_root(self, writer: str, note_text: object, view: RootView) -> None:
        """A genesis carries the root checkpoint that its writer had seen: one more view held outside."""
        if not isinstance(note_text, str):
            return
        try:
            note = parse_note(note_text.encode())
            checkpoint = parse_checkpoint(note.text)
            verify_note(note, self._service_keys)
        except (LedgerError, UnicodeEncodeError):
            self._report(Kind.MALFORMED, writer, 0, "the genesis' `root` is no signed root checkpoint")
            return
        self._compare_root(checkpoint, f"the genesis of {writer}", view)

    def _settle_gone(self) -> None:
        """Writers of which the root log knows and nothing is here: expired in order, or removed."""
        expired = {(item.writer, item.size, item.root) for item in self._expired}
        for writer, seal in self._gone:
            if (writer, seal.size, seal.root) in expired:
                self._report(Kind.EXPIRED, writer, seal.size, f"{seal.size} records")
            elif writer in self._lacking:
                self._findings += self._lacking[writer]
            else:
                self._report(Kind.WRITER_MISSING, writer, seal.size, f"{seal.size} records were sealed")

    # --- what is held outside, and copies -------------------------------------------------------------

    def _check_outside(self, view: RootView) -> None:
        if self._question.since is not None:
            self._compare_root(self._question.since, "the checkpoint verified before", view)
        if self._question.until is not None:
            self._compare_root(self._question.until, "the checkpoint asked for as the end", view)
        for number, receipt in enumerate(self._question.receipts):
            if receipt.writer is not None:
                continue
            try:
                verify_note(receipt.note, self._question.keys)
            except LedgerError as error:
                self._report(Kind.SIGNATURE_INVALID, f"receipt {number}", None, error.message)
            else:
                self._compare_root(receipt.checkpoint, f"receipt {number}", view)

    def _compare_root(self, held: Checkpoint, name: str, view: RootView) -> None:
        """A checkpoint of the root log that somebody holds, against the root log that is here."""
        if held.origin != self._log:
            self._report(Kind.RECEIPT_UNMATCHED, name, None, "a checkpoint of another log")
        elif held.size > view.size:
            detail = f"{held.size} entries of the root log were signed, {view.size} are proven here"
            self._report(Kind.ROLLBACK, name, held.size, detail)
        elif view.root_at(held.size) != held.root:
            self._report(Kind.SPLIT_VIEW, name, held.size, f"another root for {held.size} entries")

    def _check_copies(self) -> None:
        for path in sorted(self._archived.keys() & self._objects.keys()):
            if self._archived[path] != self._objects[path]:
                detail = f"{self._archived[path]} bytes, the original has {self._objects[path]}"
                self._report(Kind.COPY_DIFFERS, path, None, detail)
            else:
                self._compare_copy(path, self._objects[path])

    def _compare_copy(self, path: str, size: int) -> None:
        question = self._question
        assert question.archive is not None  # noqa: S101 - there are archived paths only where there is one
        try:
            for start in range(0, size, CHUNK_BYTES):
                copy = question.archive.read(path, start, CHUNK_BYTES)
                if copy != question.source.read(path, start, CHUNK_BYTES):
                    self._report(Kind.COPY_DIFFERS, path, start, f"within {CHUNK_BYTES} bytes from {start}")
                    return
        except StoreError as error:
            self._report(Kind.UNREADABLE, path, None, error.message)


def _below(objects: dict[str, int], prefix: str) -> dict[str, int]:
    return {path: size for path, size in objects.items() if path.startswith(prefix)}
