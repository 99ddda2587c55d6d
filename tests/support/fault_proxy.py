"""A proxy with faults between the service and its storage.

It speaks HTTP/1.1 as far as it must to tell requests apart: one request is read whole, forwarded on a
connection of its own, answered, counted. The fault of the moment decides what happens; it can be changed
at any time and holds for requests that come afterwards (and for the accepting of connections).

    pass      forward and answer
    refuse    the port is closed: connections are refused, those that stand are cut
    stall     accept and read, never forward, never answer
    slow      forward after a delay
    status    answer with an error of storage's, without forwarding
    drop      forward, then cut the connection instead of answering: the effect is there, the answer is lost
    cut       forward, answer with half of the body (of the status line where there is none), then cut
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from devstack.ports import find_free_port

Kind = Literal["pass", "refuse", "stall", "slow", "status", "drop", "cut"]

_ERRORS = {
    403: ("AuthenticationFailed", "Server failed to authenticate the request."),
    404: ("BlobNotFound", "The specified blob does not exist."),
    409: ("BlobAlreadyExists", "The specified blob already exists."),
    412: ("AppendPositionConditionNotMet", "The append position condition specified was not met."),
    429: ("TooManyRequests", "Too many requests."),
    500: ("InternalError", "Server encountered an internal error. Please try again after some time."),
    503: ("ServerBusy", "The server is currently unable to receive requests."),
}
_HEAD_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to requests. `methods` limits it to some (empty: all), `times` to so many (None: all)."""

    kind: Kind = "pass"
    status: int = 503
    delay_ms: int = 0
    methods: frozenset[str] = frozenset()
    times: int | None = None


PASS = Fault()


@dataclass(frozen=True, slots=True)
class _Message:
    """A request or answer: its head (with the empty line) and its body, both as bytes."""

    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")


class FaultProxy:
    """Runs in a thread of its own, on `port`, in front of `upstream`. A context manager."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.port = 0
        self.counts: Counter[str] = Counter()
        """Requests by method, as they came; and `forwarded`, `faulted`."""
        self._fault, self._left = PASS, 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        self.port = find_free_port()
        self._run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._run(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set(self, kind: Kind, **options: Any) -> None:
        """Change the fault. Options are those of `Fault`; `methods` may be any collection of names."""
        methods = frozenset(options.pop("methods", ()))
        self._run(self._change(Fault(kind, methods=methods, **options)))

    def clear(self) -> None:
        """Forward everything again. Requests that stall are cut."""
        self._run(self._change(PASS))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _change(self, fault: Fault) -> None:
        was = self._fault
        self._fault, self._left = fault, fault.times if fault.times is not None else -1
        if fault.kind == "refuse" or was.kind == "stall":
            self._cut_all()
        if fault.kind == "refuse":
            await self._close()
        else:
            await self._open()

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=_HEAD_LIMIT)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._cut_all()

    async def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _cut_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _take_fault(self, method: str) -> Fault:
        fault = self._fault
        if fault.kind == "pass" or (fault.methods and method not in fault.methods) or self._left == 0:
            return PASS
        self._left -= 1
        self.counts["faulted"] += 1
        return fault

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._answer_one(reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort() if self._fault.kind == "refuse" else writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; True where the connection may carry another one."""
        request = await _read_message(reader)
        self.counts[request.method] += 1
        fault = self._take_fault(request.method)
        if fault.kind == "stall":
            await asyncio.Event().wait()
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay_ms / 1000)
        if fault.kind == "status":
            return await _send(writer, _error_answer(fault.status, request.method))
        answer = await self._forward(request)
        if fault.kind == "drop":
            writer.transport.abort()
            return False
        if fault.kind == "cut":
            # half a head could pass for a whole one: clients take its end for the end of the headers
            await _send(
                writer, answer.head + answer.body[: len(answer.body) // 2] if answer.body else b"HTTP/1."
            )
            return False
        return await _send(writer, answer.head + answer.body)

    async def _forward(self, request: _Message) -> _Message:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream, limit=_HEAD_LIMIT)
        try:
            writer.write(request.head + request.body)
            await writer.drain()
            answer = await _read_message(reader, has_body=request.method != "HEAD")
        finally:
            writer.transport.abort()
        self.counts["forwarded"] += 1
        return answer


async def _read_message(reader: asyncio.StreamReader, *, has_body: bool = True) -> _Message:
    head = await reader.readuntil(b"\r\n\r\n")
    headers: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n")[1:-2]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    if not has_body:
        return _Message(head, b"")
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return _Message(head, await _read_chunks(reader))
    return _Message(head, await reader.readexactly(int(headers.get(b"content-length", b"0"))))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """A chunked body as it is on the wire."""
    raw = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        raw += line + await reader.readexactly(size + 2)
        if size == 0:
            return raw


def _error_answer(status: int, method: str) -> bytes:
    """An error as Azure Storage sends it (REST API, "Status and error codes")."""
    code, message = _ERRORS.get(status, ("InternalError", "Injected."))
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f'<?xml version="1.0" encoding="utf-8"?>{error}'
    head = (
        f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        f"x-ms-error-code: {code}\r\nx-ms-request-id: 00000000-0000-0000-0000-000000000000\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else body.encode())


async def _send(writer: asyncio.StreamWriter, data: bytes) -> bool:
    writer.write(data)
    await writer.drain()
    return True
