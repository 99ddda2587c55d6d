"""The service's own verification, each night from where the last one ended, with its verdict on record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, Protocol

from shared.errors import LedgerError
from shared.ledger.checkpoints import Checkpoint, parse_checkpoint
from shared.ledger.findings import Kind, Weight
from shared.ledger.hashing import EMPTY_ROOT
from shared.ledger.notes import VerifierKey, parse_note, verify_note
from shared.ledger.reports import Report
from shared.ledger.verifier import Question, verify_ledger
from shared.records.model import ServicePart, VerdictRecord
from shared.usecases.ports import Clock, Reader


class Notebook(Protocol):
    """Where a few bytes are kept between runs. It needs no protection: what is read from it is verified."""

    def load(self) -> bytes | None:
        """What was saved last, None where nothing was. Raises StoreError."""
        ...

    def save(self, data: bytes) -> None:
        """Replace it. Raises StoreError."""
        ...


class Verification:
    """Verifies one ledger. The notebook holds the newest root checkpoint that was verified without findings.

    Who changes the notebook can only make more be read again: the checkpoint in it is verified under the
    trusted keys and must be consistent with the root log; one newer than the root log is a rollback.
    """

    def __init__(
        self,
        reader: Reader,
        keys: Sequence[VerifierKey],
        notebook: Notebook,
        clock: Clock,
        archive: Reader | None = None,
    ) -> None:
        self._reader = reader
        self._keys = tuple(keys)
        self._notebook = notebook
        self._clock = clock
        self._archive = archive

    def run(self, *, is_full: bool = False) -> Report:
        """Verify what is new or, where asked, everything. Raises StoreError for the notebook alone."""
        since = None if is_full else self._since()
        report = self._verify(since, self._archive if is_full else None)
        if since is not None and any(f.kind is Kind.WRITER_MISSING for f in report.findings):
            report = self._verify(None, self._archive)  # the record of its retention may be an old one
        if report.exit_code == 0 and report.checkpoint:
            self._notebook.save(report.checkpoint.encode())
        return report

    def _verify(self, since: Checkpoint | None, archive: Reader | None) -> Report:
        now, elsewhere = self._clock(), self._archive
        return verify_ledger(
            Question(self._reader, self._keys, now, archive=archive, elsewhere=elsewhere, since=since)
        )

    def _since(self) -> Checkpoint | None:
        data = self._notebook.load()
        if data is None:
            return None
        try:
            note = parse_note(data)
            verify_note(note, self._keys)
            return parse_checkpoint(note.text)
        except LedgerError:
            return None  # not a checkpoint that anybody trusted signed: everything is read


def verdict_record(report: Report, service: ServicePart) -> VerdictRecord:
    """The record of a verdict: findings by class, without remarks."""
    weighty = [finding for finding in report.findings if finding.weight is not Weight.REMARK]
    verdicts: dict[int, Literal["intact", "findings", "unchecked"]] = {
        0: "intact",
        1: "findings",
        2: "unchecked",
    }
    root = (
        parse_checkpoint(parse_note(report.checkpoint.encode()).text).root
        if report.checkpoint
        else EMPTY_ROOT
    )
    return VerdictRecord(
        time=report.checked_at,
        verdict=verdicts[report.exit_code],
        findings=dict(sorted(Counter(finding.kind.value for finding in weighty).items())),
        verified_records=report.records,
        root_size=report.root_size,
        root_hash=root.hex(),
        since_size=report.since,
        service=service,
    )
