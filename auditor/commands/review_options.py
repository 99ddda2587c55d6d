"""Options that the commands about reviews share, and what they name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.calling import open_calls
from auditor.errors import AuditorError
from auditor.locating import locate_evidence
from auditor.output import progress_bar
from auditor.reviewed import LoadedReview, load_from_evidence, load_from_service
from shared.errors import MalformedReview
from shared.review.directory import Directory
from shared.review.directory_json import parse_directory

ReviewArgument = Annotated[
    str | None,
    typer.Argument(metavar="[REVIEW]", help="A review's id; left out: the newest.", show_default=False),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url", help="The service's address; else AUDIT_URL, or the local cloud.", show_default=False
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Your access token for the service; else AUDIT_TOKEN.",
        show_default=False,
    ),
]
PersonaOption = Annotated[
    str | None,
    typer.Option("--persona", help="Somebody of the local cloud, such as reviewer.", show_default=False),
]
NamesOption = Annotated[
    Path | None,
    typer.Option(
        "--names",
        metavar="FILE",
        help="A saved directory (review directory --names): names are added here, and nowhere else.",
        show_default=False,
    ),
]


def load_review(
    review_id: str | None,
    evidence: str | None,
    archive: str | None,
    keys: list[str] | None,
    service: tuple[str | None, Path | None, str | None],
    *,
    is_quiet: bool,
) -> LoadedReview:
    """From the evidence where it is named, else from the service: its address, token file, persona."""
    if evidence is None and any(service):
        return load_from_service(open_calls(*service), review_id)
    found = locate_evidence(evidence, archive, keys or ())
    with progress_bar(f"verifying {found.label}", is_quiet=is_quiet) as progress:
        return load_from_evidence(found, review_id, progress)


def read_directory(file: Path) -> Directory:
    """A saved reading of the directory. Raises AuditorError."""
    try:
        return parse_directory(file.read_bytes())
    except OSError as error:
        raise AuditorError(f"cannot read {file}: {error.strerror}") from None
    except MalformedReview as error:
        raise AuditorError(f"{file}: {error.message}") from error


def write_file(path: Path, data: bytes) -> None:
    """Write a file, and its folder where that is not there. Raises AuditorError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise AuditorError(f"cannot write {path}: {error.strerror}") from None
