"""Approvals as the ledger proves them: what was asked for under a name, read with its proof or not at all."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from shared.errors import AccessDenied, InputError, LedgerError, MalformedLedger, ObjectMissing
from shared.ledger.lines import parse_line
from shared.ledger.sideobjects import parse_record_name
from shared.records.canonical import canonical_bytes, parse_time
from shared.records.model import RECORD, ApprovalRecord, Who
from shared.usecases.questions import Questions

logger = logging.getLogger("presidio_access.approvals")

MAX_PROVEN = 1_000

PLACE_FIELDS = frozenset({"seq", "prev"})
"""What the ledger adds to a record when it gives it its place."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An approval that was asked for: its name, and its `requested` record as the ledger proves it."""

    name: str
    record: ApprovalRecord

    @property
    def key(self) -> str:
        """The key of its claims."""
        return self.name.replace("/", "-")

    @property
    def expires(self) -> datetime:
        """When it ends."""
        return parse_time(self.record.expires)


class ApprovalProofs:
    """`approval` records by name, each verified once in a process: what is proven can never change.

    Verified is the inclusion of the record in its writer's log, the writer's checkpoint, and the genesis by
    which the service's key vouches for the writer. Thread-safe; raises StoreUnavailable.
    """

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._proven: dict[str, ApprovalRecord] = {}

    def find(self, name: str) -> Asked:
        """What was asked for under a name. Raises AccessDenied (`approval_unknown`)."""
        record = self.read(name)
        if record is None or record.step != "requested":
            raise AccessDenied("approval_unknown", "no approval of that name was asked for in this ledger")
        return Asked(name, record)

    def find_listed(self, key: str) -> Asked | None:
        """The approval of a claim's key; None for objects that somebody else put there."""
        try:
            writer, index = parse_record_name(key)
            return self.find(f"{writer}/{index}")
        except (AccessDenied, MalformedLedger):
            logger.error("an object among the open approvals is none")
            return None

    def read(self, name: str) -> ApprovalRecord | None:
        """An `approval` record of any step; None for whatever is not one, or does not verify."""
        known = self._proven.get(name)
        if known is not None:
            return known
        try:
            evidence = self._questions.proof(name)
            fields = parse_line(evidence.record)
            said = {field: fields[field] for field in fields.keys() - PLACE_FIELDS}
            record = RECORD.validate_json(canonical_bytes(said))
        except (InputError, ObjectMissing):
            return None
        except (LedgerError, ValidationError) as error:
            logger.error("the record of an approval does not verify: %s", type(error).__name__)
            return None
        if not isinstance(record, ApprovalRecord):
            return None
        self.keep(name, record)
        return record

    def keep(self, name: str, record: ApprovalRecord) -> None:
        """Remember a record that this process has committed or proven."""
        if len(self._proven) >= MAX_PROVEN:
            self._proven.clear()
        self._proven[name] = record


def is_same_person(one: Who | None, other: Who | None) -> bool:
    """True where both are known, and tenant and principal agree: through whatever app, token or role."""
    known = _person(one)
    return known is not None and known == _person(other)


def is_other_person(one: Who | None, other: Who | None) -> bool:
    """True where both are known, and differ."""
    first, second = _person(one), _person(other)
    return first is not None and second is not None and first != second


def _person(who: Who | None) -> tuple[str, str] | None:
    if who is None or who.tenant is None or who.principal is None:
        return None
    return who.tenant, who.principal
