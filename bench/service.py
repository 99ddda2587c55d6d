"""Ours against stock: throughput, latency, memory, start and import time, with identical findings.

Ratios (ours / stock) in results.json:
    throughput_<chars>_c<n>   requests a second of one case: the median over the rounds of
                              ours / stock within a round                            more is better
    throughput_<chars>        capacity at a size: each side's highest median among
                              its concurrencies                                      more is better
    p50_<chars>_c<n>, p99_…   latency of one case, over the requests of all rounds   less is better
    cpu_<chars>_c<n>          CPU time a request of all server processes, storage
                              included: steady also on a busy machine                less is better
    memory                    proportional set size of a worker, after the load      less is better
    start                     worker start to first answer                           less is better
    anonymize_throughput_…    /anonymize, which runs no model: what the audit costs  more is better

`--check` asks for at least the throughput of stock, at each size and in each case.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from statistics import median

from bench.cases import Pair, measure_analyze, measure_anonymize
from bench.comparison import ANONYMIZE, Compared, capacity_ratios, case_ratios, render_cases
from bench.scenario import BenchError, Findings, Options, Scenario
from bench.sides import ROOT, memory_mib, our_side, stock_side
from bench.tables import render_table
from bench.texts import SIZES_CHARS

_REQUESTS = {230: 400, 4_600: 64, 13_600: 32}
_QUICK_REQUESTS = {230: 100, 4_600: 24, 13_600: 16}
_ROUNDS = 5
_IMPORTS = 5


def import_ms(module: str, times: int) -> float:
    """Median wall time to import a module, each time in a fresh interpreter, whose own start does not count.

    Raises BenchError where it cannot be imported.
    """
    program = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    samples = []
    for _ in range(times):
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{module} cannot be imported: {done.stderr.strip().splitlines()[-1]}")
        samples.append(1000 * float(done.stdout.split()[-1]))
    return round(median(samples), 1)


def _render_rest(
    ratios: Mapping[str, float], pair: Pair, memory: Mapping[str, Mapping[str, float]], imported_ms: float
) -> str:
    rows = [
        (f"capacity at {chars:,} characters", "1.00", f"{ratios[f'throughput_{chars}']:.2f}")
        for chars in SIZES_CHARS
    ]
    for kind in ("pss", "uss"):
        stock, ours = (f"{memory[side][kind]:.0f}" for side in ("stock", "ours"))
        rows.append((f"memory a worker, MiB ({kind})", stock, ours))
    rows += [
        ("worker start to first answer, s", f"{pair.stock.start_s:.1f}", f"{pair.ours.start_s:.1f}"),
        ("command to first answer, s", f"{pair.stock.ready_s:.1f}", f"{pair.ours.ready_s:.1f}"),
        ("import of function_app, ms", "-", f"{imported_ms:.0f}"),
    ]
    return render_table(("", "stock", "ours"), rows)


def _measure(pair: Pair, options: Options, imported_ms: float) -> Findings:
    rounds = options.rounds or (1 if options.is_quick else _ROUNDS)
    requests = _QUICK_REQUESTS if options.is_quick else _REQUESTS
    tallies = measure_analyze(pair, requests, rounds)
    compared = {case: Compared.of(tally) for case, tally in tallies.items()}
    anonymized = Compared.of(measure_anonymize(pair, requests[4_600], rounds))
    memory = {side.name: memory_mib(side.workers) for side in (pair.stock, pair.ours)}
    answers = sum(one.ours.requests for one in (*compared.values(), anonymized))
    ratios = {
        **capacity_ratios(compared),
        **case_ratios(compared),
        ANONYMIZE: anonymized.throughput_ratio,
        "memory": round(memory["ours"]["pss"] / memory["stock"]["pss"], 3),
        "start": round(pair.ours.start_s / pair.stock.start_s, 3),
    }
    figures = {
        "rounds": rounds,
        "requests_a_round": {str(chars): count for chars, count in requests.items()},
        "connections": "a new one for each request, on both sides",
        "answers_compared": answers,
        "cases": {case.name: one.as_dict() for case, one in compared.items()}
        | {ANONYMIZE: anonymized.as_dict()},
        "memory_mib": memory,
        "start": {
            side.name: {"start_s": side.start_s, "ready_s": side.ready_s} for side in (pair.stock, pair.ours)
        },
        "import_function_app_ms": imported_ms,
    }
    tables = (
        render_cases(compared, anonymized),
        _render_rest(ratios, pair, memory, imported_ms),
        f"{answers} answers of each side compared: identical.",
    )
    floors = {name: 1.0 for name in ratios if name.startswith("throughput_")}
    return Findings(figures=figures, ratios=ratios, floors=floors, tables=tables)


def run(options: Options) -> Findings:
    """Start both sides, measure and compare them, stop both. Raises BenchError."""
    imported_ms = import_ms("function_app", 1 if options.is_quick else _IMPORTS)
    with stock_side() as stock, our_side() as ours:
        return _measure(Pair(stock, ours), options, imported_ms)


SCENARIO = Scenario("service", "the audited service against stock Presidio, two processes each", run)
