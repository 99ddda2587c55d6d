"""From what was measured to ratios and tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.cases import ANONYMIZE_CHARS, ANONYMIZE_CONCURRENCY, Case, Tally
from bench.measures import Summary, paired_ratio, summarise
from bench.tables import render_table
from bench.texts import SIZES_CHARS

ANONYMIZE = f"anonymize_throughput_{ANONYMIZE_CHARS}_c{ANONYMIZE_CONCURRENCY}"
"""The ratio of /anonymize."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One case on both sides, over all rounds. CPU is milliseconds of server processes a request."""

    stock: Summary
    ours: Summary
    stock_cpu_ms: float
    worker_cpu_ms: float
    other_cpu_ms: float

    @classmethod
    def of(cls, tally: Tally) -> Compared:
        """Raises ValueError for an empty tally."""
        stock, ours = summarise(tally.stock), summarise(tally.ours)
        return cls(
            stock=stock,
            ours=ours,
            stock_cpu_ms=round(1000 * sum(tally.stock_cpu_s) / stock.requests, 2),
            worker_cpu_ms=round(1000 * sum(tally.worker_cpu_s) / ours.requests, 2),
            other_cpu_ms=round(1000 * sum(tally.other_cpu_s) / ours.requests, 2),
        )

    @property
    def throughput_ratio(self) -> float:
        """The median over the rounds of ours / stock within a round."""
        return paired_ratio(self.ours.rounds_rps, self.stock.rounds_rps)

    def as_dict(self) -> dict[str, object]:
        """As it stands in results.json."""
        return {
            "stock": self.stock.as_dict(),
            "ours": self.ours.as_dict(),
            "stock_cpu_ms": self.stock_cpu_ms,
            "ours_worker_cpu_ms": self.worker_cpu_ms,
            "ours_storage_cpu_ms": self.other_cpu_ms,
        }

    def row(self, what: str) -> tuple[str, ...]:
        """One line of the table, under `_HEAD`."""
        rates = (self.stock.throughput_rps, self.ours.throughput_rps)
        latencies = (self.stock.p50_ms, self.ours.p50_ms, self.stock.p99_ms, self.ours.p99_ms)
        cpu = (self.stock_cpu_ms, self.worker_cpu_ms, self.other_cpu_ms)
        return (
            what,
            *(f"{rate:.1f}" for rate in rates),
            f"{self.throughput_ratio:.2f}",
            *(f"{latency:.1f}" for latency in latencies),
            *(f"{cpu_ms:.1f}" for cpu_ms in cpu),
        )


_HEAD = (
    "",
    "stock/s",
    "ours/s",
    "ratio",
    "p50 stock",
    "p50 ours",
    "p99 stock",
    "p99 ours",
    "CPU stock",
    "CPU ours",
    "CPU storage",
)


def capacity_ratios(compared: Mapping[Case, Compared]) -> dict[str, float]:
    """`throughput_<chars>`: each side's highest median rate, at whatever concurrency it was reached."""
    ratios = {}
    for chars in SIZES_CHARS:
        cases = [one for case, one in compared.items() if case.chars == chars]
        stock_rps = max(one.stock.throughput_rps for one in cases)
        ratios[f"throughput_{chars}"] = round(max(one.ours.throughput_rps for one in cases) / stock_rps, 3)
    return ratios


def case_ratios(compared: Mapping[Case, Compared]) -> dict[str, float]:
    """`throughput_`, `p50_`, `p99_` and `cpu_<chars>_c<n>`."""
    ratios = {}
    for case, one in compared.items():
        ratios[f"throughput_{case.name}"] = one.throughput_ratio
        ratios[f"p50_{case.name}"] = round(one.ours.p50_ms / one.stock.p50_ms, 3)
        ratios[f"p99_{case.name}"] = round(one.ours.p99_ms / one.stock.p99_ms, 3)
        ratios[f"cpu_{case.name}"] = round((one.worker_cpu_ms + one.other_cpu_ms) / one.stock_cpu_ms, 3)
    return ratios


def render_cases(compared: Mapping[Case, Compared], anonymized: Compared) -> str:
    """The table of all cases."""
    rows = [
        one.row(f"{case.chars:>6,} characters, {case.concurrency:>2} callers")
        for case, one in compared.items()
    ]
    rows.append(anonymized.row(f"/anonymize {ANONYMIZE_CHARS:,}, {ANONYMIZE_CONCURRENCY} callers"))
    return (
        f"Requests a second; latencies in ms; CPU of servers in ms a request\n\n{render_table(_HEAD, rows)}"
    )
