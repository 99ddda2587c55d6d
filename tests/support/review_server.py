"""The doors of reviews over HTTP, around a bench; and a Microsoft Graph that knows DELETE alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from functions.rendering import render_answer
from shared.usecases.calls import Call
from shared.usecases.reviews.operations import DECIDE, REVIEW, REVIEWS
from tests.support.services import Bench


@contextlib.contextmanager
def serving_reviews(bench: Bench) -> Iterator[str]:
    """The address of a server that answers as the function app does, through the audited path."""
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = self.path.strip("/").split("/")
            operation = (REVIEWS, REVIEW, DECIDE)[len(parts) - 2]
            call = Call(
                request_id=f"H{time.monotonic_ns()}",
                received=bench.now,
                started_ns=0,
                headers={name.lower(): value for name, value in self.headers.items()},
                query={},
                params={"id": parts[2]} if len(parts) > 2 else {},
                body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
                address="192.0.2.7",
            )
            with lock:
                rendered = render_answer(asyncio.run(bench.path.answer(call, operation)))
            self.send_response(rendered.status_code)
            for name, value in rendered.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(rendered.get_body())))
            self.end_headers()
            self.wfile.write(rendered.get_body())

        def log_message(self, format: str, *args: object) -> None:
            return None

    with _running(Handler) as address:
        yield address


@dataclass(slots=True)
class DeletingGraph:
    """What was asked to be deleted, with which token, and what is answered: a status by the path's end."""

    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)


@contextlib.contextmanager
def serving_graph() -> Iterator[DeletingGraph]:
    """A server that takes deletions: 204, or what it was told to answer, one after the other."""
    graph = DeletingGraph()

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            graph.asked.append((self.path, self.headers.get("Authorization", "")))
            told = next((each for end, each in graph.answers.items() if self.path.endswith(end)), [204])
            status = told.pop(0) if len(told) > 1 else told[0]
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "7")
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return None

    with _running(Handler) as address:
        graph.address = address
        yield graph


@contextlib.contextmanager
def _running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_json(text: str) -> dict[str, object]:
    """A command's JSON output."""
    value = json.loads(text)
    assert isinstance(value, dict)
    return value
