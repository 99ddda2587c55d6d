"""HTTP/1.1 over kept connections, in as few steps as possible: one send, and mostly one receive.

For requests that calls wait for. Each time that a thread gives up Python's lock in order to send or receive,
it may wait for busy engine threads to get it back, and each object made of a header takes time; a general
client does a good deal of both. Nothing here repeats a request, follows a redirect or guesses: an answer that
is not plain HTTP/1.1 is no answer, and its connection is closed.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult

import certifi

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024

SURE_FOR_S = 0.5
"""A connection used so recently is not asked whether the other side has closed it."""

_RECEIVE_BYTES = 64 * 1024
_KEPT = 2
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")

# A load balancer forgets an idle connection after four minutes, silently: the next request would wait for an
# answer that cannot come. Probes keep it alive, or end it.
_SOCKET_OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


class NotHttp(Exception):
    """What came is not an HTTP/1.1 answer, or not all of one."""


@dataclass(frozen=True, slots=True)
class Response:
    """Header names in lower case; of a repeated header the last value."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connections:
    """Connections to one server; at most two are kept while nothing is sent. Thread-safe."""

    def __init__(self, url: SplitResult, connect_s: float, read_s: float, ca_file: str | None) -> None:
        """Of `url` scheme, host and port count. `ca_file` replaces the usual certificate authorities."""
        self._host = url.hostname or ""
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._connect_s = connect_s
        self._read_s = read_s
        self._tls: ssl.SSLContext | None = None
        if url.scheme == "https":
            self._tls = ssl.create_default_context(cafile=ca_file or certifi.where())
        self._idle: deque[tuple[socket.socket, float]] = deque()
        self.opened = 0
        """Connections made so far."""

    def exchange(self, request: bytes) -> Response:
        """Send one request (not HEAD) and receive its whole answer. Raises OSError and NotHttp.

        After either nobody knows what the server did. `read_s` bounds each wait for more, not their sum.
        """
        connection = self._take()
        try:
            connection.sendall(request)
            response, is_open = _Reader(connection).response()
        except BlockingIOError as error:
            connection.close()
            raise TimeoutError("the other side takes too long") from error
        except BaseException:
            connection.close()
            raise
        if is_open and len(self._idle) < _KEPT:
            self._idle.append((connection, time.monotonic()))
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop()[0].close()

    def _take(self) -> socket.socket:
        with contextlib.suppress(IndexError):  # another thread may take the last one
            while self._idle:
                connection, used_at = self._idle.pop()
                if time.monotonic() - used_at < SURE_FOR_S or not _is_readable(connection):
                    return connection
                connection.close()
        return self._connect()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection((self._host, self._port), timeout=self._connect_s)
        try:
            for option in _SOCKET_OPTIONS:
                connection.setsockopt(*option)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_hostname=self._host)
                connection.settimeout(self._read_s)
            else:
                # The system's own time-outs: Python would ask the system twice for each send and receive.
                # TLS knows nothing of them and would wait on.
                connection.settimeout(None)
                patience = struct.pack("ll", int(self._read_s), int(self._read_s % 1 * 1_000_000))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        except BaseException:
            connection.close()
            raise
        self.opened += 1
        return connection


def _is_readable(connection: socket.socket) -> bool:
    """True where the other side has closed an idle connection, or sent what nobody asked for."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(0))


class _Reader:
    """Reads one answer from a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = b""

    def response(self) -> tuple[Response, bool]:
        """The answer, and whether the connection can serve another request."""
        while True:
            version, status, headers = self._head()
            if status >= 200:
                break
        body, is_framed = self._body(status, headers)
        options = headers.get("connection", "").lower()
        is_open = is_framed and version == 1 and "close" not in options and not self._data
        return Response(status, headers, body), is_open

    def _head(self) -> tuple[int, int, dict[str, str]]:
        end = self._data.find(b"\r\n\r\n")
        while end < 0:
            if len(self._data) > MAX_HEAD_BYTES:
                raise NotHttp("the head of an answer is too long")
            self._receive()
            end = self._data.find(b"\r\n\r\n")
        first, *lines = self._data[:end].split(b"\r\n")
        self._data = self._data[end + 4 :]
        status_line = _STATUS_LINE.fullmatch(first)
        if status_line is None:
            raise NotHttp("expected the status line of HTTP/1.1")
        headers: dict[str, str] = {}
        for line in lines:
            header = _HEADER.fullmatch(line)
            if header is None:
                raise NotHttp("expected a header")
            name, value = header[1].decode("ascii").lower(), header[2].decode("latin-1").rstrip(" \t")
            if name == "content-length" and headers.get(name, value) != value:
                raise NotHttp("two lengths for one body")
            headers[name] = value
        return int(status_line[1]), int(status_line[2]), headers

    def _body(self, status: int, headers: Mapping[str, str]) -> tuple[bytes, bool]:
        """The body, and whether its end was told otherwise than by the end of the connection."""
        if status in (204, 304):
            return b"", True
        coding = headers.get("transfer-encoding")
        if coding is not None:
            if coding.lower() != "chunked":
                raise NotHttp("a transfer coding that is not known")
            return self._chunks(), True
        length = headers.get("content-length")
        if length is None:
            return self._rest(), False
        if not (length.isascii() and length.isdigit()) or int(length[:20]) > MAX_BODY_BYTES:
            raise NotHttp("a length that is none, or too large")
        return self._exactly(int(length)), True

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while True:
            size_line = _CHUNK_SIZE.fullmatch(self._line())
            if size_line is None:
                raise NotHttp("expected the size of a chunk")
            size = int(size_line[1], 16)
            if size == 0:
                break
            total += size
            if total > MAX_BODY_BYTES:
                raise NotHttp("a body that is too large")
            parts.append(self._exactly(size))
            if self._exactly(2) != b"\r\n":
                raise NotHttp("expected the end of a chunk")
        while self._line():
            pass  # trailers
        return b"".join(parts)

    def _line(self) -> bytes:
        while (end := self._data.find(b"\r\n")) < 0:
            if len(self._data) > MAX_HEAD_BYTES:
                raise NotHttp("a line that is too long")
            self._receive()
        line, self._data = self._data[:end], self._data[end + 2 :]
        return line

    def _exactly(self, size: int) -> bytes:
        if len(self._data) < size:
            parts, have = [self._data], len(self._data)
            while have < size:
                part = self._connection.recv(min(size - have, 16 * _RECEIVE_BYTES))
                if not part:
                    raise NotHttp("the connection ended within an answer")
                parts.append(part)
                have += len(part)
            self._data = b"".join(parts)
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def _rest(self) -> bytes:
        parts, have = [self._data], len(self._data)
        while part := self._connection.recv(_RECEIVE_BYTES):
            parts.append(part)
            have += len(part)
            if have > MAX_BODY_BYTES:
                raise NotHttp("a body that is too large")
        self._data = b""
        return b"".join(parts)

    def _receive(self) -> None:
        part = self._connection.recv(_RECEIVE_BYTES)
        if not part:
            raise NotHttp("the connection ended before an answer")
        self._data += part
