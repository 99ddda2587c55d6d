"""A local Log Analytics workspace in this process, for tests."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from devstack.loganalytics.database import Database
from devstack.loganalytics.server import Workspace


@contextlib.contextmanager
def open_workspace() -> Iterator[Workspace]:
    """A workspace in memory on a free loopback port."""
    workspace = Workspace(Database())
    thread = threading.Thread(target=workspace.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield workspace
    finally:
        workspace.set_mode("closed")
        workspace.shutdown()
        thread.join()
        workspace.server_close()
        workspace.database.close()
