"""Microsoft Graph on the loopback address: real HTTP, the local cloud's answers, and faults at will."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from azure.core.credentials import AccessToken

from devstack.graph.answers import Answer, GraphAnswers
from devstack.graph.tenant import Tenant

ALL_PERMISSIONS = frozenset(
    {"Application.Read.All", "User.Read.All", "GroupMember.Read.All", "AuditLog.Read.All"}
)
TOKEN = "a-token-of-the-directory"
NEXT_TOKEN = "the-token-after-it"


@dataclass(frozen=True, slots=True)
class Wire:
    """Exactly what is sent. `drip_s` waits after each eighth of the body; `cut` closes after half of it."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    drip_s: float = 0.0
    cut: bool = False


type Fault = Callable[[str, int], Wire | Answer | None]
"""Of a path (with query) and how often it was asked before: what is answered instead, None for nothing."""


@dataclass
class GraphServer:
    """A running server. Faults are tried in turn for single requests and for each request of a batch."""

    answers: GraphAnswers
    url: str
    permissions: frozenset[str] = ALL_PERMISSIONS
    good_tokens: set[str] = field(default_factory=lambda: {TOKEN})
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    seen_tokens: set[str] = field(default_factory=set)
    _counts: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, pattern: str, wire: Wire | Answer, *, times: int = 1_000_000) -> None:
        """Answer so wherever the pattern is found in a path, the first `times` times that a path is asked."""

        def fault(path: str, before: int) -> Wire | Answer | None:
            return wire if re.search(pattern, path) and before < times else None

        self.faults.append(fault)

    def count(self, pattern: str) -> int:
        """How many questions (each of a batch counts) had such a path."""
        return sum(bool(re.search(pattern, path)) for path in self.asked)

    def decide(self, path: str) -> Wire | Answer | None:
        """The fault for a question, if any; every question is noted."""
        with self._lock:
            self.asked.append(path)
            before = self._counts.get(path, 0)
            self._counts[path] = before + 1
        return next((found for fault in self.faults if (found := fault(path, before)) is not None), None)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    graph: GraphServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def graph(self) -> GraphServer:
        """The server that this connection belongs to."""
        assert isinstance(self.server, _Http)
        return self.server.graph

    def do_GET(self) -> None:
        if self._is_known():
            path = self.path.removeprefix("/v1.0")
            graph = self.graph
            self._send(graph.decide(path) or graph.answers.answer(path, graph.permissions))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._is_known():
            self._send(self.graph.decide(self.path.removeprefix("/v1.0")) or self._batch(body))

    def _batch(self, body: Any) -> Answer:
        done = self.graph.answers.answer_batch(body, self.graph.permissions)
        urls = {request["id"]: request["url"] for request in body["requests"]}
        for response in done.body.get("responses", []):
            fault = self.graph.decide(urls[response["id"]])
            if isinstance(fault, Answer):
                fault = Wire(fault.status, json.dumps(fault.body).encode())
            if fault is not None:
                response |= {"status": fault.status, "headers": dict(fault.headers)}
                response["body"] = json.loads(fault.body or b"{}")
        return done

    def _is_known(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.graph.seen_tokens.add(token)
        if token in self.graph.good_tokens:
            return True
        self._send(Answer(401, {"error": {"code": "InvalidAuthenticationToken", "message": ""}}))
        return False

    def _send(self, what: Wire | Answer) -> None:
        if isinstance(what, Answer):
            what = Wire(what.status, json.dumps(what.body).encode())
        if what.status == 0:
            self.close_connection = True
            return
        self.send_response(what.status)
        self.send_header("Content-Type", what.content_type)
        self.send_header("Content-Length", str(len(what.body)))
        for name, value in what.headers.items():
            self.send_header(name, value)
        try:
            self.end_headers()
            self._send_body(what)
        except OSError:
            self.close_connection = True  # the client had enough

    def _send_body(self, what: Wire) -> None:
        if what.cut:
            self.wfile.write(what.body[: len(what.body) // 2])
            self.close_connection = True
            return
        size = max(1, len(what.body) // 8) if what.drip_s else max(1, len(what.body))
        for start in range(0, len(what.body), size):
            self.wfile.write(what.body[start : start + size])
            self.wfile.flush()
            time.sleep(what.drip_s)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def graph_server(tenant: Tenant, page: int = 999) -> Iterator[GraphServer]:
    """The server, for the time of a `with` block."""
    http = _Http(("127.0.0.1", 0), _Handler)
    url = f"http://127.0.0.1:{http.server_port}"
    http.graph = GraphServer(GraphAnswers(tenant, url, page), url)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield http.graph
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class StaticCredential:
    """A credential that has one token, and knows what it was asked for."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """The token, for an hour."""
        self.scopes += scopes
        return AccessToken(self.token, int(time.time()) + 3600)
