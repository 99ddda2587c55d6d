"""`python -m devstack.loganalytics --port N --folder DIR`: serve a workspace until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from devstack.loganalytics.database import Database
from devstack.loganalytics.server import Workspace


def main() -> int:
    """Serve; 0 when told to stop."""
    parser = argparse.ArgumentParser(prog="python -m devstack.loganalytics", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="port on the loopback address (default: a free one)"
    )
    parser.add_argument("--folder", type=Path, help="where the tables are kept (default: in memory)")
    arguments = parser.parse_args()
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(arguments.folder / "logs.duckdb" if arguments.folder else None)
    workspace = Workspace(database, arguments.port)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=workspace.serve_forever, daemon=True).start()
    address = arguments.folder / "url" if arguments.folder else None
    if address:
        address.write_text(workspace.url, "utf-8")
    sys.stdout.write(f"{workspace.url}\n")
    sys.stdout.flush()
    stop.wait()
    if address:
        address.unlink(missing_ok=True)
    workspace.set_mode("closed")
    workspace.shutdown()
    database.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
