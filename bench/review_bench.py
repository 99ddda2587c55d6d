"""How long an access review takes: a million records in a ledger, 2,000 principals, from files to the page.

The ledger is verified while it is read, callers' use is gathered from it, the rules are applied, and the
three reports are rendered; each review in a process of its own. Ratios in results.json, all "more is better":

    review_time_room     60 s / the whole review                                            at least 1
    review_memory_room   1 GB / the process' peak                                           at least 1
    review_linear        ten times the tenth's CPU time / the whole's                       at least 0.8
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from auditor.folders import FolderSource
from bench.ledger_data import service_key
from bench.review_data import NOW, PRINCIPALS, generate_ledger, make_directory, read_policy
from bench.scenario import BenchError, Findings, Options, Scenario
from bench.tables import render_table
from shared.usecases.reviews.making import ReviewSettings, make_review, render_reports
from shared.usecases.reviews.window import Evidence

DATA = Path(__file__).parent / "data"
RECORDS, QUICK_RECORDS = 1_000_000, 100_000
MOST_S, MOST_MB = 60, 1_000
WINDOW_DAYS = 390
FLOORS = {"review_time_room": 1.0, "review_memory_room": 1.0, "review_linear": 0.8}

type Measured = dict[str, float]


def run(options: Options) -> Findings:
    """Generate what is missing, then review the whole and a tenth of it."""
    records = QUICK_RECORDS if options.is_quick else RECORDS
    large = generate_ledger(DATA / f"review-{records}", records)
    small = generate_ledger(DATA / f"review-{records // 10}", records // 10)
    tenth = min((_run_review(small) for _ in range(2)), key=lambda measured: measured["cpu_s"])
    whole = _run_review(large)
    ratios = {
        "review_time_room": MOST_S / whole["wall_s"],
        "review_memory_room": MOST_MB / whole["peak_mb"],
        "review_linear": 10 * tenth["cpu_s"] / whole["cpu_s"],
    }
    rounded = {name: round(value, 3) for name, value in ratios.items()}
    figures = {"records": records, "principals": PRINCIPALS, "whole": whole, "tenth": tenth}
    return Findings(figures, rounded, FLOORS, (_render(whole, tenth),))


def _render(whole: Measured, tenth: Measured) -> str:
    names = (
        "records",
        "principals",
        "findings",
        "verify_observe_s",
        "reports_s",
        "wall_s",
        "cpu_s",
        "peak_mb",
    )
    rows = [(name, f"{whole[name]:,.1f}", f"{tenth[name]:,.1f}") for name in names]
    return f"Access review\n{render_table(('', 'whole', 'tenth'), rows)}"


def _run_review(ledger: Path) -> Measured:
    command = [sys.executable, "-m", "bench.review_bench", str(ledger)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
    if done.returncode != 0:
        raise BenchError(f"the review of {ledger} failed")
    measured: Measured = json.loads(done.stdout)
    return measured


def review(ledger: Path) -> Measured:
    """Review the ledger as the timer does, and measure it."""
    wall, cpu = time.perf_counter(), time.process_time()
    evidence = Evidence(FolderSource(ledger), (service_key().verifier,))
    made = make_review(
        evidence, make_directory(), read_policy(), "2026-12", NOW, ReviewSettings(days=WINDOW_DAYS)
    )
    reviewed = time.perf_counter()
    reports = render_reports(made)
    end = time.perf_counter()
    if made.window.verdict == "findings" or len(made.rows) != PRINCIPALS or not all(reports.values()):
        sys.exit(f"{made.window.verdict}, {len(made.rows)} rows")
    return {
        "records": made.window.records,
        "principals": len(made.rows),
        "findings": len(made.findings),
        "verify_observe_s": round(reviewed - wall, 3),
        "reports_s": round(end - reviewed, 3),
        "wall_s": round(end - wall, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1),
    }


SCENARIO = Scenario("review", "an access review of a million records and 2,000 principals", run)


def main() -> None:
    """One review, in a process of its own: its figures as JSON."""
    parser = argparse.ArgumentParser(description="One review of the review benchmark.")
    parser.add_argument("ledger", type=Path)
    print(json.dumps(review(parser.parse_args().ledger)))


if __name__ == "__main__":
    main()
