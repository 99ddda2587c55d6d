"""Child processes of the local cloud: started so that they cannot outlive it, found again, ended.

Every child carries its cloud's folder in the environment variable DEVSTACK_CLOUD. That mark, not a file of
process ids, says whether a process is ours: it survives crashes and cannot name a stranger's process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

MARK = "DEVSTACK_CLOUD"

_SETPRIV = shutil.which("setpriv")
"""Of util-linux. It has the kernel send the child SIGTERM when its parent ends, then becomes the child."""


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    cloud: Path,
    log: Path,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (a Ctrl-C in the terminal reaches only its parent).

    Its output is appended to `log`. Where setpriv is at hand, the child gets SIGTERM when the thread that
    called this ends, however it ends; elsewhere `sweep` finds it later.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    guard = [_SETPRIV, "--pdeathsig", "TERM", "--"] if _SETPRIV else []
    with log.open("ab") as output:
        return subprocess.Popen(
            [*guard, *command],
            cwd=cwd,
            env={**environment, MARK: str(cloud)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """SIGTERM, and SIGKILL for what has not ended in time."""
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def find_marked(cloud: Path) -> list[psutil.Process]:
    """Processes that carry the cloud's mark, without this one and those it descends from."""
    excluded = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in excluded and process.environ().get(MARK) == str(cloud):
                found.append(process)
    return found


def sweep(cloud: Path, patience_s: float = 5.0) -> int:
    """End every process that carries the cloud's mark; their number."""
    found = find_marked(cloud)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=patience_s)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=patience_s)
    return len(found)


def tail(log: Path, lines: int = 1) -> str:
    """The last non-empty lines of a log, "" where there are none."""
    with contextlib.suppress(OSError):
        text = log.read_bytes()[-8_192:].decode(errors="replace")
        return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-lines:])
    return ""


def wait_until(condition: Callable[[], bool], timeout_s: float, step_s: float = 0.02) -> bool:
    """Ask the callable until it says True; False where it did not within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(step_s)
    return True
