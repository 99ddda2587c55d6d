"""Deletions at Microsoft Graph, with the person's own credential. The token goes to one origin alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import certifi
import urllib3
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError

from auditor.errors import AuditorError
from shared.cloud.graph.requests import check_graph_url

TIMEOUT_S = 30.0
ATTEMPTS = 4
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Deleted:
    """How a deletion ended: done now, gone before, or refused with a status."""

    status: int

    @property
    def is_done(self) -> bool:
        """True where the thing is not there any more."""
        return self.status in (204, 404)


class GraphDeletions:
    """DELETE, and nothing else."""

    def __init__(
        self, url: str, credential: TokenCredential, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        """`url` is an origin, as GRAPH_URL is. Raises SettingsError."""
        self._origin = check_graph_url(url)
        self._credential = credential
        self._sleep = sleep
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S, ca_certs=certifi.where())

    def delete(self, path: str) -> Deleted:
        """Delete what lies at a path below the version. Raises AuditorError where Graph gives no answer."""
        for attempt in range(1, ATTEMPTS + 1):
            status, wait_s = self._send(path)
            if status not in (0, 429, 500, 502, 503, 504):
                return Deleted(status)
            if attempt < ATTEMPTS:
                self._sleep(min(LONGEST_WAIT_S, wait_s or 2.0**attempt))
        raise AuditorError("Microsoft Graph does not answer; nothing more was tried")

    def _send(self, path: str) -> tuple[int, float]:
        try:
            token = self._credential.get_token(f"{self._origin}/.default").token
        except AzureError as error:
            raise AuditorError(f"no token for Microsoft Graph ({type(error).__name__}): az login") from None
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = self._pool.request(
                "DELETE", f"{self._origin}/v1.0{path}", headers=headers, redirect=False
            )
        except urllib3.exceptions.HTTPError:
            return 0, 0.0
        wait = answer.headers.get("Retry-After", "")
        return answer.status, float(wait) if wait.isascii() and wait.isdigit() else 0.0
