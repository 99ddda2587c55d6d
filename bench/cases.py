"""One case is a text size at a concurrency; it runs on both sides in turn, round after round.

Which side goes first alternates, and no round sends a text that an earlier one has sent: so neither a noisy
neighbour nor a warm cache is one side's advantage. All answers are compared, outside the measured time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.load import BadAnswer, Measured, Target, run_load
from bench.measures import Run
from bench.scenario import BenchError
from bench.sides import Side, analyze_body, cpu_s
from bench.texts import SIZES_CHARS, seed_texts

CONCURRENCIES = (1, 4, 16)
ANONYMIZE_CHARS = 4_600
ANONYMIZE_CONCURRENCY = 4


@dataclass(frozen=True, slots=True)
class Case:
    """Texts of one size, sent by that many callers at once."""

    chars: int
    concurrency: int

    @property
    def name(self) -> str:
        """As it stands in the names of ratios."""
        return f"{self.chars}_c{self.concurrency}"


CASES = tuple(Case(chars, concurrency) for chars in SIZES_CHARS for concurrency in CONCURRENCIES)


@dataclass(frozen=True, slots=True)
class Tally:
    """What was measured of one case: a run a round on each side, and CPU seconds of the server processes."""

    stock: list[Run] = field(default_factory=list)
    ours: list[Run] = field(default_factory=list)
    stock_cpu_s: list[float] = field(default_factory=list)
    worker_cpu_s: list[float] = field(default_factory=list)
    other_cpu_s: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """The CPU seconds a round, as they stand in results.json."""
        return {
            "stock_cpu_s": [round(value, 3) for value in self.stock_cpu_s],
            "ours_worker_cpu_s": [round(value, 3) for value in self.worker_cpu_s],
            "ours_storage_and_other_cpu_s": [round(value, 3) for value in self.other_cpu_s],
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """The two sides of a comparison."""

    stock: Side
    ours: Side


def count_identical(stock: Sequence[bytes], ours: Sequence[bytes], what: str) -> int:
    """How many answers were compared, all of them equal as JSON. Raises BenchError at the first other.

    The message says where, and nothing of what was found.
    """
    for index, (theirs, own) in enumerate(zip(stock, ours, strict=True)):
        if json.loads(theirs) != json.loads(own):
            raise BenchError(f"{what}: the two answers to text {index} differ")
    return len(stock)


@dataclass(frozen=True, slots=True)
class _SideRun:
    measured: Measured
    worker_cpu_s: float
    other_cpu_s: float


def _run_side(side: Side, target: Target, bodies: Sequence[bytes], concurrency: int) -> _SideRun:
    workers_s, others_s = cpu_s(side.workers), cpu_s(side.others)
    try:
        measured = run_load(target, bodies, concurrency)
    except (OSError, BadAnswer) as error:
        raise BenchError(f"{side.name}, {target.path}, {concurrency} at once: {error}") from error
    return _SideRun(measured, cpu_s(side.workers) - workers_s, cpu_s(side.others) - others_s)


def run_round(
    pair: Pair, path: str, bodies: Sequence[bytes], concurrency: int, tally: Tally, *, ours_first: bool
) -> tuple[bytes, ...]:
    """One case on both sides, noted in the tally; returns the answers, equal on both. Raises BenchError."""
    runs: dict[str, _SideRun] = {}
    for side in (pair.ours, pair.stock) if ours_first else (pair.stock, pair.ours):
        runs[side.name] = _run_side(side, side.target(path), bodies, concurrency)
    stock, ours = runs[pair.stock.name], runs[pair.ours.name]
    tally.stock.append(stock.measured.run)
    tally.ours.append(ours.measured.run)
    tally.stock_cpu_s.append(stock.worker_cpu_s)
    tally.worker_cpu_s.append(ours.worker_cpu_s)
    tally.other_cpu_s.append(ours.other_cpu_s)
    count_identical(stock.measured.bodies, ours.measured.bodies, f"{path} with {len(bodies[0])} bytes")
    return stock.measured.bodies


def measure_analyze(pair: Pair, requests: Mapping[int, int], rounds: int) -> dict[Case, Tally]:
    """All cases in all rounds; `requests` a run for each size in characters. Raises BenchError."""
    tallies = {case: Tally() for case in CASES}
    sent = dict.fromkeys(SIZES_CHARS, 0)
    for turn in range(rounds):
        for case, tally in tallies.items():
            count = requests[case.chars]
            bodies = [analyze_body(text) for text in seed_texts(case.chars, sent[case.chars], count)]
            sent[case.chars] += count
            run_round(pair, "/analyze", bodies, case.concurrency, tally, ours_first=turn % 2 == 1)
        print(f"  round {turn + 1} of {rounds} done", flush=True)
    return tallies


def measure_anonymize(pair: Pair, requests: int, rounds: int) -> Tally:
    """/anonymize alone: no model runs, so HTTP, token and record are its cost. Raises BenchError."""
    texts = seed_texts(ANONYMIZE_CHARS, 0, requests)
    analyze_bodies = [analyze_body(text) for text in texts]
    found = run_round(pair, "/analyze", analyze_bodies, ANONYMIZE_CONCURRENCY, Tally(), ours_first=False)
    bodies = [
        json.dumps({"text": text, "analyzer_results": json.loads(findings)}).encode()
        for text, findings in zip(texts, found, strict=True)
    ]
    tally = Tally()
    for turn in range(rounds):
        run_round(pair, "/anonymize", bodies, ANONYMIZE_CONCURRENCY, tally, ours_first=turn % 2 == 1)
    return tally
