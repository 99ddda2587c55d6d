"""Requests to Microsoft Graph: bounded in time and size, throttled politely, and never to another host.

Microsoft's SDK is generated for all of Graph, thousands of modules. A dozen questions are asked here, under
tight bounds: those are easier to see in these few lines.

The bearer token opens the whole directory. So it is sent to one origin alone: redirects are not followed, and
a link to a next page is taken only where it points to the same origin and version.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import certifi
import urllib3

from shared.cloud.graph.tokens import GraphTokens
from shared.cloud.graph.waiting import GraphLimits, Patience, backoff_s, parse_retry_after
from shared.errors import DirectoryMissing, DirectoryRefused, DirectoryUnavailable, SettingsError

SETTING = "GRAPH_URL"
VERSION = "/v1.0"
CHUNK_BYTES = 64 * 1024

TRANSIENT = {0, 408, 500, 502, 503, 504}
"""Worth another attempt. 0 stands for no answer at all."""

_CODE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,79}")
_LINK = re.compile(r"[!-~]{1,8000}")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class GraphAnswer:
    """Status, headers in lower case, and the body (empty where `status` is 0: `note` says why)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is not ours to know: clocks, sleep, chance. Tests put their own here."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    jitter: Callable[[], float] = random.SystemRandom().random


class GraphRequests:
    """Asks one directory, for one reading. Thread-safe."""

    def __init__(
        self, url: str, tokens: GraphTokens, limits: GraphLimits, around: Surroundings | None = None
    ) -> None:
        """`url` is an origin (https://graph.microsoft.com). Touches no network. Raises SettingsError."""
        self.limits = limits
        self._origin = check_graph_url(url)
        self._tokens = tokens
        self._around = around or Surroundings()
        self.patience = Patience(limits.total_s, self._around.clock, self._around.sleep)
        tls = {"ca_certs": certifi.where()} if self._origin.startswith("https://") else {}
        self._pool = urllib3.connection_from_url(
            self._origin,
            maxsize=limits.threads,
            retries=False,
            timeout=urllib3.Timeout(connect=limits.connect_s, read=limits.read_s),
            **tls,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at a path below the version, query included.

        Raises DirectoryRefused (403), DirectoryMissing (404), DirectoryUnavailable (all else).
        """
        return self._ask("GET", path, None)

    def post(self, path: str, value: object) -> dict[str, Any]:
        """The answer to a question that is asked by POST and changes nothing ($batch). Raises as `get`."""
        return self._ask("POST", path, json.dumps(value).encode())

    def path_of(self, link: object) -> str:
        """The path of a next page's link. Raises DirectoryUnavailable for one that leads elsewhere."""
        if not isinstance(link, str) or not _LINK.fullmatch(link):
            raise DirectoryUnavailable("expected the link to a next page to be an address")
        path = link.removeprefix(self._origin + VERSION)
        if path == link or not path.startswith("/"):
            raise DirectoryUnavailable("the link to a next page leads to another host, and is not followed")
        return path

    def wait_for(self, answer_headers: Mapping[str, str], attempt: int) -> None:
        """Stop asking as an answer wants it, or for a growing time. Raises DirectoryUnavailable."""
        jitter = self._around.jitter()
        wanted = parse_retry_after(answer_headers.get("retry-after"), self._around.now())
        least = backoff_s(attempt, jitter) if wanted is None or attempt > 1 else 0.0
        self.patience.pause(max(least, (wanted or 0.0) + (jitter if wanted else 0.0)))

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        token, renewed, throttled, failed = self._tokens.current(), False, 0, 0
        while True:
            self.patience.check_in()
            answer = self._send(method, path, body, token)
            if answer.status == 401 and not renewed:
                token, renewed = self._tokens.renew(token), True
            elif is_throttled(answer.status, answer.headers):
                throttled += 1
                self.wait_for(answer.headers, throttled)
            elif answer.status in TRANSIENT and failed + 1 < self.limits.attempts:
                failed += 1
                self.wait_for(answer.headers, failed)
            else:
                return read_answer(answer)

    def _send(self, method: str, path: str, body: bytes | None, token: str) -> GraphAnswer:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = self._pool.urlopen(
                method,
                VERSION + path,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            with response:
                data = self._read(response)
        except urllib3.exceptions.HTTPError as error:
            return GraphAnswer(0, {}, b"", type(error).__name__)
        return GraphAnswer(response.status, {k.lower(): v for k, v in response.headers.items()}, data)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """The body. Raises DirectoryUnavailable where it is too long or drips in too slowly."""
        ends_at, data = self._around.clock() + self.limits.answer_s, bytearray()
        while chunk := response.read1(CHUNK_BYTES):
            data += chunk
            if len(data) > self.limits.page_bytes:
                response.close()
                raise DirectoryUnavailable(f"an answer has more than {self.limits.page_bytes:,} bytes")
            if self._around.clock() > ends_at:
                response.close()
                raise DirectoryUnavailable(f"an answer took longer than {self.limits.answer_s:.0f} s")
        return bytes(data)


def check_graph_url(url: str) -> str:
    """The origin, without a last slash. HTTPS, or HTTP to this machine. Raises SettingsError."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    is_origin = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not (is_safe and is_origin and parts.hostname):
        raise SettingsError(SETTING, "expected https:// and a host (http:// to this machine only)")
    return f"{parts.scheme}://{parts.netloc}".lower()


def is_throttled(status: int, headers: Mapping[str, str]) -> bool:
    """429 always, 503 where it says when to come back."""
    return status == 429 or (status == 503 and "retry-after" in headers)


def read_answer(answer: GraphAnswer) -> dict[str, Any]:
    """The JSON object of a 200 answer; what an error says is never quoted, only its code. Raises as `get`."""
    if answer.status == 200:
        if not answer.headers.get("content-type", "").lower().startswith("application/json"):
            raise DirectoryUnavailable("expected an answer of type application/json, got another type")
        return read_object(answer.body)
    if answer.status == 0:
        raise DirectoryUnavailable(f"no answer ({answer.note})")
    try:
        code = error_code(read_object(answer.body))
    except DirectoryUnavailable:
        code = ""
    raise error_of(answer.status, code)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises DirectoryUnavailable."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise DirectoryUnavailable("expected JSON, got an answer that is not") from None
    if not isinstance(value, dict):
        raise DirectoryUnavailable("expected a JSON object, got another JSON value")
    return value


def error_code(value: Mapping[str, Any]) -> str:
    """`error.code` of Graph's error answers, "" where it is no plain word."""
    error = value.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def error_of(status: int, code: str) -> DirectoryUnavailable:
    """The error of a status that is not 200. A redirect is one: the token goes nowhere else."""
    said = f"{status} {code}".strip()
    if status == 401:
        return DirectoryUnavailable(f"the directory does not take the service's token ({said})")
    if status == 403:
        return DirectoryRefused(f"the directory refused ({said})")
    if status == 404:
        return DirectoryMissing(f"the directory does not know it ({said})")
    return DirectoryUnavailable(f"the directory answered {said}")
