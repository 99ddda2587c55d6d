"""What a benchmark is to the command line: a name, a function, and what it hands back.

A module of this folder that has a `SCENARIO` is found by itself; `python -m bench <name>` runs that one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import bench


@dataclass(frozen=True, slots=True)
class Options:
    """How the command line wants a scenario run. `is_quick` is for a look, not for figures to quote."""

    is_quick: bool = False
    rounds: int | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What a scenario measured.

    `ratios` maps a name to ours / stock and goes to the top level of results.json with those of all other
    scenarios, so names are unique over all of them. `figures` is anything that JSON can hold. `floors` are
    the least acceptable ratios, which `--check` asks for. `tables` are printed.
    """

    figures: Mapping[str, object]
    ratios: Mapping[str, float] = field(default_factory=dict)
    floors: Mapping[str, float] = field(default_factory=dict)
    tables: tuple[str, ...] = ()

    def too_low(self) -> list[str]:
        """One sentence for each ratio below its floor."""
        return [
            f"{name} is {self.ratios[name]:.3f}, expected at least {floor:.3f}"
            for name, floor in self.floors.items()
            if self.ratios[name] < floor
        ]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One benchmark. `is_default` ones run when no name is given."""

    name: str
    title: str
    run: Callable[[Options], Findings]
    is_default: bool = True


class BenchError(Exception):
    """A benchmark cannot be run or its answers are wrong; the message says what to do."""


def find_scenarios() -> dict[str, Scenario]:
    """Every scenario of this folder by name, in order of their modules. Raises BenchError for a double."""
    found: dict[str, Scenario] = {}
    for module in pkgutil.iter_modules(bench.__path__):
        if module.name == "__main__":
            continue
        scenario = getattr(importlib.import_module(f"bench.{module.name}"), "SCENARIO", None)
        if isinstance(scenario, Scenario):
            if scenario.name in found:
                raise BenchError(f"two scenarios are named {scenario.name}")
            found[scenario.name] = scenario
    return found
