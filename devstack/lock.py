"""One supervisor a folder, by a lock on a file. The lock goes with the process, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from devstack.layout import Layout
from devstack.processes import sweep, wait_until

_PATIENCE_S = 0.3
"""Longer than `supervisor_pid` looks at the lock."""


class AlreadyUp(Exception):
    """Another supervisor holds the folder."""


@contextlib.contextmanager
def only_supervisor(layout: Layout) -> Iterator[None]:
    """Hold the folder's lock, with our process id in it. Raises AlreadyUp.

    What a dead supervisor left running is ended here.
    """
    layout.create()
    with layout.lock_file.open("a+") as lock:
        if not wait_until(lambda: _lock_now(lock.fileno()), _PATIENCE_S):
            raise AlreadyUp
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        layout.state_file.unlink(missing_ok=True)
        sweep(layout.folder)
        yield


def supervisor_pid(layout: Layout) -> int | None:
    """The process that holds the folder's lock, None where nobody does."""
    if not layout.lock_file.exists():
        return None
    with layout.lock_file.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = lock.read()
            return int(text) if text.isdigit() else -1
    return None


def _lock_now(descriptor: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
