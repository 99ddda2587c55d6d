"""HTTP to invocations and back, as an ASGI application: what Azure's front end and host do with a request."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from devstack.host.balance import Load
from devstack.host.invoker import Invoker, Result
from devstack.host.protos import RpcHttp, RpcHttpCookie, TypedData
from devstack.host.routes import Router

MAX_BODY_BYTES = 104_857_600
"""Azure's limit of a request's body: 100 MB."""

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type Headers = list[tuple[bytes, bytes]]

_CLOSE = (b"connection", b"close")

logger = logging.getLogger("devstack.host")


class BodyTooLarge(Exception):
    """More than MAX_BODY_BYTES were announced or came."""


class Disconnected(Exception):
    """The client went away before its request was complete."""


class Front:
    """The ASGI application of one worker."""

    def __init__(self, invoker: Invoker, router: Router, load: Load) -> None:
        self._invoker, self._router, self._load = invoker, router, load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. What the client does meanwhile does not cancel the invocation."""
        if scope["type"] != "http":
            return
        self._load.begin()
        try:
            status, headers, body = await self._answer(scope, receive)
        except BodyTooLarge:
            status, headers, body = 413, [_CLOSE], b""
        except Disconnected:
            return
        finally:
            moves_on = self._load.is_uneven()
            self._load.finish()
        if moves_on:
            headers.append(_CLOSE)
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes]:
        raw_path: str = scope["raw_path"].decode("latin-1")
        found = self._router.find(scope["method"], raw_path)
        if found is None:
            return 404, [], b""
        function, parameters = found
        headers = merge_headers(scope["headers"], scope["client"])
        body = await read_body(headers, receive)
        query_text = scope["query_string"].decode("latin-1")
        result = await self._invoker.call_http(
            function,
            method=scope["method"],
            url=f"http://{headers.get('host', '')}{raw_path}{'?' + query_text if query_text else ''}",
            headers=headers,
            query=merge_query(query_text) if query_text else {},
            parameters=parameters,
            body=body,
        )
        return render_result(result)


def merge_headers(pairs: Headers, client: tuple[str, int] | None) -> dict[str, str]:
    """One value a header: repeated ones joined by commas, and the peer appended to X-Forwarded-For.

    Azure's front end appends `address:port`; what a client wrote there itself stands before it.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    if client is not None:
        peer = f"{client[0]}:{client[1]}"
        before = headers.get("x-forwarded-for")
        headers["x-forwarded-for"] = f"{before}, {peer}" if before else peer
    return headers


def merge_query(text: str) -> dict[str, str]:
    """One value a name: repeated ones joined by commas; empty ones are left out, as the host does."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(text):
        query[name] = f"{query[name]},{value}" if name in query else value
    return query


async def read_body(headers: dict[str, str], receive: Receive) -> bytes:
    """The whole body. Raises BodyTooLarge (before reading, where the length was announced) and Disconnected.

    A chunked body is read too: Azure's host ignores one that has no Content-Length.
    """
    if int(headers.get("content-length", "0")) > MAX_BODY_BYTES:
        raise BodyTooLarge
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        if piece := message.get("body", b""):
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise BodyTooLarge
            pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def render_result(result: Result) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an invocation's result. A failed one is a 500 that says nothing."""
    if result.failure is not None:
        return 500, [], b""
    value = result.value
    if isinstance(value, TypedData) and value.kind == "http":
        http: RpcHttp = value.value
        headers = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in http.headers.items()]
        headers += [(b"set-cookie", render_cookie(cookie)) for cookie in http.cookies or ()]
        body = http.body.value if http.body is not None else b""
        return int(http.status_code), headers, body.encode() if isinstance(body, str) else body
    if isinstance(value, TypedData):
        body = value.value if isinstance(value.value, bytes) else str(value.value).encode()
        return 200, [(b"content-type", b"text/plain; charset=utf-8")], body
    return 204, [], b""


def render_cookie(cookie: RpcHttpCookie) -> bytes:
    """A Set-Cookie header's value."""

    def text_of(field: Any) -> Any:
        return field.value if field is not None else None

    parts = [f"{cookie.name}={cookie.value}"]
    for attribute in ("domain", "path"):
        if value := text_of(getattr(cookie, attribute)):
            parts.append(f"{attribute}={value}")
    if (age := text_of(cookie.max_age)) is not None:
        parts.append(f"max-age={int(age)}")
    if (expires := text_of(cookie.expires)) is not None:
        parts.append(f"expires={formatdate(expires.seconds, usegmt=True)}")
    parts += ["secure"] if text_of(cookie.secure) else []
    parts += ["httponly"] if text_of(cookie.http_only) else []
    same_site = {1: "lax", 2: "strict", 3: "none"}.get(cookie.same_site)
    parts += [f"samesite={same_site}"] if same_site else []
    return "; ".join(parts).encode("latin-1")
