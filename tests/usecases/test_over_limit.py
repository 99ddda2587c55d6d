"""What a caller over its limit is answered, and what is and is not done for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from shared.identity.policy import parse_policy
from shared.records.model import BURST_ENDED, AccessRecord, IntentRecord, RefusalsRecord
from shared.usecases import catalog, presidio
from shared.usecases.calls import Answer
from shared.usecases.whoami import WHOAMI
from shared.wiring.parts import commit_last
from tests.support.accounts import reread
from tests.support.committers import WRITER
from tests.support.rates import limited_policy, limited_text
from tests.support.services import Bench
from tests.support.stores import Fault, FaultyStore, MemoryStore

TEXT = {"text": "John lives here", "language": "en"}
RESTORE = {
    "text": "John",
    "anonymizer_results": [{"start": 0, "end": 4, "entity_type": "PERSON"}],
    "deanonymizers": {"DEFAULT": {"type": "deanonymize_keep"}},
}
PURPOSE = {"x-purpose": "customer-request"}
A_MINUTE = 5


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(policy=limited_policy(A_MINUTE))
    yield made
    made.close()


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def end_bursts(bench: Bench) -> list[RefusalsRecord]:
    """All records of calls over a limit, those of the open bursts included."""
    stored = [record for record in bench.ledger.records if isinstance(record, RefusalsRecord)]
    return [*stored, *bench.path.bursts.end_all()]


async def flood(bench: Bench, calls: int, persona: str = "analyst") -> list[Answer]:
    return await asyncio.gather(*(bench.call(presidio.ANALYZE, TEXT, persona=persona) for _ in range(calls)))


def test_the_answer_over_the_limit(bench: Bench) -> None:
    """429 with Retry-After in whole seconds, the record of its burst, and nothing about the caller."""
    answers = asyncio.run(flood(bench, A_MINUTE + 1))
    answer = next(answer for answer in answers if answer.status == 429)
    assert set(answer.body) == {"error", "code", "request_id"}
    assert answer.body["code"] == "rate_limited"
    assert answer.body["error"] == (
        f"expected at most {A_MINUTE} pii.analyze calls a minute; try again in 12 s"
    )
    assert answer.headers["Retry-After"] == "12"
    assert set(answer.headers) == {"Retry-After", "X-Request-Id", "X-Audit-Record", "X-Audit-Checkpoint"}
    record = bench.ledger.records[int(answer.headers["X-Audit-Record"].split("/")[1]) - 1]
    assert isinstance(record, RefusalsRecord)


def test_at_once_the_count_is_exact(bench: Bench) -> None:
    """However many calls are in flight at once, as many are served as there are tokens."""
    answers = asyncio.run(flood(bench, 200))
    assert statuses(answers) == {200: A_MINUTE, 429: 200 - A_MINUTE}
    assert bench.engine.calls == ["analyze"] * A_MINUTE
    first, rest = end_bursts(bench)
    assert (first.count, rest.count, rest.reason) == (1, 200 - A_MINUTE - 1, BURST_ENDED)
    refused = {answer.headers["X-Request-Id"] for answer in answers if answer.status == 429}
    assert {*first.request_ids, *rest.request_ids} == refused
    assert {answer.headers["X-Audit-Record"] for answer in answers if answer.status == 429} == {
        f"{WRITER}/{bench.ledger.records.index(first) + 1}"
    }


def test_nothing_is_done_for_a_call_over_the_limit(bench: Bench) -> None:
    """It leaves no intent and reaches no engine: the limit comes right after the decision."""

    async def scenario() -> list[Answer]:
        return [
            await bench.call(presidio.DEANONYMIZE, RESTORE, persona="reidentifier", headers=PURPOSE)
            for _ in range(20)
        ]

    assert statuses(asyncio.run(scenario())) == {200: A_MINUTE, 429: 20 - A_MINUTE}
    kinds = Counter(type(record) for record in bench.ledger.records)
    assert kinds == {IntentRecord: A_MINUTE, AccessRecord: A_MINUTE, RefusalsRecord: 1}
    assert len(bench.engine.calls) == A_MINUTE


def test_a_flood_of_refused_calls_is_bounded_too(bench: Bench) -> None:
    """403s and unreadable requests take tokens of their own; over that they are answered 429."""

    async def scenario() -> list[Answer]:
        answers = [await bench.call(presidio.ANALYZE, TEXT, persona="redactor") for _ in range(3)]
        answers += [await bench.call(presidio.REDACT, raw=b"{", persona="redactor") for _ in range(3)]
        return answers + [await bench.call(presidio.ANALYZE, TEXT, persona="redactor") for _ in range(30)]

    answers = asyncio.run(scenario())
    assert statuses(answers) == {403: 3, 400: 2, 429: 31}
    first, rest = end_bursts(bench)
    assert first.operations == {"pii.redact": 1}
    assert rest.operations == {"pii.analyze": 30}
    assert len(bench.ledger.records) == A_MINUTE + 1


def test_refused_calls_leave_the_served_ones_alone(bench: Bench) -> None:
    """Whoever has tried too many doors may still use its own."""

    async def scenario() -> Answer:
        for _ in range(20):
            await bench.call(presidio.REDACT, TEXT, persona="analyst")
        return await bench.call(presidio.ANALYZE, TEXT, persona="analyst")

    assert asyncio.run(scenario()).status == 200


def test_whoami_is_bounded_too(bench: Bench) -> None:
    """What no role grants has the rate of refused calls, for callers without a role as well."""

    async def scenario() -> list[Answer]:
        return [await bench.call(WHOAMI, persona="nobody") for _ in range(20)]

    assert statuses(asyncio.run(scenario())) == {200: A_MINUTE, 429: 20 - A_MINUTE}


def test_alternating_makes_no_more_records(bench: Bench) -> None:
    """A flood over several operations is one burst of its caller."""

    async def scenario() -> list[Answer]:
        answers = []
        for _ in range(40):
            answers.append(await bench.call(presidio.ANALYZE, TEXT, persona="analyst"))
            answers.append(await bench.call(catalog.RECOGNIZERS, persona="analyst"))
        return answers

    assert statuses(asyncio.run(scenario())) == {200: 2 * A_MINUTE, 429: 80 - 2 * A_MINUTE}
    first, rest = end_bursts(bench)
    assert first.count + rest.count == 80 - 2 * A_MINUTE
    assert rest.operations["pii.analyze"] + rest.operations["catalog.read"] == rest.count


def test_another_caller_is_not_touched(bench: Bench) -> None:
    """One caller's flood costs another nothing."""

    async def scenario() -> list[Answer]:
        await flood(bench, 100, "analyst")
        return await flood(bench, A_MINUTE, "engineer")

    assert statuses(asyncio.run(scenario())) == {200: A_MINUTE}


