"""`policy check`: what is wrong and what is questionable in policy files, for people and pull requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from auditor.output import err, print_json, print_text
from auditor.policies import check_file, default_file, open_policy, try_entities
from shared.identity.remarks import Remark

PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", "-p", metavar="FILE", help="Left out: POLICY_FILE, or config/policy.yaml."),
]

ANNOTATIONS = {"error": "error", "warning": "warning", "note": "notice"}
"""Severity -> GitHub's workflow command."""


class Form(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


type Found = tuple[str, Sequence[Remark]]
"""A file's name and what was found in it."""


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]…", help="Left out: POLICY_FILE, or config/policy.yaml.", show_default=False
        ),
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="How findings are printed.")] = Form.TEXT,
    with_accepted: Annotated[
        bool, typer.Option("--accepted", help="Show what the file accepts, too, with its reasons.")
    ] = False,
    without_recognizers: Annotated[
        bool, typer.Option("--no-recognizers", help="Do not load Presidio to see what is found at all.")
    ] = False,
) -> None:
    """Check policy files: all that the service would refuse to start with, and what is seldom meant.

    Exit status: 0 nothing but what a file accepts, 1 findings, 2 the recognizers could not be looked at,
    3 the command failed.
    """
    found: list[Found] = []
    unchecked: str | None = None
    for path in files or [default_file()]:
        file = open_policy(path)
        known = None
        if not without_recognizers and not file.reading.mistakes:
            known, reason = try_entities(path)
            unchecked = unchecked or reason
        found.append((file.name, check_file(file, known)))
    PRINTERS[form](found, with_accepted)
    if unchecked is not None:
        err.print(f"auditor: not checked against the recognizers: {unchecked}", markup=False, style="yellow")
    is_open = any(remark.accepted is None for _, remarks in found for remark in remarks)
    raise typer.Exit(1 if is_open else 2 if unchecked is not None else 0)


def _print_text(found: Sequence[Found], with_accepted: bool) -> None:
    for name, remarks in found:
        for remark in remarks:
            if remark.accepted is None:
                print_text(f"{name}:{remark.line}: {remark.severity}: {_sentence(remark)} [{remark.code}]")
            elif with_accepted:
                print_text(
                    f"{name}:{remark.line}: accepted: {_sentence(remark)} [{remark.code}]: {remark.accepted}"
                )
        total = len(remarks)
        accepted = sum(remark.accepted is not None for remark in remarks)
        print_text(f"{name}: {total - accepted} findings, {accepted} accepted")


def _print_json(found: Sequence[Found], with_accepted: bool) -> None:
    print_json(
        [
            {"file": name, **asdict(remark)}
            for name, remarks in found
            for remark in remarks
            if with_accepted or remark.accepted is None
        ]
    )


def _print_annotations(found: Sequence[Found], with_accepted: bool) -> None:
    """Workflow commands of GitHub: each becomes a mark on its line of the pull request."""
    for name, remarks in found:
        for remark in remarks:
            if remark.accepted is not None and not with_accepted:
                continue
            kind = "notice" if remark.accepted is not None else ANNOTATIONS[remark.severity]
            place = f"file={_property(name)},line={remark.line},title={_property(remark.code)}"
            print_text(f"::{kind} {place}::{_data(_sentence(remark))}")


def _sentence(remark: Remark) -> str:
    return f"{remark.place}: {remark.message}" if remark.place else remark.message


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


PRINTERS: dict[Form, Callable[[Sequence[Found], bool], None]] = {
    Form.TEXT: _print_text,
    Form.JSON: _print_json,
    Form.GITHUB: _print_annotations,
}
