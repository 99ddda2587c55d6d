"""Alerts that were told: lines of alerts.jsonl, read back for people."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLLOW_S = 0.5


def read_alerts(file: Path) -> list[dict[str, Any]]:
    """All alerts of a file, the oldest first; none where there is no file."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def follow(file: Path, tell: Callable[[str], None], stop: threading.Event) -> None:
    """Tell each line that is added to the file from now on, until the event."""
    seen = file.stat().st_size if file.exists() else 0
    rest = b""
    while not stop.wait(FOLLOW_S):
        if not file.exists() or file.stat().st_size <= seen:
            continue
        with file.open("rb") as lines:
            lines.seek(seen)
            added = lines.read()
        seen += len(added)
        *whole, rest = (rest + added).split(b"\n")
        for line in whole:
            tell(line.decode("utf-8"))


def describe_line(line: str) -> str:
    """One alert in one line for people."""
    return describe(json.loads(line))


def describe(alert: dict[str, Any]) -> str:
    """`08:41:00 FIRED Sev1 recognizer-burst: ... (Kind=entity, Subject=CRYPTO)`."""
    essentials = alert["data"]["essentials"]
    (condition,) = alert["data"]["alertContext"]["condition"]["allOf"]
    about = ", ".join(f"{part['name']}={part['value']}" for part in condition["dimensions"]) or "the service"
    when = essentials.get("resolvedDateTime", essentials["firedDateTime"])[11:19]
    state = essentials["monitorCondition"].upper()
    rule, title = essentials["alertRule"], essentials["description"]
    return f"{when} {state:8} {essentials['severity']} {rule}: {title} ({about})"
