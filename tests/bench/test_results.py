"""bench/results.json: its schema, and how scenarios share it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.results import merge_results
from bench.scenario import BenchError, Findings, find_scenarios

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a results file may be written."""
    return tmp_path / "results.json"


def merge(path: Path, name: str, **ratios: float) -> None:
    """Write one scenario's ratios."""
    findings = Findings(figures={"raw": [1, 2]}, ratios=ratios, floors=dict.fromkeys(ratios, 1.0))
    merge_results(name, findings, is_quick=True, now=NOW, path=path)


def test_a_part_tells_when_where_and_with_what_it_was_measured(path: Path) -> None:
    """The schema: version, all ratios, and a part a scenario."""
    merge(path, "service", throughput_230=1.5)
    content = json.loads(path.read_text())
    part = content["scenarios"]["service"]
    assert content["v"] == 1
    assert content["ratios"] == {"throughput_230": 1.5}
    assert part["date"] == "2026-01-02T03:04:05+00:00"
    assert part["is_quick"] is True
    assert part["figures"] == {"raw": [1, 2]}
    assert part["ratios"] == {"throughput_230": 1.5}
    assert part["floors"] == {"throughput_230": 1.0}
    assert part["machine"]["cpus"] >= 1
    assert {"python", "presidio-analyzer", "spacy"} <= part["versions"].keys()


def test_scenarios_are_merged(path: Path) -> None:
    """A scenario replaces its own part and leaves the others' as they are."""
    merge(path, "service", throughput_230=1.5, start=0.9)
    merge(path, "ledger", verify=2.0)
    merge(path, "service", throughput_230=1.6)
    content = json.loads(path.read_text())
    assert content["ratios"] == {"throughput_230": 1.6, "verify": 2.0}
    assert list(content["scenarios"]) == ["service", "ledger"]


def test_two_scenarios_cannot_write_one_ratio(path: Path) -> None:
    """A shared name is an error, and the file stays as it was."""
    merge(path, "service", start=0.9)
    before = path.read_bytes()
    with pytest.raises(BenchError, match="ratio start"):
        merge(path, "ledger", start=1.1)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"scenarios": 3}', '{"scenarios": {"a": 1}}'])
def test_a_file_that_is_no_results_file_is_not_overwritten(path: Path, content: str) -> None:
    """It is named, and the person decides."""
    path.write_text(content)
    with pytest.raises(BenchError, match="not a results file"):
        merge(path, "service", start=0.9)
    assert path.read_text() == content


def test_a_ratio_below_its_floor_is_told() -> None:
    """One sentence a ratio; one that is on its floor is fine."""
    findings = Findings(figures={}, ratios={"a": 0.99, "b": 1.0, "c": 0.1}, floors={"a": 1.0, "b": 1.0})
    assert findings.too_low() == ["a is 0.990, expected at least 1.000"]


def test_scenarios_are_found_by_themselves() -> None:
    """Every module with a SCENARIO is one; the profile only runs when asked for."""
    scenarios = find_scenarios()
    assert scenarios["service"].is_default
    assert not scenarios["profile"].is_default
    assert all(name == scenario.name for name, scenario in scenarios.items())
