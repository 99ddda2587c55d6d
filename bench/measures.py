"""Figures from samples: percentiles, medians, and the summary of one measured run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Summary:
    """One case on one side, over all rounds. Latencies are milliseconds; CPU is the load generator's own.

    `throughput_rps` is the median over the rounds; the percentiles are taken over the requests of all rounds.
    """

    throughput_rps: float
    p50_ms: float
    p99_ms: float
    requests: int
    rounds_rps: tuple[float, ...]
    load_cpu_s: float

    def as_dict(self) -> dict[str, object]:
        """The summary as it stands in results.json."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Run:
    """One round of one case: each request's latency, the wall time, the load generator's CPU time."""

    latencies_s: tuple[float, ...]
    wall_s: float
    cpu_s: float


def percentile(samples: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile (0 < percent <= 100): a value that was measured, never an interpolation.

    Of few samples a high percentile is their maximum. Raises ValueError without samples.
    """
    if not samples or not 0 < percent <= 100:
        raise ValueError(f"expected samples and 0 < percent <= 100, got {len(samples)} samples, {percent}")
    return sorted(samples)[math.ceil(len(samples) * percent / 100) - 1]


def summarise(runs: Sequence[Run]) -> Summary:
    """The rounds of one case together. Raises ValueError without a run or a request."""
    latencies_ms = [1000 * latency_s for run in runs for latency_s in run.latencies_s]
    rates = tuple(round(len(run.latencies_s) / run.wall_s, 2) for run in runs)
    return Summary(
        throughput_rps=median(rates),
        p50_ms=round(percentile(latencies_ms, 50), 3),
        p99_ms=round(percentile(latencies_ms, 99), 3),
        requests=len(latencies_ms),
        rounds_rps=rates,
        load_cpu_s=round(sum(run.cpu_s for run in runs), 3),
    )


def paired_ratio(ours: Sequence[float], stock: Sequence[float]) -> float:
    """The median of ours / stock round by round: what slows the machine for a while hits both of a pair."""
    return round(median(a / b for a, b in zip(ours, stock, strict=True)), 3)
