"""Verification of a whole ledger through three read methods. Nothing that is read is trusted.

Order: the listing (once, so that what grows later is not looked at) · the root log · every writer's log
against the seals of the root log · receipts · the archived copies. Each step only adds findings; none stops
the others. Memory is bounded by one commit and some 200 bytes for each seal of the root log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from shared.errors import MalformedLedger, StoreError
from shared.ledger.copycheck import check_copies
from shared.ledger.expired import Expired
from shared.ledger.findings import Finding, Kind, Weight
from shared.ledger.gone import GoneLog, GoneLogs
from shared.ledger.outside import OutsideCheck
from shared.ledger.question import PATIENCE, Progress, Question, log_name
from shared.ledger.reports import Report
from shared.ledger.rootcheck import RootCheck, RootView
from shared.ledger.rootlog import ROOT_PREFIX
from shared.ledger.sealed import SealedStates
from shared.ledger.segments import WRITERS_PREFIX, parse_segment_path, writer_prefix
from shared.ledger.sidecheck import Logs, SideCheck
from shared.ledger.sidefiles import Places, SideFiles
from shared.ledger.sidenotes import SideNotes
from shared.ledger.sideobjects import is_side_path
from shared.ledger.sources import Source
from shared.ledger.writercheck import (
    Expectation,
    Segment,
    Watch,
    WriterCheck,
)
from shared.records.canonical import format_time

__all__ = ["PATIENCE", "Progress", "Question", "log_name", "verify_ledger"]

# What is said of a log of which segments are gone, and what that entails: sweeping may be under way.
_LACKING = {Kind.SEGMENT_MISSING, Kind.LOG_SHORTENED}
_LACKING_AND_AFTER = {*_LACKING, Kind.RECORD_MISSING, Kind.GENESIS_UNTRUSTED}


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
        self._notes = SideNotes()
        self._gone = GoneLogs(has_archive=question.archive is not None, elsewhere=question.elsewhere)
        self._genesis_roots: dict[str, object] = {}
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
        self._findings += self._gone.settle(self._expired, lambda: self._search_expired(writers, view))
        self._check_outside(view)
        self._check_copies()
        self._check_side()
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

    def _list(self, source: Source, name: str, prefix: str = "") -> dict[str, int]:
        try:
            return {item.path: item.size for item in source.list(prefix)}
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
            if path.startswith(ROOT_PREFIX) or is_side_path(path):
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
        segments = segments or self._segments_elsewhere(writer, seals)
        is_covered = seals.resume is seals.last
        if not segments and seals.last is not None:
            self._gone.add(GoneLog(writer, seals.last, is_covered))
        receipts = [
            (number, receipt) for number, receipt in enumerate(question.receipts) if receipt.writer == writer
        ]
        resume = None if receipts else seals.resume
        states = seals if segments else SealedStates()
        expected = Expectation(states, receipts, resume, question.now, question.patience)
        name = (self._log, writer)
        watch = self._watch(seals)
        check = WriterCheck(name, self._service_keys, segments, expected, self._advance, self._notes, watch)
        check.run()
        found = {finding.kind for finding in check.findings}
        if segments and seals.last is not None and found & _LACKING and found <= _LACKING_AND_AFTER:
            self._gone.add(GoneLog(writer, seals.last, is_covered, check.findings))
        else:
            self._findings += check.findings
        self._expired += check.expired
        self._records += check.records
        self._segments += len(segments)
        self._writers += bool(segments)
        self._genesis_roots[writer] = check.chain.genesis.get("root")

    def _segments_elsewhere(self, writer: str, seals: SealedStates) -> Sequence[Segment]:
        """A log that `source` has no more, where somebody wants to see records of it."""
        source, watch = self._question.elsewhere, self._watch(seals)
        if source is None or watch is None or not watch.is_asked(seals.last.size if seals.last else 0):
            return []
        segments: list[Segment] = []
        for path, size in self._list(source, writer, writer_prefix(writer)).items():
            with suppress(MalformedLedger):  # a foreign object there: found where all of it is verified
                segments.append(Segment(parse_segment_path(path)[1], size, source))
        return segments

    def _watch(self, seals: SealedStates) -> Watch | None:
        """Which of a writer's records are shown: those after the seals of `since`, up to those of `until`."""
        question = self._question
        if question.observe is None:
            return None
        first = seals.resume.size if seals.resume is not None else 0
        return Watch(question.observe, first, seals.until_size if question.until is not None else None)

    def _search_expired(self, writers: Mapping[str, Sequence[Segment]], view: RootView) -> list[Expired]:
        """Records of retention that `since` covers, and all else that is found on the way to them."""
        question, found = self._question, list[Expired]()
        for writer, segments in writers.items():
            seals = view.seals.get(writer)
            if seals is None or seals.resume is None:
                continue  # it was read from its start
            expected = Expectation(seals, (), None, question.now, question.patience)
            check = WriterCheck((self._log, writer), self._service_keys, segments, expected, self._advance)
            check.run()
            self._findings += [item for item in check.findings if item not in self._findings]
            found += check.expired
        return found

    # --- what is held outside, and copies -------------------------------------------------------------

    def _check_outside(self, view: RootView) -> None:
        question = self._question
        check = OutsideCheck(self._log, question.keys, view)
        for writer, note_text in self._genesis_roots.items():
            check.check_genesis(writer, note_text)
        if question.since is not None:
            check.compare(question.since, "the checkpoint verified before")
        if question.until is not None:
            check.compare(question.until, "the checkpoint asked for as the end")
        check.check_receipts(question.receipts)
        self._findings += check.findings

    def _check_copies(self) -> None:
        question = self._question
        if question.archive is not None:
            self._findings += check_copies(question.source, self._objects, question.archive, self._archived)

    # --- objects beside the logs ----------------------------------------------------------------------

    def _check_side(self) -> None:
        question = self._question
        places = Places(question.source, self._objects, question.archive, self._archived, question.elsewhere)
        files = SideFiles(places, self._advance)
        expired = {item.writer for item in self._expired}
        expired |= {finding.object for finding in self._findings if finding.kind is Kind.EXPIRED}
        newest = max((item.newest for item in self._expired), default="")
        logs = Logs(expired, newest, _doubtful(self._findings))
        paths = {path for path in (*self._objects, *self._archived) if is_side_path(path)}
        check = SideCheck(files, self._notes, logs, question.now - question.patience)
        check.run(paths, is_whole=question.since is None)
        self._findings += files.findings


def _doubtful(findings: Collection[Finding]) -> set[str]:
    """Writers of whose logs something is missing, wrong or unreadable."""
    names = [
        finding.object
        for finding in findings
        if finding.weight is not Weight.REMARK and finding.kind is not Kind.UNSEALED
    ]
    return {name.removeprefix(WRITERS_PREFIX).partition("/")[0] for name in names}


def _below(objects: dict[str, int], prefix: str) -> dict[str, int]:
    return {path: size for path, size in objects.items() if path.startswith(prefix)}
