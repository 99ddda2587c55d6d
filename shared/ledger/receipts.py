"""What somebody outside kept of the log: receipts of records, and checkpoints of the root log.

They are what shows a rollback or a split view: a signature over a history that storage does not have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import MalformedLedger
from shared.ledger.checkpoints import Checkpoint, parse_checkpoint
from shared.ledger.encoding import decode_base64
from shared.ledger.notes import Note, parse_note
from shared.ledger.rootlog import is_writer_name

MAX_RECEIPTS = 1_000_000

_RECORD_NAMES = ("record", "x-audit-record")
_CHECKPOINT_NAMES = ("checkpoint", "x-audit-checkpoint")


@dataclass(frozen=True, slots=True)
class HeldReceipt:
    """A receipt as an answer carried it (`writer` and `index`), or a root checkpoint (`writer` is None)."""

    writer: str | None
    index: int
    note: Note
    checkpoint: Checkpoint


def parse_receipts(data: bytes) -> list[HeldReceipt]:
    """Read a file of receipts. Raises MalformedLedger.

    Either one signed checkpoint of the root log as text, or JSON: an object, an array, or one object a
    line. An object has the headers of an answer, `X-Audit-Record` and `X-Audit-Checkpoint` (or `record` and
    `checkpoint`); without the first it holds a checkpoint of the root log.
    """
    if data.lstrip()[:1] not in (b"{", b"["):
        note = parse_note(data)
        return [HeldReceipt(None, 0, note, parse_checkpoint(note.text))]
    return [_receipt_from(value) for value in _values(data)]


def _values(data: bytes) -> list[Any]:
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        try:
            return [json.loads(line) for line in data.splitlines() if line.strip()]
        except (ValueError, RecursionError) as error:
            raise MalformedLedger("a file of receipts is JSON, or one JSON object a line") from error
    return whole if isinstance(whole, list) else [whole]


def _receipt_from(value: Any) -> HeldReceipt:
    if not isinstance(value, Mapping):
        raise MalformedLedger("a receipt is a JSON object")
    members = {str(name).lower(): member for name, member in value.items()}
    record = next((members[name] for name in _RECORD_NAMES if name in members), None)
    encoded = next((members[name] for name in _CHECKPOINT_NAMES if name in members), None)
    if not isinstance(encoded, str) or not (record is None or isinstance(record, str)):
        raise MalformedLedger("a receipt has the texts X-Audit-Record and X-Audit-Checkpoint")
    note = parse_note(decode_base64(encoded, "a receipt's checkpoint"))
    writer, index = parse_record_name(record) if record is not None else (None, 0)
    return HeldReceipt(writer, index, note, parse_checkpoint(note.text))


def parse_record_name(text: str) -> tuple[str, int]:
    """`<writer>/<index>`. Raises MalformedLedger."""
    writer, _, number = text.partition("/")
    is_number = number.isascii() and number.isdigit() and len(number) <= 16
    if not is_writer_name(writer) or not is_number or str(int(number)) != number:
        raise MalformedLedger("a record is named <writer>/<index>, such as 01J9ZK6N7Q8R9STVWXYZ012345/7")
    return writer, int(number)
