"""Whether a ledger accounts for every call as it was answered."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import AuditUnavailable
from shared.records.model import Record
from shared.usecases.ports import Reader, Receipt
from tests.support.committers import LOG, SERVICE_KEY, WRITER
from tests.support.rereading import Reread, reread_log

type Outcomes = Sequence[Receipt | AuditUnavailable]


def reread(store: Reader, writer: str = WRITER) -> Reread:
    """The log of the tests' writer, foreign bytes at the ends of segments tolerated."""
    return reread_log(store, LOG, writer, SERVICE_KEY.vkey, tolerate_foreign=True)


def check_account(
    store: Reader, records: Sequence[Record], outcomes: Outcomes, *, closed: bool, writer: str = WRITER
) -> Reread:
    """Every call is in the ledger as it was answered: once as 200, once as 503, withheld, or counted."""
    log = reread(store, writer)
    stored = {line["seq"]: line for line in log.records if line["type"] == "access"}
    places: dict[str, list[int]] = {}
    for seq, line in stored.items():
        places.setdefault(line["request_id"], []).append(seq)
    named = [seq for line in log.records if line["type"] == "withheld" for seq in line["records"]]
    counted = sum(line["count"] for line in log.records if line["type"] == "gap")
    missing = 0
    for record, outcome in zip(records, outcomes, strict=True):
        found = places.pop(record.request_id, [])  # type: ignore[union-attr, arg-type]
        assert len(found) <= 1, "a record stands in the log twice"
        if isinstance(outcome, Receipt):
            assert found == [outcome.index]
            assert stored[outcome.index]["outcome"]["status"] == 200
            assert outcome.index not in named
            assert outcome.checkpoint.encode() in log.notes
        elif found and closed:
            answered = stored[found[0]]["outcome"]["status"]
            assert (answered == 200) == (found[0] in named)
            assert answered in (200, 503)
        else:
            missing += 1
    assert not places, "records that nobody submitted"
    assert len(named) == len(set(named))
    if closed:
        assert missing == counted
        assert log.records[-1]["type"] == "closed"
    return log
