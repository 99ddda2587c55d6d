"""Floods against a running service with small rates: what is answered, and what the ledger holds of it."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from devstack.processes import wait_until
from tests.support.cloud import Answer, Cloud, running_cloud
from tests.support.ledger_reading import LedgerReading, read_ledger
from tests.support.rates import limited_text

A_MINUTE = 6
"""One token in ten seconds: a flood of a second or two meets none that came back."""

WORKERS = 2
CALLS = 120
CALLERS = 8


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of two workers whose policy has small rates."""
    folder = tmp_path_factory.mktemp("limited")
    policy = folder / "policy.yaml"
    policy.write_text(limited_text(A_MINUTE), "utf-8")
    with running_cloud(folder / "cloud", WORKERS=str(WORKERS), POLICY_FILE=str(policy)) as cloud:
        yield cloud


def flood(cloud: Cloud, persona: str, calls: int = CALLS) -> list[Answer]:
    """So many calls of one caller, several at a time, each over a connection of its own."""
    state = cloud.state

    def call(_: int) -> Answer:
        return cloud.call("GET", "/anonymizers", persona=persona, state=state)

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(call, range(calls)))


def bursts_of(reading: LedgerReading, oid: str) -> list[dict[str, Any]]:
    """The records of calls over a limit of one caller, each with its writer."""
    return [
        record
        for log in reading.logs.values()
        for record in log.records
        if record["type"] == "refusals" and (record.get("who") or {}).get("principal") == oid
    ]


def oid_of(cloud: Cloud, persona: str) -> str:
    return cloud.state.personas[persona].oid


def split(answers: list[Answer]) -> tuple[list[Answer], list[Answer]]:
    """Those that were served, and those over the limit; there is nothing else."""
    assert {answer.status for answer in answers} <= {200, 429}
    served = [answer for answer in answers if answer.status == 200]
    return served, [answer for answer in answers if answer.status == 429]


def test_a_flood_is_two_records_in_each_process(limited: Cloud) -> None:
    """The documented factor is the number of processes; the counts of the two records add up to the 429s."""
    served, over = split(flood(limited, "analyst"))
    assert A_MINUTE <= len(served) <= WORKERS * A_MINUTE
    for answer in over:
        assert set(answer.json) == {"error", "code", "request_id"}
        assert answer.json["code"] == "rate_limited"
        assert 1 <= int(answer.headers["Retry-After"]) <= 60 // A_MINUTE
    oid = oid_of(limited, "analyst")
    assert wait_until(
        lambda: sum(record["count"] for record in bursts_of(read_ledger(limited), oid)) == len(over), 20.0
    )
    reading = read_ledger(limited)
    by_writer: dict[str, list[dict[str, Any]]] = {}
    for record in bursts_of(reading, oid):
        by_writer.setdefault(record["service"]["writer"], []).append(record)
    for first, last in by_writer.values():
        assert (first["reason"], first["count"]) == ("rate_limited", 1)
        assert (last["reason"], last["operations"]) == ("burst_ended", {"catalog.read": last["count"]})
    for answer in over:
        assert reading.outcome(answer.headers["X-Request-Id"])["status"] == 429
        named = reading.at(answer.record)
        assert (named["reason"], named["who"]["principal"]) == ("rate_limited", oid)
    counted = Counter(record["reason"] for record in bursts_of(reading, oid))
    assert counted == {"rate_limited": len(by_writer), "burst_ended": len(by_writer)}


def test_another_caller_is_served_within_a_flood(limited: Cloud) -> None:
    """One caller's flood empties no other's bucket."""
    with ThreadPoolExecutor(1) as pool:
        flooding = pool.submit(flood, limited, "auditor")
        answers = [limited.call("GET", "/anonymizers", persona="reviewer") for _ in range(A_MINUTE)]
        assert {answer.status for answer in answers} == {200}
        split(flooding.result())


def test_a_service_that_stops_tells_of_open_bursts(limited: Cloud) -> None:
    """SIGTERM within a burst: its last record is stored before the log is closed."""
    _, over = split(flood(limited, "redactor"))
    stop_all(limited, signal.SIGTERM)
    reading = read_ledger(limited)
    records = bursts_of(reading, oid_of(limited, "redactor"))
    assert sum(record["count"] for record in records) == len(over)
    for record in records:
        assert reading.logs[record["service"]["writer"]].records[-1]["type"] == "closed"


def test_a_killed_service_loses_a_tally_and_no_more(limited: Cloud) -> None:
    """SIGKILL within a burst: that the caller was over its limit, and since when, is in the ledger."""
    _, over = split(flood(limited, "pipeline"))
    stop_all(limited, signal.SIGKILL)
    reading = read_ledger(limited)
    records = bursts_of(reading, oid_of(limited, "pipeline"))
    assert {record["reason"] for record in records} == {"rate_limited"}
    assert {answer.record for answer in over} == {
        f"{record['service']['writer']}/{record['seq']}" for record in records
    }


def stop_all(cloud: Cloud, number: signal.Signals) -> None:
    """Send a signal to every worker; returns once others serve in their places."""
    before = set(cloud.state.pids.workers)
    for worker in before:
        os.kill(worker, number)
    assert wait_until(
        lambda: len(cloud.state.pids.workers) == WORKERS and not before & set(cloud.state.pids.workers), 60.0
    )
    assert wait_until(
        lambda: all(cloud.call("GET", "/ready").status == 200 for _ in range(8 * WORKERS)), 60.0
    )
