"""How long the evidence takes to prove: one ledger of a million records (1.5 GB), and one of a tenth of it.

Both are generated once, byte for byte the same, into bench/data. Each step runs in a process of its own.
Ratios in results.json, all "more is better" and at least as `--check` asks:

    ledger_verify        sha256sum's CPU time over the same bytes / the verifier's          at least 1 / 8
    ledger_linear        ten times the tenth's CPU time / the whole's                       at least 0.8
    ledger_memory_room   300 MiB / the verifier's peak                                      at least 1
    ledger_prove_room    1 s / a proof of one record out of all, the index being there      at least 1
    ledger_kql_room      5 s / a KQL aggregate over all, the tables being there             at least 1
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from auditor.caching import cache_folder, open_index
from auditor.commands.copies import prepare
from auditor.folders import FolderSource
from auditor.tables import fetch, open_tables, run_kql
from bench.ledger_data import LOG, generate, service_key
from bench.scenario import BenchError, Findings, Options, Scenario
from bench.tables import render_table
from shared.ledger.evidence import verify_evidence
from shared.ledger.verifier import Question, verify_ledger
from shared.usecases.proving import prove_record
from shared.usecases.reading import list_segments

DATA = Path(__file__).parent / "data"
RECORDS, QUICK_RECORDS = 1_000_000, 100_000
KQL = (
    "AuditRecords | where RecordType == 'access' and Allowed == true"
    " | summarize calls = count(), characters = sum(InputChars), callers = dcount(Principal)"
    " by Operation, bin(TimeGenerated, 1d) | order by calls desc"
)
FLOORS = {
    "ledger_verify": 1 / 8,
    "ledger_linear": 0.8,
    "ledger_memory_room": 1.0,
    "ledger_prove_room": 1.0,
    "ledger_kql_room": 1.0,
}

type Measured = dict[str, float]


def run(options: Options) -> Findings:
    """Generate what is missing, then measure each step: twice where it is compared, and the better counts."""
    records = QUICK_RECORDS if options.is_quick else RECORDS
    large = generate(DATA / f"ledger-{records}", records)
    small = generate(DATA / f"ledger-{records // 10}", records // 10)
    files = sorted(str(path) for path in large.rglob("*") if path.is_file())
    sha = min((_time_sha256sum(files) for _ in range(2)), key=_cpu)
    whole = min((_run_step("verify", large) for _ in range(2)), key=_cpu)
    tenth = min((_run_step("verify", small) for _ in range(3)), key=_cpu)
    shutil.rmtree(cache_folder(large), ignore_errors=True)
    steps = {name: _run_step(name, large) for name in ("prepare", "prove", "kql")}
    figures: dict[str, Measured] = {"sha256sum": sha, "verify": whole, "verify_tenth": tenth, **steps}
    ratios = {
        "ledger_verify": sha["cpu_s"] / whole["cpu_s"],
        "ledger_linear": 10 * tenth["cpu_s"] / whole["cpu_s"],
        "ledger_memory_room": 300 / whole["peak_mib"],
        "ledger_prove_room": 1 / steps["prove"]["wall_s"],
        "ledger_kql_room": 5 / steps["kql"]["wall_s"],
    }
    rounded = {name: round(value, 3) for name, value in ratios.items()}
    size = sum(Path(path).stat().st_size for path in files)
    return Findings(
        {"records": records, "bytes": size, **figures}, rounded, FLOORS, (_render(records, size, figures),)
    )


def _render(records: int, size: int, figures: dict[str, Measured]) -> str:
    rows = [
        (name, f"{measured['wall_s']:.2f}", f"{measured['cpu_s']:.2f}", f"{measured['peak_mib']:.0f}")
        for name, measured in figures.items()
    ]
    table = render_table(("step", "wall s", "CPU s", "MiB"), rows)
    return f"Ledger of {records:,} records, {size:,} bytes\n{table}"


def _cpu(measured: Measured) -> float:
    return measured["cpu_s"]


def _time_sha256sum(files: list[str]) -> Measured:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": wall, "cpu_s": cpu, "peak_mib": 0.0}


def _run_step(step: str, ledger: Path) -> Measured:
    command = [sys.executable, "-m", "bench.ledger_bench", step, str(ledger)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
    if done.returncode != 0:
        raise BenchError(f"the step {step} failed on {ledger}")
    measured: Measured = json.loads(done.stdout)
    return measured


def _verify(ledger: Path) -> None:
    question = Question(FolderSource(ledger), (service_key().verifier,), datetime.now(UTC))
    report = verify_ledger(question)
    if report.findings:
        sys.exit(report.verdict)


def _prepare(ledger: Path) -> None:
    prepare(ledger, is_quiet=True)


def _prove(ledger: Path) -> None:
    source, keys = FolderSource(ledger), (service_key().verifier,)
    segments = list_segments(source)
    writer = sorted(segments)[1]
    hashes = open_index(writer, segments[writer], cache_folder(ledger))
    if hashes is None:
        sys.exit("there is no index")
    middle = sum(segment.size for segment in segments[writer]) // 3_000
    verify_evidence(prove_record(source, LOG, keys, (writer, middle), hashes), LOG, keys)


def _ask(ledger: Path) -> None:
    with open_tables(cache_folder(ledger) / "records") as connection:
        _, rows = fetch(run_kql(connection, KQL))
    if not rows:
        sys.exit("the query found nothing")


STEPS: dict[str, Callable[[Path], None]] = {
    "verify": _verify,
    "prepare": _prepare,
    "prove": _prove,
    "kql": _ask,
}

SCENARIO = Scenario("ledger", "verifying, proving and asking a ledger of a million records", run)


def main() -> None:
    """One step, in a process of its own: its times and peak memory as JSON."""
    parser = argparse.ArgumentParser(description="One step of the ledger benchmark.")
    parser.add_argument("step", choices=list(STEPS))
    parser.add_argument("ledger", type=Path)
    given = parser.parse_args()
    wall, cpu = time.perf_counter(), time.process_time()
    STEPS[given.step](given.ledger)
    measured = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    print(json.dumps({**measured, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