TWO_ROLES = """\
version: 1
roles:
  Fast:
    permissions: [pii.analyze]
    max_chars: 10
    max_texts: 1
    requests_a_minute: 1000
  Slow:
    permissions: [pii.analyze]
    max_chars: 1000
    max_texts: 1
    requests_a_minute: 2
"""


@pytest.mark.parametrize("roles", [["Fast", "Slow"], ["Slow", "Fast"]])
def test_the_role_that_grants_pays(roles: list[str]) -> None:
    """A request that only the slow role allows is not paid for by the fast one, in whatever order a token has
    them.
    """
    bench = Bench(policy=parse_policy(TWO_ROLES, "policy.yaml"))
    token = {"authorization": bench.forger.bearer("analyst", roles=roles)}

    async def scenario() -> list[Answer]:
        return [await bench.call(presidio.ANALYZE, TEXT, persona=None, headers=token) for _ in range(6)]

    answers = asyncio.run(scenario())
    bench.close()
    granted = {record.decision.role for record in bench.ledger.records if isinstance(record, AccessRecord)}
    assert granted == {"Slow"}
    assert statuses(answers) == {200: 2, 429: 4}


def test_without_storage_nothing_over_the_limit_is_answered_429(bench: Bench) -> None:
    """The first record of a burst cannot be stored: 503 for it and for all who wait for it."""

    async def scenario() -> list[Answer]:
        await flood(bench, A_MINUTE)
        await asyncio.to_thread(bench.committer.close)
        return await flood(bench, 20)

    answers = asyncio.run(scenario())
    assert statuses(answers) == {503: 20}
    assert {answer.body["code"] for answer in answers} == {"audit_unavailable"}


def test_storage_that_stalls_within_a_burst() -> None:
    """The first record stands, so those that follow are answered at once, and counted later."""
    free, inner = threading.Event(), MemoryStore()
    free.set()
    store = FaultyStore(inner, lambda name, path: Fault(hold=free))
    bench = Bench(policy=limited_policy(A_MINUTE), store=store)  # type: ignore[arg-type]

    async def scenario() -> Counter[int]:
        await flood(bench, A_MINUTE + 1)
        free.clear()
        started = time.monotonic()
        over = statuses(await flood(bench, 50))
        assert time.monotonic() - started < 4.0, "a call over the limit waited for storage"
        closing = asyncio.create_task(
            asyncio.to_thread(commit_last, bench.ledger, bench.path.bursts.end_all())
        )
        await asyncio.sleep(0.05)
        assert not closing.done()
        free.set()
        await closing
        return over

    assert asyncio.run(scenario()) == {429: 50}
    bench.close()
    lines = [line for line in reread(inner).records if line["type"] in ("refusals", "withheld", "gap")]
    assert [(line["type"], line["reason"], line["count"], line["status"]) for line in lines] == [
        ("refusals", "rate_limited", 1, 429),
        ("refusals", "burst_ended", 50, 429),
    ]


def test_without_rates_there_is_no_limit() -> None:
    """A policy that names no rates limits nothing."""
    lines = [line for line in limited_text(1).splitlines() if "_a_minute: 1" not in line]
    bench = Bench(policy=parse_policy("\n".join(lines), "policy.yaml"))

    async def scenario() -> list[Answer]:
        return [await bench.call(presidio.ANALYZE, TEXT) for _ in range(100)]

    answers = asyncio.run(scenario())
    bench.close()
    assert statuses(answers) == {200: 100}
    assert len(bench.path.limiter) == 0
