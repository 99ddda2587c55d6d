"""The verdict of a verification, for people and for machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from shared.ledger.findings import Finding, Weight

MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified and what was found. `checked_at` and `sealed_at` are record times; sizes are counts.

    `checkpoint` is the newest signed checkpoint of the root log that verified: kept outside, it is what a
    later verification starts from and what shows a rollback. `since` is the root size this one began at.
    """

    log: str
    checked_at: str
    keys: tuple[str, ...]
    writers: int
    segments: int
    records: int
    size_bytes: int
    root_size: int
    sealed_at: str
    checkpoint: str
    since: int
    receipts: int
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings of tampering, 2 something could not be checked."""
        weights = {finding.weight for finding in self.findings}
        if Weight.TAMPERING in weights:
            return 1
        return 2 if Weight.UNCHECKED in weights else 0

    @property
    def verdict(self) -> str:
        """One line that a reader who reads no further can act upon."""
        counts = Counter(finding.weight for finding in self.findings)
        new = f" new since root size {self.since:,}," if self.since else ""
        scope = f"{self.records:,} records{new} of {self.writers:,} writers"
        if counts[Weight.TAMPERING]:
            return f"NOT INTACT: {counts[Weight.TAMPERING]:,} findings in {scope}."
        if counts[Weight.UNCHECKED]:
            return f"NOT FULLY CHECKED: {counts[Weight.UNCHECKED]:,} things could not be checked in {scope}."
        sealed = f"sealed up to {self.sealed_at}" if self.root_size else "with no root log"
        return f"INTACT: {scope}, complete and unmodified, {sealed}."

    def to_json(self) -> dict[str, Any]:
        """The report as JSON; `findings` is complete."""
        return {
            "v": 1,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "log": self.log,
            "checked_at": self.checked_at,
            "trusted_keys": list(self.keys),
            "writers": self.writers,
            "segments": self.segments,
            "records": self.records,
            "bytes": self.size_bytes,
            "root_size": self.root_size,
            "sealed_at": self.sealed_at,
            "checkpoint": self.checkpoint,
            "since": self.since,
            "receipts": self.receipts,
            "findings": [
                {
                    "class": finding.kind.value,
                    "weight": finding.weight.value,
                    "object": finding.object,
                    "index": finding.index,
                    "detail": finding.detail,
                    "meaning": finding.meaning,
                }
                for finding in self.findings
            ],
        }


def render_text(report: Report) -> str:
    """The report for a person: the verdict first, then what was checked, then each finding in words."""
    lines = [report.verdict, ""]
    lines += _findings(report)
    lines += [
        f"Log             {report.log}",
        f"Checked at      {report.checked_at}",
        f"Read            {report.segments:,} segments, {report.size_bytes:,} bytes",
        f"Root log        {report.root_size:,} entries"
        + (f", newest {report.sealed_at}" if report.sealed_at else ""),
        f"Began at        {'the beginning' if not report.since else f'root size {report.since:,}'}",
        f"Outside proofs  {report.receipts:,}"
        + ("" if report.receipts else " (a rollback of everything is not excluded)"),
        *(f"Trusted key     {key}" for key in report.keys),
    ]
    return "\n".join(lines) + "\n"


def _findings(report: Report) -> list[str]:
    lines: list[str] = []
    for finding in report.findings[:MAX_SHOWN]:
        place = finding.object if finding.index is None else f"{finding.object} at {finding.index}"
        lines += [
            f"[{finding.weight.value}] {finding.kind.value}: {place}",
            f"    {finding.meaning};",
            f"    {finding.detail}.",
            "",
        ]
    if len(report.findings) > MAX_SHOWN:
        lines += [f"... and {len(report.findings) - MAX_SHOWN:,} more; the JSON report has all of them.", ""]
    return lines
