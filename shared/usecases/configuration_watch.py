"""Files that were changed under a running service: said in the ledger, once for each content.

What a process runs it has read at its start; another content of its files comes into force with the next
start. Somebody who edits a file on the machine is seen before that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from typing import Protocol

from shared.configuration.changes import list_changes
from shared.configuration.differences import find_differences
from shared.configuration.snapshots import Snapshot
from shared.errors import AuditUnavailable, SettingsError, StoreError
from shared.records.canonical import format_time
from shared.records.model import Record
from shared.usecases.configuration import Running, config_record, keep_snapshot
from shared.usecases.ports import Clock, LedgerStore

logger = logging.getLogger("presidio_access.configuration")

EVERY_S = 60.0
FULL_EVERY = 60
"""Every so many checks the files are read whatever their times say; the first check is one."""


class ConfigurationFiles(Protocol):
    """The files as they lie on the disk."""

    def stamp(self) -> Hashable:
        """Sizes and times of all that `read` reads: cheap, and another after most changes."""
        ...

    def read(self) -> Snapshot:
        """The snapshot of what the files mean now. Raises SettingsError."""
        ...


class ConfigurationWatch:
    """Compares the disk with what was last seen there; at first that is what runs."""

    def __init__(
        self,
        files: ConfigurationFiles,
        running: Running,
        store: LedgerStore,
        commit: Callable[[Record], None],
        clock: Clock,
    ) -> None:
        """`commit` returns once a record is stored. Raises AuditUnavailable."""
        self._files = files
        self._running = running
        self._store = store
        self._commit = commit
        self._clock = clock
        self._seen = running.snapshot
        self._stamp: Hashable = None
        self._checks = 0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Check every minute, on a thread of its own, until `stop`. May be repeated."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="configuration-watch", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """No more checks begin."""
        self._stopped.set()

    def check(self) -> Snapshot | None:
        """One look: the content that was committed as a record, None where nothing new lies there.

        Where the record cannot be stored, the next check tries again.
        """
        is_full = self._checks % FULL_EVERY == 0
        self._checks += 1
        stamp = self._files.stamp()
        if stamp == self._stamp and not is_full:
            return None
        try:
            found = self._files.read()
        except SettingsError as error:
            # No start would accept it, so it can never come into force as it is.
            logger.warning("the configuration on the disk would be refused at a start: %s", error.setting)
            self._stamp = stamp
            return None
        if found.digest != self._seen.digest and not self._tell(found):
            return None
        is_new, self._seen, self._stamp = found.digest != self._seen.digest, found, stamp
        return found if is_new else None

    def _tell(self, found: Snapshot) -> bool:
        changes = list_changes(find_differences(self._seen.content, found.content))
        record = config_record(
            self._running,
            format_time(self._clock()),
            "on_disk",
            found.digest,
            self._seen.digest,
            changes,
            None,
        )
        try:
            keep_snapshot(self._store, found)
            self._commit(record)
        except (StoreError, AuditUnavailable) as error:
            logger.error("a changed configuration on the disk could not be recorded yet: %s", error.code)
            return False
        logger.warning("the configuration on the disk is another than before; it is not in force")
        return True

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            try:
                self.check()
            except Exception as error:  # noqa: BLE001 - a defect here must not end the watch unseen
                logger.critical("a check of the configuration failed: %s", type(error).__name__)
