"""Figures: percentiles, summaries and ratios."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measures import Run, paired_ratio, percentile, summarise


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 15), (30, 20), (40, 20), (50, 35), (99, 50), (100, 50), (0.1, 15)]
)
def test_a_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    """The textbook example of the nearest-rank method."""
    assert percentile([50, 20, 15, 40, 35], percent) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 100))
def test_a_percentile_is_a_sample_that_enough_others_do_not_exceed(
    samples: list[float], percent: float
) -> None:
    """At least so many percent of the samples are at most the percentile."""
    value = percentile(samples, percent)
    assert value in samples
    assert sum(sample <= value for sample in samples) * 100 >= percent * len(samples) * (1 - 1e-9)


@pytest.mark.parametrize(("samples", "percent"), [([], 50), ([1.0], 0), ([1.0], 100.1), ([1.0], -1)])
def test_a_percentile_of_nothing_is_refused(samples: list[float], percent: float) -> None:
    """No samples, or a percentage outside of (0, 100], is an error and not a number."""
    with pytest.raises(ValueError, match="expected samples"):
        percentile(samples, percent)


def test_a_summary_takes_the_median_rate_and_the_percentiles_of_all_requests() -> None:
    """One disturbed round moves neither the rate nor the median latency."""
    calm = Run(latencies_s=(0.010, 0.020), wall_s=0.02, cpu_s=0.001)
    disturbed = Run(latencies_s=(0.5, 0.6), wall_s=1.0, cpu_s=0.002)
    summary = summarise([calm, disturbed, calm])
    assert summary.rounds_rps == (100.0, 2.0, 100.0)
    assert summary.throughput_rps == 100.0
    assert (summary.p50_ms, summary.p99_ms) == (20.0, 600.0)
    assert summary.requests == 6
    assert summary.load_cpu_s == 0.004


def test_a_ratio_is_taken_within_rounds() -> None:
    """When the machine was slow for a round, both sides of that round were, and the ratio stays."""
    assert paired_ratio(ours=[120.0, 60.0, 12.0], stock=[100.0, 50.0, 10.0]) == 1.2
    with pytest.raises(ValueError, match="longer"):
        paired_ratio(ours=[1.0], stock=[1.0, 2.0])
