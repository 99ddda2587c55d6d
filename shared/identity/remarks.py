"""What is questionable in a policy that is right: remarks by line, and which of them the file accepts.

`parse_policy` refuses what cannot be meant. A remark is about what can: it names what somebody should look at
before it is merged. A policy accepts one with a comment on its line, or right above it:

    # accepted: sensitive-without-purpose: clients of stock Presidio send no X-Purpose

An acceptance without its remark is a mistake: it outlived what it was written for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from shared.identity.shapes import Path, render_path
from shared.identity.yaml_lines import Document

Severity = Literal["error", "warning", "note"]

MIN_REASON_CHARS = 15
IDLE = "idle-acceptance"

_ACCEPTED = re.compile(r"(?:^|\s)# accepted: ([a-z-]+)(?::\s*(.*))?$")


@dataclass(frozen=True, slots=True)
class Known:
    """What the configured recognizers find, and which of that no policy of ours knows by name."""

    found: frozenset[str]


@dataclass(frozen=True, slots=True)
class Advice:
    """What a rule finds: about what, and what to change. `path` leads to the value in the file."""

    severity: Severity
    code: str
    path: Path
    message: str


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """One finding about a policy file. `accepted` is the file's reason, None where there is none."""

    line: int
    severity: Severity
    code: str
    place: str
    message: str
    accepted: str | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A comment that accepts a remark, with its line and the line that it is about."""

    line: int
    about: int
    code: str
    reason: str


def settle_remarks(
    advice: Collection[Advice], document: Document, text: str, unchecked: Collection[str] = ()
) -> list[Remark]:
    """The remarks by line, each with the reason of its acceptance; and what is wrong with acceptances.

    `unchecked` are codes that could not be looked for: their acceptances are not called idle.
    """
    acceptances = list(read_acceptances(text))
    used: set[Acceptance] = set()
    remarks = []
    for one in advice:
        line = document.line_of(one.path)
        lines = {line, document.line_of(one.path[:2])}
        accepted = next((a for a in acceptances if a.code == one.code and a.about in lines), None)
        if accepted is not None:
            used.add(accepted)
        reason = accepted.reason if accepted else None
        remarks.append(Remark(line, one.severity, one.code, render_path(one.path), one.message, reason))
    remarks += [_idle(a) for a in acceptances if a not in used and a.code not in unchecked]
    remarks += [_unreasoned(a) for a in acceptances if a in used and len(a.reason) < MIN_REASON_CHARS]
    return sorted(remarks, key=lambda remark: (remark.line, remark.code, remark.place))


def read_acceptances(text: str) -> Iterator[Acceptance]:
    """Comments that accept a remark. On lines of their own they are about the next line that is none."""
    waiting: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = _ACCEPTED.search(line)
        is_comment = line.lstrip().startswith("#")
        if match is not None:
            waiting.append((number, match[1], (match[2] or "").strip()))
        if is_comment or not line.strip():
            continue
        yield from (Acceptance(at, number, code, reason) for at, code, reason in waiting)
        waiting = []
    yield from (Acceptance(at, 0, code, reason) for at, code, reason in waiting)


def count_open(remarks: Collection[Remark]) -> int:
    """Remarks that nobody has accepted."""
    return sum(remark.accepted is None for remark in remarks)


def _idle(acceptance: Acceptance) -> Remark:
    return Remark(
        acceptance.line,
        "warning",
        IDLE,
        "",
        f"accepts {acceptance.code!r}, which is not remarked here; delete the comment, or put it right above"
        " the line that it is about",
    )


def _unreasoned(acceptance: Acceptance) -> Remark:
    return Remark(
        acceptance.line,
        "warning",
        IDLE,
        "",
        f"accepts {acceptance.code!r} without saying why; expected a reason of {MIN_REASON_CHARS} characters",
    )
