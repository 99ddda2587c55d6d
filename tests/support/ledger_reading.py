"""All that a running cloud's ledger says, read from storage by the second reader (rereading.py)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shared.cloud.blobs import open_store
from tests.support.cloud import Cloud
from tests.support.rereading import Reread, reread_log


@dataclass
class LedgerReading:
    """The verified logs of all writers, and their records by request id."""

    logs: dict[str, Reread] = field(default_factory=dict)
    outcomes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    intents: Counter[str] = field(default_factory=Counter)
    withheld: set[str] = field(default_factory=set)
    gaps: int = 0

    def outcome(self, request_id: str | None) -> dict[str, Any]:
        """The one outcome record of a call."""
        assert request_id is not None
        found = self.outcomes.get(request_id, [])
        assert len(found) == 1, f"{len(found)} outcome records for {request_id}"
        return found[0]

    def at(self, place: str | None) -> dict[str, Any]:
        """The record at `<writer>/<index>`."""
        assert place is not None
        writer, _, index = place.partition("/")
        return self.logs[writer].records[int(index)]


def read_ledger(cloud: Cloud, log: str = "audit.localhost/presidio") -> LedgerReading:
    """Read and verify every writer's log. Raises Broken where a byte is wrong."""
    state = cloud.state
    store = open_store(state.storage.container, connection_string=cloud.direct_storage)
    writers = sorted({stored.path.split("/")[2] for stored in store.list("v1/w/")})
    reading = LedgerReading()
    for writer in writers:
        paths = list(store.list(f"v1/w/{writer}/"))
        if sum(stored.size for stored in paths) == 0:
            continue  # a worker that was killed between creating its first segment and its genesis
        reread = reread_log(store, log, writer, state.trusted_keys[0])
        reading.logs[writer] = reread
        for record in reread.records:
            _file(reading, record, reread)
    return reading


def _file(reading: LedgerReading, record: dict[str, Any], log: Reread) -> None:
    match record["type"]:
        case "access":
            reading.outcomes.setdefault(record["request_id"], []).append(record)
        case "refusals":
            for request_id in record["request_ids"]:
                reading.outcomes.setdefault(request_id, []).append(record)
        case "intent":
            reading.intents[record["request_id"]] += 1
        case "withheld":
            for index in record["records"]:
                reading.withheld |= _answered_by(log.records[index])
        case "gap":
            reading.gaps += record["count"]


def _answered_by(record: dict[str, Any]) -> set[str]:
    """The calls whose outcome a record is: an intent is none, a refusals record is of several."""
    if record["type"] == "refusals":
        return set(record["request_ids"])
    return {record["request_id"]} if record["type"] == "access" else set()
