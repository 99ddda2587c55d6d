"""Retention: deleting logs whose time has come, and nothing else, with a record that says so first.

A whole writer's log goes at once, never a part of it. It must have ended, be sealed to its last record in the
root log, and its newest record be older than the retention. From the first store it goes only when the
archive holds every byte of it. From the archive the reports of reviews go with the log that records the
review, and before it. The root log, snapshots of configurations and claims, which are small, stay.

The platform's own immutability is the second lock: a delete that comes too early is refused by storage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from shared.errors import MalformedLedger, ObjectMissing, StoreError
from shared.ledger.findings import Finding, Kind
from shared.ledger.lines import parse_line
from shared.ledger.rootlog import Seal
from shared.ledger.sidenotes import SideNotes
from shared.ledger.sideobjects import report_path
from shared.records.canonical import format_time, parse_time
from shared.records.model import RetentionRecord, ServicePart
from shared.usecases.ports import Clock, Reader
from shared.usecases.reading import SegmentRef, list_segments, read_lines
from shared.usecases.rootstore import RootView
from shared.usecases.upkeep.archiving import IDLE, last_record

COMPARE_BYTES = 4 << 20
IS_REVIEW = b'"type":"review"'


class ExpiringStore(Reader, Protocol):
    """A store in which expired objects may be deleted: only the sweeper's own identity can."""

    def delete(self, path: str) -> None:
        """Delete an object. Raises ObjectMissing, StoreError (refused: its retention has not ended)."""
        ...


@dataclass(frozen=True, slots=True)
class Swept:
    """Writers whose logs were deleted, objects deleted, and what could not be or must not be deleted."""

    writers: tuple[str, ...]
    objects: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Expired:
    writer: str
    segments: Sequence[SegmentRef]
    seal: Seal
    newest: datetime


class Sweeper:
    """Sweeps one store. `commit` stores a record in the ledger and returns when it is stored, or raises."""

    def __init__(
        self,
        store: ExpiringStore,
        kind: Literal["audit", "archive"],
        root: RootView,
        keep: timedelta,
        commit: Callable[[RetentionRecord], None],
        service: ServicePart,
        clock: Clock,
        archive: Reader | None = None,
    ) -> None:
        """`archive` must be given for the first store: what is not in it byte for byte is kept."""
        if kind == "audit" and archive is None:
            raise ValueError("the first store is swept only against its archive")
        self._store = store
        self._kind = kind
        self._root = root
        self._keep = keep
        self._commit = commit
        self._service = service
        self._clock = clock
        self._archive = archive

    def run(self) -> Swept:
        """Delete what has expired. Raises StoreError and AuditUnavailable: run it again."""
        findings: list[Finding] = []
        writers: list[str] = []
        objects = 0
        groups = list_segments(self._store)
        for expired in self._expired(groups):
            deleted, kept = self._sweep(expired)
            objects += deleted
            if kept is None:
                writers.append(expired.writer)
            else:
                findings.append(kept)
        return Swept(tuple(writers), objects, tuple(findings))

    def _sweep(self, expired: _Expired) -> tuple[int, Finding | None]:
        """Delete one log; how many objects went and, where some or all did not, why."""
        if self._archive is not None and (lacking := self._lacking(self._archive, expired)):
            return 0, lacking
        try:
            reports = self._reports(expired.segments)
        except MalformedLedger as error:
            return 0, Finding(Kind.MALFORMED, expired.writer, None, f"not deleted: {error.message}")
        self._commit(self._record(expired))
        return self._delete([*reports, *(segment.path for segment in reversed(expired.segments))])

    def _expired(self, groups: dict[str, list[SegmentRef]]) -> list[_Expired]:
        candidates = {
            writer: newest
            for writer, segments in groups.items()
            if (newest := self._newest(segments)) is not None and self._clock() - newest > self._keep + IDLE
        }
        seals = self._last_seals(candidates)
        return [
            _Expired(writer, groups[writer], seals[writer], newest)
            for writer, newest in candidates.items()
            if writer in seals and _is_whole(groups[writer], seals[writer])
        ]

    def _newest(self, segments: Sequence[SegmentRef]) -> datetime | None:
        """The time of a log's last record, None where the log does not end in a commit: it is kept."""
        filled = [segment for segment in segments if segment.size]
        fields = last_record(self._store, filled[-1]) if filled else None
        try:
            return parse_time(str(fields["time"])) if fields else None
        except (KeyError, ValueError):
            return None

    def _last_seals(self, writers: Collection[str]) -> dict[str, Seal]:
        found: dict[str, Seal] = {}
        if not writers:
            return found
        for seal in self._root.seals_backwards(self._root.find_head()):
            if seal.writer in writers:
                found.setdefault(seal.writer, seal)
                if len(found) == len(writers):
                    break
        return found

    def _lacking(self, archive: Reader, expired: _Expired) -> Finding | None:
        for segment in expired.segments:
            if segment.size == 0:
                continue
            try:
                is_same = archive.size(segment.path) == segment.size and all(
                    self._store.read(segment.path, start, COMPARE_BYTES)
                    == archive.read(segment.path, start, COMPARE_BYTES)
                    for start in range(0, segment.size, COMPARE_BYTES)
                )
            except ObjectMissing:
                is_same = False
            if not is_same:
                return Finding(
                    Kind.COPY_DIFFERS, segment.path, None, "not deleted: the archive has not its bytes"
                )
        return None

    def _record(self, expired: _Expired) -> RetentionRecord:
        return RetentionRecord(
            time=format_time(self._clock()),
            store=self._kind,
            log_writer=expired.writer,
            log_size=expired.seal.size,
            log_root=expired.seal.root.hex(),
            segments=len(expired.segments),
            newest=format_time(expired.newest),
            keep_days=self._keep.days,
            service=self._service,
        )

    def _reports(self, segments: Sequence[SegmentRef]) -> list[str]:
        """Paths of the reports that a log's records of reviews name; they lie in the archive alone."""
        if self._kind != "archive":
            return []
        notes = SideNotes()
        for segment in segments:
            for line in read_lines(self._store, segment, 0):
                if IS_REVIEW in line.line and (fields := parse_line(line.line)).get("type") == "review":
                    notes.take(line.writer, line.index, fields)
        return [report_path(name, file) for name, review in notes.reviews.items() for file in review.reports]

    def _delete(self, paths: Sequence[str]) -> tuple[int, Finding | None]:
        """A log from its last segment to its first: what a failure leaves still begins with its genesis."""
        deleted = 0
        for path in paths:
            try:
                self._store.delete(path)
            except ObjectMissing:
                continue  # deleted by a run that lost the answer
            except StoreError as error:
                return deleted, Finding(Kind.UNREADABLE, path, None, f"not deleted: {error.message}")
            deleted += 1
        return deleted, None


def _is_whole(segments: Sequence[SegmentRef], seal: Seal) -> bool:
    """True where the log ends where it was sealed; or, after an interrupted sweep, before that."""
    last = [segment for segment in segments if segment.size][-1]
    return (last.number, last.size) == (seal.segment, seal.offset) or last.number < seal.segment
