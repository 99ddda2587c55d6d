"""The engine room: loading in the background, a bounded queue, and failures that are told."""

from __future__ import annotations

import asyncio
import threading

import pytest

from shared.errors import EngineFailed, EngineStarting, Overloaded, SettingsError
from shared.pii.engine import Engine
from shared.usecases.engines import EngineRoom
from tests.support.services import PlainEngine


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
