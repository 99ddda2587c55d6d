"""`python -m bench [scenario ...] [--quick] [--check]`: run, print tables, write bench/results.json."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bench.results import RESULTS_FILE, merge_results
from bench.scenario import BenchError, Options, Scenario, find_scenarios


def _parse(arguments: Sequence[str], scenarios: dict[str, Scenario]) -> argparse.Namespace:
    listing = "\n".join(f"  {name:<10} {scenario.title}" for name, scenario in scenarios.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Benchmarks against stock Presidio on this machine.",
        epilog=f"scenarios:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="*", help="which to run (default: all but profile)")
    parser.add_argument("--quick", action="store_true", help="a short run: a look, not figures to quote")
    parser.add_argument("--rounds", type=int, help="rounds of A/B alternation (default: 5, quick: 1)")
    parser.add_argument("--check", action="store_true", help="exit 1 where a ratio is below its floor")
    parsed = parser.parse_args(arguments)
    if unknown := sorted(set(parsed.scenario) - set(scenarios)):
        parser.error(f"no scenario {unknown[0]}; there are {', '.join(scenarios)}")
    if parsed.rounds is not None and not 1 <= parsed.rounds <= 50:
        parser.error("--rounds: expected 1 to 50")
    return parsed


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for: 0, or 1 where --check found a ratio too low, or 2 where one cannot run."""
    try:
        scenarios = find_scenarios()
        parsed = _parse(arguments, scenarios)
        names = parsed.scenario or [name for name, scenario in scenarios.items() if scenario.is_default]
        too_low: list[str] = []
        for name in names:
            print(f"# {scenarios[name].title}", flush=True)
            findings = scenarios[name].run(Options(is_quick=parsed.quick, rounds=parsed.rounds))
            merge_results(name, findings, is_quick=parsed.quick)
            print("\n" + "\n\n".join(findings.tables) + "\n", flush=True)
            too_low += findings.too_low()
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(f"results: {RESULTS_FILE.relative_to(RESULTS_FILE.parent.parent)}")
    for sentence in too_low:
        print(f"below its floor: {sentence}")
    return 1 if parsed.check and too_low else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
