"""The workspace's HTTP face on the loopback address.

POST /v2.1/track, /v2/track     envelopes, gzip or not: what Azure's ingestion endpoint takes
POST /query                     {"query", "now"?, "since"?, "until"?} -> {"columns", "rows"}
POST /rows/<table>              a list of rows: for seeding, and for tables that only Azure fills
POST /mode                      {"mode": "ok" | "402" | "429" | "439" | "500" | "hang" | "closed"}
GET  /health
"""

from __future__ import annotations

import gzip
import json
import logging
import threading
import zlib
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from devstack.loganalytics.database import Database, QueryFailed, Span
from devstack.loganalytics.envelopes import BadEnvelope, Row, file_envelope, parse_body

logger = logging.getLogger("devstack.loganalytics")

MODES = ("ok", "402", "429", "439", "500", "hang", "closed")
"""How ingestion answers. 402 and 439 are quotas (the exporter drops the data), 429 and 500 are retried."""

MAX_BODY_BYTES = 64 * 1024 * 1024
TRACK_PATHS = ("/v2.1/track", "/v2/track")
READ_TIMEOUT_S = 60


class Workspace(ThreadingHTTPServer):
    """Serves one database until `shutdown`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, database: Database, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.database = database
        self.mode = "ok"
        self.refused_events = 0
        """Custom events in requests that were not answered well, those that hang included."""
        self.released = threading.Event()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>/`."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    @property
    def connection_string(self) -> str:
        """What APPLICATIONINSIGHTS_CONNECTION_STRING must be to send here."""
        return f"InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint={self.url}"

    def set_mode(self, mode: str) -> None:
        """Choose how ingestion answers from now on; requests that hang are let go when it changes."""
        if mode not in MODES:
            raise ValueError(f"expected one of {', '.join(MODES)}")
        self.released.set()
        self.mode = mode
        if mode == "hang":
            self.released = threading.Event()

    def file(self, body: bytes) -> dict[str, Any]:
        """File the envelopes of a body; the answer of Azure's endpoint."""
        envelopes = parse_body(body)
        rows: dict[str, list[Row]] = {}
        errors = []
        for index, envelope in enumerate(envelopes):
            try:
                table, row = file_envelope(envelope)
            except BadEnvelope as error:
                errors.append({"index": index, "statusCode": 400, "message": str(error)})
            else:
                rows.setdefault(table, []).append(row)
        for table, batch in rows.items():
            self.database.insert(table, batch)
        received = len(envelopes)
        return {"itemsReceived": received, "itemsAccepted": received - len(errors), "errors": errors}


class _Handler(BaseHTTPRequestHandler):
    server: Workspace
    protocol_version = "HTTP/1.1"
    timeout = READ_TIMEOUT_S
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, {"status": "ok", "mode": self.server.mode})
        else:
            self._answer(404, {"error": "no such path"})

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        try:
            self._route(body)
        except (ValueError, KeyError, TypeError, zlib.error, EOFError, gzip.BadGzipFile) as error:
            self._answer(400, {"error": f"{type(error).__name__}: {error}"})

    def _route(self, body: bytes) -> None:
        if self.path in TRACK_PATHS:
            self._track(body)
        elif self.path == "/query":
            self._query(json.loads(body))
        elif self.path == "/mode":
            self.server.set_mode(json.loads(body)["mode"])
            self._answer(200, {"mode": self.server.mode})
        elif self.path.startswith("/rows/"):
            count = self.server.database.insert(self.path.removeprefix("/rows/"), json.loads(body))
            self._answer(200, {"inserted": count})
        else:
            self._answer(404, {"error": "no such path"})

    def _track(self, body: bytes) -> None:
        if self.headers.get("Content-Encoding", "") == "gzip":
            body = gzip.decompress(body)
        mode = self.server.mode
        if mode != "ok":
            self.server.refused_events += body.count(b'"EventData"')
        if mode == "hang":
            self.server.released.wait()
            mode = "closed"
        if mode == "closed":
            self.close_connection = True
            return
        if mode != "ok":
            self._answer(int(mode), {"itemsReceived": 0, "itemsAccepted": 0, "errors": []})
            return
        filed = self.server.file(body)
        self._answer(206 if filed["errors"] else 200, filed)

    def _query(self, asked: dict[str, Any]) -> None:
        now = _moment(asked.get("now"))
        since, until = _moment(asked.get("since")), _moment(asked.get("until"))
        try:
            result = self.server.database.query(
                asked["query"], now=now, span=Span(since, until) if since and until else None
            )
        except QueryFailed as error:
            self._answer(422, {"error": str(error)})
            return
        self._answer(200, {"columns": result.columns, "rows": result.rows})

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._answer(413, {"error": f"expected a Content-Length of at most {MAX_BODY_BYTES}"})
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
