"""Calls of the service's own API, as the person at the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import certifi
import urllib3

from auditor.errors import AuditorError
from auditor.locating import read_state

MAX_ANSWER_BYTES = 64 << 20
TIMEOUT_S = 120.0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class ServiceCalls:
    """The API at one address, with one bearer token. The token is sent nowhere else: no redirects."""

    def __init__(self, url: str, token: str) -> None:
        """Raises AuditorError for an address to which no token may be sent."""
        place = urlsplit(url)
        is_local = place.scheme == "http" and place.hostname in LOOPBACK
        if not (place.scheme == "https" or is_local) or not place.netloc or place.username:
            raise AuditorError("--url: expected https://<host>[/<base path>]")
        self._base = url.rstrip("/")
        self._token = token
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S, ca_certs=certifi.where())

    def get(self, path: str, accept: str = "application/json") -> Any:
        """The answer of a GET: JSON, or the text of another type. Raises AuditorError."""
        body = self._ask("GET", path, None, accept)
        return self._parse(body) if accept == "application/json" else body.decode("utf-8", "replace")

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON answer of a POST. Raises AuditorError with the service's own words."""
        return self._parse(self._ask("POST", path, json.dumps(body).encode(), "application/json"))

    def _ask(self, method: str, path: str, body: bytes | None, accept: str) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._pool.request(
                method,
                f"{self._base}{path}",
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
            )
            data = answer.read(MAX_ANSWER_BYTES + 1)
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise AuditorError(f"the service does not answer ({type(error).__name__})") from None
        if len(data) > MAX_ANSWER_BYTES:
            raise AuditorError(f"the service answers with more than {MAX_ANSWER_BYTES:,} bytes")
        if answer.status != 200:
            raise AuditorError(f"the service answers {answer.status}: {_problem(data)}")
        return bytes(data)

    def _parse(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise AuditorError("the service answers with something that is no JSON") from None


def _problem(data: bytes) -> str:
    try:
        said = json.loads(data)
        return f"{said['error']} ({said['code']})"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "no reason that can be read"


def segment(text: str) -> str:
    """A value as one segment of a path."""
    return quote(text, safe="")


def open_calls(
    url: str | None,
    token_file: Path | None,
    persona: str | None,
    environment: Mapping[str, str] | None = None,
) -> ServiceCalls:
    """The API that the options, AUDIT_URL and AUDIT_TOKEN, or the local cloud name. Raises AuditorError."""
    env = os.environ if environment is None else environment
    state = read_state(env)
    chosen = url or env.get("AUDIT_URL") or state.get("base_url")
    if not chosen:
        raise AuditorError("no service to ask: give --url, set AUDIT_URL, or start the local cloud (make up)")
    return ServiceCalls(str(chosen), _token(token_file, persona, env, state))


def _token(
    token_file: Path | None, persona: str | None, env: Mapping[str, str], state: Mapping[str, Any]
) -> str:
    if token_file is not None:
        try:
            text = token_file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise AuditorError(f"--token-file: cannot read {token_file}") from None
    elif persona is not None:
        personas = state.get("personas")
        known = personas.get(persona) if isinstance(personas, dict) else None
        if not isinstance(known, dict):
            raise AuditorError("--persona: no such persona of a running local cloud")
        text = str(known.get("token"))
    else:
        text = env.get("AUDIT_TOKEN", "").strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise AuditorError("no token: give --token-file, set AUDIT_TOKEN, or (local cloud) --persona")
    return text
