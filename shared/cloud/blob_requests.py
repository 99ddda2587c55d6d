"""The two requests to storage that calls wait for: append a block, and read it back.

Azure's SDK spends 0.8 ms of processor time on an append, in some forty small steps; while engine threads keep
Python busy, each step waits for its turn. This is the same request in a fifth of that: one kept connection,
no retries, and an answer in three values. Everything else goes through the SDK (`blobs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from shared.cloud.connections import Connections, NotHttp
from shared.cloud.storage_auth import Authorization
from shared.errors import StoreUnavailable

API_VERSION = "2023-11-03"


@dataclass(frozen=True, slots=True)
class StorageTimeouts:
    """Seconds for a connection to be made, and for an answer to begin or go on.

    Together below the commit's deadline, so that a stalled attempt leaves time for another.
    """

    connect_s: float = 1.5
    read_s: float = 3.0


@dataclass(frozen=True, slots=True)
class StorageAnswer:
    """Status, storage's own error code (empty where there is none) and body."""

    status: int
    code: str
    body: bytes


class BlobRequests:
    """Requests to the blobs of one container. Thread-safe."""

    def __init__(
        self,
        container_url: str,
        authorization: Authorization,
        timeouts: StorageTimeouts,
        ca_file: str | None = None,
    ) -> None:
        """`ca_file` holds further certificate authorities; none but the usual ones where it is None."""
        parts = urlsplit(container_url)
        self._host = parts.netloc
        self._base = parts.path.rstrip("/")
        self._authorization = authorization
        self._connections = Connections(parts, timeouts.connect_s, timeouts.read_s, ca_file)

    def append(self, path: str, data: bytes, at: int) -> StorageAnswer:
        """Append Block on condition of the blob's length; 201 when it is stored. Raises StoreUnavailable."""
        headers = {"x-ms-blob-condition-appendpos": str(at)}
        return self._send("PUT", path, {"comp": "appendblock"}, headers, data)

    def read(self, path: str, start: int, length: int) -> StorageAnswer:
        """Get Blob of a range; 206 (or 200) with the bytes, 416 behind the end. Raises StoreUnavailable."""
        return self._send("GET", path, {}, {"x-ms-range": f"bytes={start}-{start + length - 1}"}, b"")

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], data: bytes
    ) -> StorageAnswer:
        url = f"{self._base}/{quote(path)}"
        sent = {**headers, "x-ms-version": API_VERSION}
        sent |= self._authorization.headers(method, url, query, sent, len(data))
        if method == "PUT":
            sent["Content-Length"] = str(len(data))
        target = f"{url}?{urlencode(query)}" if query else url
        try:
            response = self._connections.exchange(_render(method, target, self._host, sent) + data)
        except (OSError, NotHttp) as error:
            raise StoreUnavailable(
                f"{method} {path}: no answer from storage ({type(error).__name__})"
            ) from error
        if response.status in (401, 403):
            self._authorization.forget()
        return StorageAnswer(response.status, response.headers.get("x-ms-error-code", ""), response.body)


def _render(method: str, target: str, host: str, headers: Mapping[str, str]) -> bytes:
    """The head of a request. Raises ValueError for a header that would become two."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines)
    if not head.count("\n") == head.count("\r") == len(lines) - 1:
        raise ValueError("a header holds the end of a line")
    return f"{head}\r\n\r\n".encode("ascii")
