"""Both sides measured, compared and put into ratios: here both are the same trivial server."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from bench.cases import (
    CASES,
    Case,
    Pair,
    Tally,
    count_identical,
    measure_analyze,
    measure_anonymize,
    run_round,
)
from bench.comparison import Compared, capacity_ratios, case_ratios, render_cases
from bench.load import Target
from bench.measures import Run
from bench.scenario import BenchError
from bench.sides import Side
from bench.texts import SIZES_CHARS


def side(name: str, target: Target) -> Side:
    """A side that is this very process."""
    return Side(name, target, workers=(os.getpid(),), others=(), start_s=1.0, ready_s=1.0)


@pytest.fixture
def pair(target: Target) -> Pair:
    """Two sides with identical answers."""
    return Pair(side("stock", target), side("ours", target))


def tally(stock_rps: float, ours_rps: float, rounds: int = 3) -> Tally:
    """Rounds of ten requests at these rates."""
    result = Tally()
    for _ in range(rounds):
        result.stock.append(Run((1 / stock_rps,) * 10, 10 / stock_rps, 0.0))
        result.ours.append(Run((1 / ours_rps,) * 10, 10 / ours_rps, 0.0))
        result.stock_cpu_s.append(0.02)
        result.worker_cpu_s.append(0.01)
        result.other_cpu_s.append(0.005)
    return result


def test_all_cases_run_on_both_sides_with_texts_that_come_once(
    pair: Pair, seen_headers: list[dict[str, str]]
) -> None:
    """Three sizes, three concurrencies: each text goes to each side once, over all rounds."""
    tallies = measure_analyze(pair, dict.fromkeys(SIZES_CHARS, 3), rounds=2)
    assert list(tallies) == list(CASES)
    assert len(CASES) == 9
    assert len(seen_headers) == 2 * 9 * 2 * 3
    for case, one in tallies.items():
        assert [len(run.latencies_s) for run in (*one.stock, *one.ours)] == [3] * 4, case


def test_an_answer_that_differs_ends_the_benchmark(target: Target, pair: Pair) -> None:
    """Faster with other findings is not faster. The message tells the place and quotes nothing."""
    with pytest.raises(BenchError, match=r"the two answers to text 1 differ"):
        count_identical([b'{"a": 1, "b": 2}', b"[1]"], [b'{"b": 2, "a": 1}', b"[2]"], "here")
    refused = Pair(pair.stock, side("ours", replace(target, path="/other")))
    assert run_round(refused, "/plain", [b"{}"], 1, Tally(), ours_first=True) == (b"{}",)


def test_a_side_that_refuses_ends_the_benchmark(pair: Pair) -> None:
    """The message names side, route and concurrency."""
    with pytest.raises(BenchError, match=r"ours, /refused, 2 at once: expected status 200, got 429"):
        run_round(pair, "/refused", [b"{}"], 2, Tally(), ours_first=True)


def test_anonymize_is_sent_what_analyze_found(pair: Pair) -> None:
    """The second call carries the findings of the first; here the server echoes both."""
    assert len(measure_anonymize(pair, requests=3, rounds=2).ours) == 2


def test_a_ratio_a_case_and_one_a_size() -> None:
    """A size's capacity compares the best of each side, at whatever concurrency it was reached."""
    compared = {case: Compared.of(tally(100, 80)) for case in CASES}
    compared[Case(230, 4)] = Compared.of(tally(200, 150))
    compared[Case(230, 16)] = Compared.of(tally(180, 300))
    ratios = capacity_ratios(compared) | case_ratios(compared)
    assert ratios["throughput_230"] == 1.5
    assert ratios["throughput_4600"] == ratios["throughput_13600"] == 0.8
    assert ratios["throughput_230_c4"] == 0.75
    assert ratios["p50_230_c1"] == ratios["p99_230_c1"] == 1.25
    assert ratios["cpu_230_c1"] == 0.75
    assert len(ratios) == 3 + 4 * 9


def test_cpu_time_is_told_a_request() -> None:
    """Milliseconds of server processes a request, storage apart from workers."""
    one = Compared.of(tally(100, 100))
    assert (one.stock_cpu_ms, one.worker_cpu_ms, one.other_cpu_ms) == (2.0, 1.0, 0.5)


def test_the_table_has_a_line_a_case() -> None:
    """Nine cases, /anonymize, and as many columns everywhere."""
    compared = {case: Compared.of(tally(100, 80)) for case in CASES}
    lines = render_cases(compared, Compared.of(tally(100, 50))).splitlines()
    assert len(lines) == 2 + 2 + 9 + 1
    expected = "230 characters,  1 callers 100.0 80.0 0.80 10.0 12.5 10.0 12.5 2.0 1.0 0.5"
    assert lines[4].split() == expected.split()
    assert "0.50" in lines[-1]
