"""What somebody holds outside the ledger, against the root log that is here: it shows rollbacks and forks."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shared.errors import LedgerError
from shared.ledger.checkpoints import Checkpoint, parse_checkpoint
from shared.ledger.findings import Finding, Kind
from shared.ledger.notes import VerifierKey, parse_note, verify_note
from shared.ledger.receipts import HeldReceipt
from shared.ledger.rootcheck import RootView


class OutsideCheck:
    """Compares checkpoints of the root log with a walk over it; findings are gathered in `findings`."""

    def __init__(self, log: str, keys: Collection[VerifierKey], view: RootView) -> None:
        """`keys`: the trusted ones, of the service and of witnesses."""
        self.findings: list[Finding] = []
        self._log = log
        self._keys = keys
        self._view = view

    def check_genesis(self, writer: str, note_text: object) -> None:
        """A genesis carries the root checkpoint that its writer had seen: one more view held outside."""
        if not isinstance(note_text, str):
            return
        try:
            note = parse_note(note_text.encode())
            checkpoint = parse_checkpoint(note.text)
            verify_note(note, [key for key in self._keys if key.name == self._log])
        except (LedgerError, UnicodeEncodeError):
            self._report(Kind.MALFORMED, writer, 0, "the genesis' `root` is no signed root checkpoint")
            return
        self.compare(checkpoint, f"the genesis of {writer}")

    def check_receipts(self, receipts: Sequence[HeldReceipt]) -> None:
        """Root checkpoints that somebody kept; receipts of records are the writers' matter."""
        for number, receipt in enumerate(receipts):
            if receipt.writer is not None:
                continue
            try:
                verify_note(receipt.note, self._keys)
            except LedgerError as error:
                self._report(Kind.SIGNATURE_INVALID, f"receipt {number}", None, error.message)
            else:
                self.compare(receipt.checkpoint, f"receipt {number}")

    def compare(self, held: Checkpoint, name: str) -> None:
        """A checkpoint of the root log, whose signature was verified, must be a state of the one here."""
        if held.origin != self._log:
            self._report(Kind.RECEIPT_UNMATCHED, name, None, "a checkpoint of another log")
        elif held.size > self._view.size:
            detail = f"{held.size} entries of the root log were signed, {self._view.size} are proven here"
            self._report(Kind.ROLLBACK, name, held.size, detail)
        elif self._view.root_at(held.size) != held.root:
            self._report(Kind.SPLIT_VIEW, name, held.size, f"another root for {held.size} entries")

    def _report(self, kind: Kind, path: str, index: int | None, detail: str) -> None:
        self.findings.append(Finding(kind, path, index, detail))
