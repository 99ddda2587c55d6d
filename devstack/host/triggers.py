"""Timers and blob triggers run in one worker at a time: the one that holds the trigger lock.

In Azure a blob lease says which host instance is the primary one. Here it is a lock on a file, which the
operating system gives back when its holder dies, however it dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
from pathlib import Path

from devstack.host.bindings import BlobFunction, TimerFunction
from devstack.host.blobs import BlobWatch
from devstack.host.invoker import Invoker
from devstack.host.timers import Timer

BLOB_POLL_S = 1.0
_RETRY_S = 0.5

logger = logging.getLogger("devstack.host")


async def run_triggers(invoker: Invoker, folder: Path, lock: int, blob_poll_s: float = BLOB_POLL_S) -> None:
    """Wait for the lock on a file descriptor, then run every timer and blob trigger until cancelled.

    The lock is the caller's to give back, at its very end: a worker that stops first must not hand over to
    one that is about to stop.
    """
    timers = [function for function in invoker.functions if isinstance(function, TimerFunction)]
    blobs = [function for function in invoker.functions if isinstance(function, BlobFunction)]
    if not timers and not blobs:
        return
    await _acquire(lock)
    logger.info("this worker runs the timers and blob triggers")
    async with asyncio.TaskGroup() as group:
        for timer in timers:
            group.create_task(Timer(timer, invoker, folder).run())
        for blob in blobs:
            group.create_task(BlobWatch(blob, invoker, folder).run(blob_poll_s))


async def _acquire(descriptor: int) -> None:
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        await asyncio.sleep(_RETRY_S)
