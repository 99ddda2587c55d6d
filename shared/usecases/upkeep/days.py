"""Days of the ledger as rows, for the baselines: what `DaysOfRecords` asks for, from a store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from pydantic import ValidationError

from shared.ledger.receipts import parse_record_name
from shared.records.columns import Place, Value, flatten_record
from shared.records.model import RECORD
from shared.usecases.questions import MAX_LIMIT, Filter, Questions

PLACE_FIELDS = ("seq", "prev")


class LedgerDays:
    """Reads days through the same pages as auditors do."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    def rows(self, day: date) -> Iterator[dict[str, Value]]:
        """All rows of a day (UTC). Records of a later version that this one cannot read are passed over."""
        start = datetime.combine(day, time(), UTC)
        wanted = Filter(since=start, until=start + timedelta(days=1))
        cursor: str | None = None
        while True:
            page = self._questions.page(wanted, MAX_LIMIT, cursor)
            for found in page.records:
                fields = {name: value for name, value in found.fields.items() if name not in PLACE_FIELDS}
                try:
                    record = RECORD.validate_python(fields, strict=False)
                except ValidationError:
                    continue
                yield flatten_record(record, Place(*parse_record_name(found.name)))
            cursor = page.cursor
            if cursor is None:
                return
