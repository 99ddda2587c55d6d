"""The engine room: Presidio loads in the background and runs on a few threads with a bounded queue."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from shared.errors import EngineFailed, EngineStarting, Overloaded, SettingsError
from shared.pii.engine import Engine

logger = logging.getLogger("presidio_access.engine")


class EngineRoom:
    """Loads one engine and lends it out.

    `load` runs once, on a thread of its own. At most `threads` operations run at once (Presidio is bound
    by the processor, and Python runs one at a time; a few threads keep a slow text from blocking the
    others), and at most `queue` more wait. One of several threads does what is quick, one after the other:
    threads that take turns within milliseconds of work only make each other slower.
    """

    def __init__(self, load: Callable[[], Engine], threads: int, queue: int) -> None:
        self._load = load
        self._pool = ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="engine")
        self._quick = ThreadPoolExecutor(1, thread_name_prefix="engine-quick") if threads > 1 else self._pool
        self._free = threads + queue
        self._engine: Engine | None = None
        self._failed = False
        self._loading: threading.Thread | None = None
        self._lock = threading.Lock()
        self._settled = threading.Event()

    def start(self) -> None:
        """Begin loading, once; returns at once."""
        with self._lock:
            if self._loading is None:
                self._loading = threading.Thread(target=self._load_engine, name="engine-load", daemon=True)
                self._loading.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the engine is loaded or has failed; True when it is loaded."""
        self._settled.wait(timeout_s)
        return self._engine is not None

    @property
    def engine(self) -> Engine:
        """The loaded engine. Raises EngineStarting while it loads and EngineFailed when it never will."""
        if self._engine is not None:
            return self._engine
        if self._failed:
            raise EngineFailed("the analysis engine could not be loaded; the service's log says why")
        raise EngineStarting("the models are still loading; try again in a few seconds")

    @property
    def state(self) -> str:
        """`ready`, `starting` or `failed`."""
        if self._engine is not None:
            return "ready"
        return "failed" if self._failed else "starting"

    async def run[T](self, work: Callable[[], T], *, is_quick: bool = False) -> T:
        """Run on an engine thread. Raises Overloaded when too many wait already.

        `is_quick` is for work that is known to be done in milliseconds, whatever the caller sent.
        """
        if self._free <= 0:
            raise Overloaded("too many requests wait for the engine; try again shortly")
        self._free -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._quick if is_quick else self._pool, work
            )
        finally:
            self._free += 1

    def close(self) -> None:
        """Let running operations end; start no more."""
        for pool in (self._pool, self._quick):
            pool.shutdown(wait=False, cancel_futures=True)

    def _load_engine(self) -> None:
        try:
            self._engine = self._load()
            # A million objects of the models live as long as the process: no collection walks them again.
            gc.collect()
            gc.freeze()
        except Exception as error:  # noqa: BLE001 - whatever it is, /ready and every call must report it
            self._failed = True
            # A foreign error by its type alone: its message could quote configuration.
            why = str(error) if isinstance(error, SettingsError) else type(error).__name__
            logger.critical("the analysis engine could not be loaded: %s", why)
        finally:
            self._settled.set()
