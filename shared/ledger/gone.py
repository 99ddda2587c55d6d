"""Logs of which the root log knows, and of which something or all is not here: expired in order, or removed.

A record of retention excuses exactly the log that it names, in its store. What is gone from both stores must
have expired in the archive. Records of retention expire as well: a log that is older than two retentions may
have lost its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from shared.errors import StoreError
from shared.ledger.expired import Expired
from shared.ledger.findings import Finding, Kind
from shared.ledger.rootlog import Seal
from shared.ledger.segments import segment_path
from shared.ledger.sources import Source


@dataclass(frozen=True, slots=True)
class GoneLog:
    """A log that is not here as it was sealed. `seal` is its last one.

    `is_covered`: a verification before had read all of it. `lacking` says what is missing of a log of which
    something is here, as it may be while a sweep is under way.
    """

    writer: str
    seal: Seal
    is_covered: bool
    lacking: Sequence[Finding] = ()


class GoneLogs:
    """Gathers them, and judges them when all records of retention have been read."""

    def __init__(self, *, has_archive: bool, elsewhere: Source | None) -> None:
        """`has_archive`: what the archive has is here. `elsewhere`: an archive that can be asked."""
        self._has_archive = has_archive
        self._elsewhere = elsewhere
        self._logs: list[GoneLog] = []

    def add(self, log: GoneLog) -> None:
        """One more."""
        self._logs.append(log)

    def settle(self, known: list[Expired], search: Callable[[], Collection[Expired]]) -> list[Finding]:
        """What is said of them. `known` grows by what `search` finds; it is asked only where it matters."""
        findings = self._judge(known)
        if any(finding.kind is not Kind.EXPIRED for finding in findings) and (more := search()):
            known.extend(more)
            findings = self._judge(known)
        return findings

    def _judge(self, known: Collection[Expired]) -> list[Finding]:
        records = [item for item in known if item.store == "archive" or not self._has_archive]
        named = {(item.writer, item.size, item.root) for item in records}
        horizon = max((item.horizon for item in records), default="")
        return [finding for log in self._logs for finding in self._judge_log(log, named, horizon)]

    def _judge_log(
        self, log: GoneLog, named: Collection[tuple[str, int, bytes]], horizon: str
    ) -> Sequence[Finding]:
        size = log.seal.size
        if (log.writer, size, log.seal.root) in named:
            kind, detail = Kind.EXPIRED, f"{size} records"
        elif self._is_elsewhere(log):
            kind, detail = Kind.EXPIRED, f"{size} records; the archive has them"
        elif log.lacking:
            return log.lacking
        elif log.seal.time < horizon:
            kind, detail = Kind.EXPIRED, f"{size} records; the record that says so has expired as well"
        else:
            kind, detail = Kind.WRITER_MISSING, f"{size} records were sealed"
        return [Finding(kind, log.writer, size, detail)]

    def _is_elsewhere(self, log: GoneLog) -> bool:
        """True of a log that was verified before, and that the archive has: its record is an older one."""
        if self._elsewhere is None or not log.is_covered:
            return False
        try:
            return self._elsewhere.size(segment_path(log.writer, log.seal.segment)) >= log.seal.offset
        except StoreError:
            return False
