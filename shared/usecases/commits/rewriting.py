"""What a record says once its call has been answered 503 instead."""

from __future__ import annotations

from shared.errors import AuditUnavailable
from shared.records.model import AccessRecord, Record, RefusalsRecord

UNAVAILABLE_STATUS = 503


def rewrite_unanswered(record: Record, waited_us: int) -> Record:
    """The record of a call that was answered 503 `audit_unavailable` after waiting so long for its commit.

    Nothing was released. An intent stays as it is: it says only what was asked for, and its call's `access`
    record says how that ended. So does the tally of a burst, whose calls had their answers before.
    """
    match record:
        case AccessRecord():
            outcome = record.outcome.model_copy(
                update={
                    "status": UNAVAILABLE_STATUS,
                    "code": AuditUnavailable.code,
                    "total_us": record.outcome.total_us + waited_us,
                }
            )
            what = record.what.model_copy(update={"entities_released": {}, "output_chars": 0})
            return record.model_copy(update={"outcome": outcome, "what": what})
        case RefusalsRecord() if not record.is_tally:
            return record.model_copy(update={"status": UNAVAILABLE_STATUS, "code": AuditUnavailable.code})
        case _:
            return record


def count_calls(record: Record) -> int:
    """The answered calls that a record stands for. An intent stands for none: its call's outcome follows."""
    match record:
        case AccessRecord():
            return 1
        case RefusalsRecord():
            return record.count
        case _:
            return 0


def is_withheld(record: Record) -> bool:
    """True where an answer was kept back because this record was not stored in time."""
    return isinstance(record, AccessRecord) or (isinstance(record, RefusalsRecord) and not record.is_tally)
