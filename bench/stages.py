"""`python -m bench profile`: where the time of one of our requests goes.

    client         what the caller waited
    HTTP host      a GET of /health: connection, worker host, functions runtime, nothing behind it
    engine         Presidio, from the record (`outcome.engine_us`)
    path           token, parsing, decision, waiting for a thread: `outcome.total_us` less the engine
    commit, reply  the rest: the record made, committed and answered

Each is the median over the requests; the last is the difference of medians.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from azure.storage.blob import ContainerClient

from bench.load import run_load
from bench.measures import percentile
from bench.scenario import BenchError, Findings, Options, Scenario
from bench.sides import CLOUD_DIR, Side, analyze_body, our_side
from bench.tables import render_table
from bench.texts import SIZES_CHARS, seed_texts
from devstack.state import read_state

_CONCURRENCIES = (1, 4)
_REQUESTS = {230: 200, 4_600: 60, 13_600: 30}
_HEAD = ("p50, ms", "client", "HTTP host", "path", "engine", "commit, reply")


@dataclass(frozen=True, slots=True)
class Stages:
    """Medians in milliseconds."""

    client_ms: float
    host_ms: float
    path_ms: float
    engine_ms: float

    @property
    def rest_ms(self) -> float:
        """What the other stages do not explain: making and committing the record, sending the answer."""
        return round(self.client_ms - self.host_ms - self.path_ms - self.engine_ms, 2)

    def as_dict(self) -> dict[str, float]:
        """As it stands in results.json."""
        return {
            "client_ms": self.client_ms,
            "host_ms": self.host_ms,
            "path_ms": self.path_ms,
            "engine_ms": self.engine_ms,
            "commit_and_reply_ms": self.rest_ms,
        }


def parse_records(segment: bytes) -> Iterator[dict[str, Any]]:
    """The records of a segment; the lines between them are checkpoints, which never begin with a brace."""
    for line in segment.split(b"\n"):
        if line.startswith(b"{"):
            yield json.loads(line)


def _read_segments() -> Iterator[bytes]:
    state = read_state(CLOUD_DIR / "state.json")
    if state is None:
        raise BenchError("the local cloud ended while it was measured")
    storage = state.storage
    with ContainerClient.from_connection_string(storage.connection_string, storage.container) as container:
        for name in list(container.list_blob_names(name_starts_with="v1/w/")):
            yield container.download_blob(name).readall()


def stages_of(records: Sequence[Mapping[str, Any]], client_s: Sequence[float], host_ms: float) -> Stages:
    """Stages of the calls that these `access` records tell of. Raises BenchError for a wrong number."""
    if len(records) != len(client_s):
        raise BenchError(f"expected a record for each of {len(client_s)} calls, found {len(records)}")
    outcomes = [record["outcome"] for record in records]
    return Stages(
        client_ms=round(1000 * percentile(client_s, 50), 2),
        host_ms=host_ms,
        path_ms=round(median(one["total_us"] - one["engine_us"] for one in outcomes) / 1000, 2),
        engine_ms=round(median(one["engine_us"] for one in outcomes) / 1000, 2),
    )


@dataclass(frozen=True, slots=True)
class _Window:
    """One measured run: which records belong to it is told by their size and time."""

    chars: int
    concurrency: int
    began: str
    ended: str
    client_s: tuple[float, ...]
    host_ms: float

    def owns(self, record: Mapping[str, Any]) -> bool:
        return bool(
            record["type"] == "access"
            and record["what"]["input_chars"] == self.chars
            and self.began <= record["time"] <= self.ended
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _measure(side: Side, chars: int, concurrency: int) -> _Window:
    bodies = [analyze_body(text) for text in seed_texts(chars, 10_000 * concurrency, _REQUESTS[chars])]
    health = run_load(side.target("/health", "GET"), [b""] * 200, concurrency)
    began = _now()
    measured = run_load(side.base, bodies, concurrency)
    host_ms = round(1000 * percentile(health.run.latencies_s, 50), 2)
    return _Window(chars, concurrency, began, _now(), measured.run.latencies_s, host_ms)


def run(options: Options) -> Findings:
    """Measure our side alone, then read its own records. Raises BenchError."""
    del options
    with our_side() as side:
        windows = [_measure(side, chars, callers) for chars in SIZES_CHARS for callers in _CONCURRENCIES]
        records = [record for segment in _read_segments() for record in parse_records(segment)]
    figures: dict[str, object] = {}
    rows = []
    for window in windows:
        stages = stages_of([one for one in records if window.owns(one)], window.client_s, window.host_ms)
        figures[f"{window.chars}_c{window.concurrency}"] = stages.as_dict()
        label = f"{window.chars:>6,} characters, {window.concurrency} callers"
        rows.append((label, *(f"{value:.2f}" for value in stages.as_dict().values())))
    return Findings(figures=figures, tables=(render_table(_HEAD, rows),))


SCENARIO = Scenario("profile", "where the time of one of our requests goes", run, is_default=False)
