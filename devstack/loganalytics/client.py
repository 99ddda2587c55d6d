"""Asks a running workspace: the one process that holds the DuckDB file."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devstack.loganalytics.database import QueryFailed, Result, Span

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class WorkspaceClient:
    """The same two methods as `Database`, over loopback HTTP. `url` ends in a slash."""

    url: str

    def query(self, kql: str, *, now: datetime | None = None, span: Span | None = None) -> Result:
        """Run a KQL query. Raises QueryFailed, or OSError where no workspace listens."""
        asked: dict[str, Any] = {"query": kql}
        if now:
            asked["now"] = now.isoformat()
        if span:
            asked |= {"since": span.since.isoformat(), "until": span.until.isoformat()}
        found = self._post("query", asked)
        return Result(tuple(found["columns"]), tuple(tuple(row) for row in found["rows"]))

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Add rows by column name; their number."""
        return int(self._post(f"rows/{table}", list(rows))["inserted"])

    def set_mode(self, mode: str) -> None:
        """Choose how ingestion answers."""
        self._post("mode", {"mode": mode})

    def is_up(self) -> bool:
        """True where a workspace answers."""
        try:
            with urllib.request.urlopen(f"{self.url}health", timeout=2) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except OSError:
            return False

    def _post(self, path: str, body: object) -> Any:
        request = urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode())  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - loopback
                return json.load(answer)
        except urllib.error.HTTPError as error:
            detail = json.loads(error.read() or b"{}").get("error", f"HTTP {error.code}")
            raise QueryFailed(detail) from None
