"""What telemetry costs: the same service with and without it, side by side, in alternating rounds.

Ratios (on / off) in results.json:
    telemetry_throughput_<chars>  requests a second, the median over the rounds         more is better
    telemetry_cpu_<chars>         CPU time of the workers a request, on a busy machine too  less is better

The local Log Analytics and the evaluator run on this machine, too, while they belong to Azure; so the first
ratio is a lower bound.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.load import Target, run_load
from bench.scenario import BenchError, Findings, Options, Scenario
from bench.sides import ROOT, analyze_body, cpu_s, presidio_files, target_of
from bench.tables import render_table
from bench.texts import seed_texts
from devstack.state import read_state

CONCURRENCY = 4
REQUESTS = {230: 400, 4_600: 64}
QUICK_REQUESTS = {230: 120, 4_600: 24}
ROUNDS = 6
FLOOR = 0.95
FOLDER = ROOT / "bench" / "data"


@dataclass(frozen=True, slots=True)
class _Side:
    target: Target
    workers: tuple[int, ...]


@contextlib.contextmanager
def _cloud(name: str, telemetry: str) -> Iterator[_Side]:
    folder = FOLDER / f"telemetry-{name}"
    settings = {**os.environ, **presidio_files(os.environ), "DEVSTACK_DIR": str(folder), "WORKERS": "2"}
    settings |= {"TELEMETRY": telemetry}
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _devstack("up", settings)
        state = read_state(folder / "state.json")
        if state is None:
            raise BenchError(f"the local cloud in {folder} did not start; its logs say why")
        yield _Side(target_of(state, "/analyze"), tuple(state.pids.workers))
    finally:
        _devstack("down", settings)


def _devstack(command: str, settings: dict[str, str]) -> None:
    line = [sys.executable, "-m", "devstack", command]
    subprocess.run(line, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, check=False)


def _measure(side: _Side, bodies: list[bytes]) -> tuple[float, float]:
    """Requests a second, and CPU milliseconds of the workers a request."""
    before = cpu_s(side.workers)
    wall_s = run_load(side.target, bodies, CONCURRENCY).run.wall_s
    return len(bodies) / wall_s, (cpu_s(side.workers) - before) * 1_000 / len(bodies)


def run(options: Options) -> Findings:
    """Both clouds up, sizes and rounds in turn, each round with the other side first."""
    requests = QUICK_REQUESTS if options.is_quick else REQUESTS
    rounds = options.rounds or (2 if options.is_quick else ROUNDS)
    ratios: dict[str, float] = {}
    rows: list[tuple[str, ...]] = []
    with _cloud("on", "on") as on, _cloud("off", "off") as off:
        for chars, count in requests.items():
            bodies = [analyze_body(text) for text in seed_texts(chars, 0, count)]
            for side in (on, off):
                _measure(side, bodies)
            measured: list[tuple[tuple[float, float], tuple[float, float]]] = []
            for turn in range(rounds):
                sides = (on, off) if turn % 2 else (off, on)
                found = {id(side): _measure(side, bodies) for side in sides}
                measured.append((found[id(on)], found[id(off)]))
            rates = [with_[0] / without[0] for with_, without in measured]
            cpus = [with_[1] / without[1] for with_, without in measured]
            ratios[f"telemetry_throughput_{chars}"] = round(median(rates), 3)
            ratios[f"telemetry_cpu_{chars}"] = round(median(cpus), 3)
            rows.append(
                (
                    f"{chars:,} characters",
                    f"{median(m[1][0] for m in measured):.0f}",
                    f"{median(m[0][0] for m in measured):.0f}",
                    f"{median(rates):.3f}",
                    f"{median(cpus):.3f}",
                )
            )
    head = ("telemetry", "off, requests/s", "on, requests/s", "on / off", "CPU on / off")
    floors = {f"telemetry_throughput_{chars}": FLOOR for chars in requests}
    return Findings(
        figures={"rounds": rounds, "concurrency": CONCURRENCY},
        ratios=ratios,
        floors=floors,
        tables=(render_table(head, rows),),
    )


SCENARIO = Scenario("telemetry", "What telemetry costs: the service with and without it", run)
