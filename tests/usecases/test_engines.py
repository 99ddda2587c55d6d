"""The engine room: loading in the background, a bounded queue, and failures that are told."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import EngineFailed, EngineStarting, Overloaded, SettingsError
from shared.pii.engine import Engine
from shared.usecases import presidio
from shared.usecases.calls import Call, Operation
from shared.usecases.engines import EngineRoom
from tests.support.services import PlainEngine

AD_HOC = {
    "name": "x",
    "supported_language": "en",
    "supported_entity": "X",
    "patterns": [{"name": "x", "regex": "x", "score": 0.5}],
}


def a_call(body: bytes) -> Call:
    """A call with a JSON body."""
    headers = {"content-type": "application/json"}
    return Call("01J9ZK6N7Q8R9STVWXYZ012345", datetime.now(UTC), 0, headers, {}, {}, body, None)


def failing(error: Exception) -> EngineRoom:
    """A room whose engine cannot be loaded."""

    def load() -> Engine:
        raise error

    room = EngineRoom(load, threads=1, queue=1)
    room.start()
    assert not room.wait(5.0)
    return room


def test_an_engine_that_loads_is_starting_then_ready() -> None:
    """Until it is there, calls are told to come back."""
    gate = threading.Event()

    def load() -> Engine:
        assert gate.wait(5.0)
        return PlainEngine()

    room = EngineRoom(load, threads=1, queue=1)
    room.start()
    with pytest.raises(EngineStarting):
        _ = room.engine
    assert room.state == "starting"
    gate.set()
    assert room.wait(5.0)
    assert (room.state, type(room.engine)) == ("ready", PlainEngine)


def test_a_setting_that_is_wrong_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Callers are told that it failed; operators are told which setting."""
    room = failing(SettingsError("NLP_CONF_FILE", "names a model that is not installed"))
    assert room.state == "failed"
    with pytest.raises(EngineFailed):
        _ = room.engine
    assert "NLP_CONF_FILE: names a model that is not installed" in caplog.text


def test_a_foreign_failure_is_logged_by_its_type(caplog: pytest.LogCaptureFixture) -> None:
    """What it says could quote configuration."""
    failing(RuntimeError("canary"))
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text


def test_more_than_the_queue_holds_is_refused_at_once() -> None:
    """One runs, one waits, the third is told."""
    gate = threading.Event()
    room = EngineRoom(PlainEngine, threads=1, queue=1)

    async def scenario() -> None:
        tasks = [asyncio.create_task(room.run(lambda: gate.wait(5.0))) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded):
            await room.run(lambda: True)
        gate.set()
        assert await asyncio.gather(*tasks) == [True, True]
        assert await room.run(lambda: 7) == 7

    asyncio.run(scenario())
    room.close()


def test_what_is_quick_goes_one_after_the_other_and_past_what_is_slow() -> None:
    """One thread of several is kept for it; a room with one thread has no other."""
    gate, running, most = threading.Event(), 0, 0
    names: set[str] = set()

    def quick() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        names.add(threading.current_thread().name)
        gate.wait(0.002)
        running -= 1

    async def scenario(room: EngineRoom) -> None:
        slow = [asyncio.create_task(room.run(lambda: gate.wait(5.0))) for _ in range(6)]
        await asyncio.gather(*(room.run(quick, is_quick=True) for _ in range(10)))
        assert not any(task.done() for task in slow)
        gate.set()
        await asyncio.gather(*slow)

    room = EngineRoom(PlainEngine, threads=3, queue=50)
    asyncio.run(scenario(room))
    room.close()
    assert most == 1
    assert len(names) == 1

    alone = EngineRoom(PlainEngine, threads=1, queue=2)
    assert asyncio.run(alone.run(lambda: 7, is_quick=True)) == 7
    alone.close()


@pytest.mark.parametrize(
    ("parse", "more", "is_open_ended"),
    [
        ("ANALYZE", {}, False),
        ("ANALYZE", {"context": ["card"], "entities": ["PERSON"], "return_decision_process": True}, False),
        ("ANALYZE", {"allow_list": ["(a|aa)+$"], "allow_list_match": "regex"}, True),
        ("ANALYZE", {"allow_list": ["a"]}, True),
        ("ANALYZE", {"ad_hoc_recognizers": [AD_HOC]}, True),
        ("REDACT", {}, False),
        ("REDACT", {"ad_hoc_recognizers": [AD_HOC]}, True),
        ("REDACT", {"anonymizers": {"DEFAULT": {"type": "surrogate_ahds"}}}, True),
        ("ANONYMIZE", {"analyzer_results": []}, False),
        ("ANONYMIZE", {"analyzer_results": [], "anonymizers": {"A": {"type": "surrogate_ahds"}}}, True),
    ],
)
def test_patterns_and_services_of_others_are_not_quick(
    parse: str, more: dict[str, Any], is_open_ended: bool
) -> None:
    """However short the body: only work that takes time by its size goes past others."""
    body = json.dumps({"text": "a", "language": "en", **more}).encode()
    operation: Operation = getattr(presidio, parse)
    assert operation.parse(a_call(body)).is_open_ended is is_open_ended
