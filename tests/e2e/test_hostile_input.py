"""Hostile input over HTTP: a clear 4xx, a record, bounded time and memory; others are served meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from tests.support.cloud import Answer, Cloud
from tests.support.hostile_requests import HOSTILE
from tests.support.ledger_reading import read_ledger

PATIENCE_S = 25.0
"""The longest that one hostile request may take here, with two cores and others at work."""

MEMORY_BYTES = 700 * 1024 * 1024
"""The most that a worker may grow by over all of them."""

GOOD = {"text": "John Smith called 212-555-0199", "language": "en"}


@dataclass
class Other:
    """Somebody else, who calls all the while."""

    cloud: Cloud

    def __post_init__(self) -> None:
        self.took_s: list[float] = []
        self.statuses: set[int] = set()
        self._stop = threading.Event()
        self._state = self.cloud.state
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Other:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            started = time.monotonic()
            answer = self.cloud.call("POST", "/analyze", GOOD, persona="engineer", state=self._state)
            self.took_s.append(time.monotonic() - started)
            self.statuses.add(answer.status)


@dataclass(frozen=True)
class Played:
    """What came of the hostile requests, and of the other caller's."""

    answers: dict[str, Answer]
    took_s: dict[str, float]
    grown_bytes: int
    other: Other


@pytest.fixture(scope="module")
def played(cloud: Cloud) -> Iterator[Played]:
    """All hostile requests, one after the other, beside another caller."""
    answers: dict[str, Answer] = {}
    took_s: dict[str, float] = {}
    workers = [psutil.Process(pid) for pid in cloud.state.pids.workers]
    before = [worker.memory_info().rss for worker in workers]
    with Other(cloud) as other:
        for hostile in HOSTILE:
            body = hostile.make_body()
            headers = {"Content-Type": hostile.content_type, "X-Purpose": "customer-request"}
            started = time.monotonic()
            answers[hostile.name] = cloud.call(
                "POST", hostile.path, body, persona=hostile.persona, headers=headers
            )
            took_s[hostile.name] = time.monotonic() - started
    after = [worker.memory_info().rss for worker in workers]
    grown = max(late - early for early, late in zip(before, after, strict=True))
    yield Played(answers, took_s, grown, other)


def test_each_is_refused_clearly_in_bounded_time(played: Played) -> None:
    """A 4xx whose body says what is wrong; never a 500, never an empty success."""
    for name, answer in played.answers.items():
        print(f"{answer.status} {played.took_s[name]:6.2f} s  {name}: {answer.json.get('error', '')[:80]}")
    for name, answer in played.answers.items():
        assert 400 <= answer.status < 500, name
        assert answer.json["error"], name
        assert answer.json["code"], name
        assert played.took_s[name] < PATIENCE_S, name


def test_each_is_recorded(played: Played, cloud: Cloud) -> None:
    """One record each, with the status that was answered."""
    ledger = read_ledger(cloud)
    for answer in played.answers.values():
        assert ledger.outcome(answer.headers["X-Request-Id"])["outcome"]["status"] == answer.status


def test_memory_stays_bounded(played: Played) -> None:
    """Nothing of it stays behind."""
    print(f"\na worker grew by {played.grown_bytes / 1e6:.0f} MB")
    assert played.grown_bytes < MEMORY_BYTES


def test_others_are_served_meanwhile(played: Played) -> None:
    """Another caller's every call succeeds, and none waits for long."""
    slowest, count = max(played.other.took_s), len(played.other.took_s)
    print(f"\n{count} calls of another caller, the slowest took {slowest:.2f} s")
    assert played.other.statuses == {200}
    assert count >= 20
    assert slowest < 5.0
