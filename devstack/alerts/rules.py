"""Alert rules as data: from the files of infra/alerts, or from an evaluated deployment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from devstack.layout import ROOT

RULES_FOLDER = ROOT / "infra" / "alerts"
RESOURCE_TYPE = "Microsoft.Insights/scheduledQueryRules"

_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$")


@dataclass(frozen=True, slots=True)
class Rule:
    """What Azure Monitor needs to know to evaluate a rule.

    Where `measure_column` is None, result rows are counted; otherwise the column is aggregated by
    `aggregation` (Maximum, Minimum, Average, Total). A rule fires for each combination of `dimensions`
    whose value is `operator` `threshold` in at least `min_failing` of the last `periods` windows.
    `lookback` is what the query sees where that is more than its windows.
    """

    name: str
    title: str
    severity: int
    query: str
    window: timedelta
    frequency: timedelta
    lookback: timedelta | None
    aggregation: str
    measure_column: str | None
    operator: str
    threshold: float
    dimensions: tuple[str, ...]
    periods: int
    min_failing: int
    auto_mitigate: bool

    @property
    def seen(self) -> timedelta:
        """How far back the query sees."""
        return max(self.lookback or timedelta(0), self.window * self.periods)


def parse_duration(text: str) -> timedelta:
    """`PT5M`, `PT1H`, `P2D`. Raises ValueError for other forms."""
    match = _DURATION.match(text)
    if match is None or text in ("P", "PT"):
        raise ValueError(f"expected a duration such as PT5M, got {text!r}")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def read_about(name: str, folder: Path = RULES_FOLDER) -> dict[str, Any]:
    """Everything that is known about a rule besides its query."""
    about: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8"))
    return about


def rule_names(folder: Path = RULES_FOLDER) -> list[str]:
    """The names of all rules, sorted."""
    return sorted(file.stem for file in folder.glob("*.kql"))


def load_rules(folder: Path = RULES_FOLDER) -> list[Rule]:
    """All rules of a folder, sorted by name."""
    return [load_rule(name, folder) for name in rule_names(folder)]


def load_rule(name: str, folder: Path = RULES_FOLDER) -> Rule:
    """The rule `<name>.kql` with `<name>.json`."""
    about = read_about(name, folder)
    measure = about["measure"] or {}
    return Rule(
        name=name,
        title=about["title"],
        severity=about["severity"],
        query=(folder / f"{name}.kql").read_text("utf-8"),
        window=parse_duration(about["window"]),
        frequency=parse_duration(about["frequency"]),
        lookback=parse_duration(about["lookback"]) if about["lookback"] else None,
        aggregation=measure.get("aggregation", "Count"),
        measure_column=measure.get("column"),
        operator=about["operator"],
        threshold=float(about["threshold"]),
        dimensions=tuple(about["dimensions"]),
        periods=about["failingPeriods"]["of"],
        min_failing=about["failingPeriods"]["min"],
        auto_mitigate=about["autoMitigate"],
    )


def rules_of_deployment(resources: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """The rules among the `predictedResources` of a `bicep snapshot`, sorted by name."""
    found = [_rule_of(resource) for resource in resources if resource["type"] == RESOURCE_TYPE]
    return sorted(found, key=lambda rule: rule.name)


def _rule_of(resource: Mapping[str, Any]) -> Rule:
    properties = resource["properties"]
    (criterion,) = properties["criteria"]["allOf"]
    lookback = properties.get("overrideQueryTimeRange")
    return Rule(
        name=resource["name"],
        title=properties["displayName"],
        severity=properties["severity"],
        query=criterion["query"],
        window=parse_duration(properties["windowSize"]),
        frequency=parse_duration(properties["evaluationFrequency"]),
        lookback=parse_duration(lookback) if lookback else None,
        aggregation=criterion["timeAggregation"],
        measure_column=criterion.get("metricMeasureColumn"),
        operator=criterion["operator"],
        threshold=float(criterion["threshold"]),
        dimensions=tuple(dimension["name"] for dimension in criterion["dimensions"]),
        periods=criterion["failingPeriods"]["numberOfEvaluationPeriods"],
        min_failing=criterion["failingPeriods"]["minFailingPeriodsToAlert"],
        auto_mitigate=properties["autoMitigate"],
    )
