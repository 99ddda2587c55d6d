"""The only place where objects are joined; and the one service of a process, built by its first call."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from shared.errors import AuditUnavailable, PresidioAccessError, SettingsError

if TYPE_CHECKING:
    from shared.wiring.service import Service

__all__ = ["close_service", "get_service", "refusal_of"]

logger = logging.getLogger("presidio_access.service")

RETRY_START_S = 1.0
"""After a failed start, calls are refused for this long before one of them tries again."""

SWITCH_INTERVAL_S = 0.0005
"""Python's default of 5 ms lets an engine thread hold up the commit and the event loop that long; measured
with two busy engine threads, an append takes 16 ms at the default and 4 ms at this."""


class ServiceHolder:
    """Builds the service once and keeps it until the process ends. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._assembled: Service | None = None
        self._service: Service | None = None
        self._failure: PresidioAccessError | None = None
        self._retry_at = 0.0

    @property
    def service(self) -> Service | None:
        """The service, once it is open."""
        return self._service

    def build(self) -> Service:
        """The open service. Raises why it is not, for a second without trying again."""
        with self._lock:
            if self._service is not None:
                return self._service
            if self._failure is not None and time.monotonic() < self._retry_at:
                raise self._failure
            try:
                self._service = self._open()
            except PresidioAccessError as error:
                logger.critical("cannot start: %s", error)
                self._failure, self._retry_at = error, time.monotonic() + RETRY_START_S
                raise
            return self._service

    def _open(self) -> Service:
        """Open again what was assembled before: a new writer at each attempt would litter the ledger."""
        if self._assembled is None:
            # Azure's SDKs are imported here and not above: the host gives an app's import little time.
            from shared.wiring.service import assemble_service

            sys.setswitchinterval(SWITCH_INTERVAL_S)
            self._assembled = assemble_service(os.environ)
        self._assembled.open()
        atexit.register(self.close)
        return self._assembled

    def close(self) -> None:
        """End the service in order, once."""
        with self._lock:
            service, self._service = self._service, None
        if service is not None:
            service.close()


_HOLDER = ServiceHolder()


async def get_service() -> Service:
    """The service of this process; the first call builds it, on a thread.

    Raises SettingsError, AuditUnavailable, KeysUnavailable.
    """
    service = _HOLDER.service
    return service if service is not None else await asyncio.to_thread(_HOLDER.build)


def close_service() -> None:
    """End the service in order; safe to call twice, and without a service."""
    _HOLDER.close()


def refusal_of(error: PresidioAccessError) -> PresidioAccessError:
    """What a caller is told while there is no service: which setting is wrong stays in the log."""
    if isinstance(error, SettingsError):
        return AuditUnavailable("the service is not configured; its log names the setting")
    return error
