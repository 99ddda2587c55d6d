"""One reading of a made-up directory, with a clock that only moves when somebody waits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.cloud.graph.app import ReviewedApp
from shared.cloud.graph.reader import GraphDirectory
from shared.cloud.graph.requests import GraphRequests, Surroundings
from shared.cloud.graph.tokens import IdentityTokens
from shared.cloud.graph.waiting import GraphLimits
from shared.review.directory import Directory
from tests.support.graph_server import GraphServer, StaticCredential
from tests.support.graph_tenants import NOW, REVIEWED


@dataclass
class Waiting:
    """A clock and a sleep. `waits` are the seconds that were slept, in order."""

    passed_s: float = 0.0
    waits: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def clock(self) -> float:
        """Monotonic seconds."""
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        with self._lock:
            self.waits.append(seconds)
            self.passed_s += seconds

    def now(self) -> datetime:
        """The same, as a date."""
        return NOW + timedelta(seconds=self.passed_s)

    def around(self, jitter: float = 0.0) -> Surroundings:
        """For the requests of a reading."""
        return Surroundings(self.clock, self.sleep, self.now, lambda: jitter)


def open_requests(
    server: GraphServer, waiting: Waiting | None = None, *, jitter: float = 0.0, **limits: Any
) -> GraphRequests:
    """Requests to the server, with limits other than the usual ones."""
    waiting = waiting or Waiting()
    tokens = IdentityTokens(StaticCredential, f"{server.url}/.default")
    return GraphRequests(server.url, tokens, replace(GraphLimits(), **limits), waiting.around(jitter))


def read_directory(
    server: GraphServer,
    waiting: Waiting | None = None,
    *,
    app: ReviewedApp = REVIEWED,
    names: bool = False,
    **limits: Any,
) -> Directory:
    """What a reading says."""
    return GraphDirectory(app, lambda: open_requests(server, waiting, **limits)).read(NOW, names)
