"""`review directory`, `review run`, `review render`: read a directory, make a review, draw its page."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from ulid import ULID

from auditor.commands.options import ArchiveOption, EvidenceOption, JsonOption, KeyOption
from auditor.commands.review_options import NamesOption, read_directory, write_file
from auditor.directories import open_directory
from auditor.errors import AuditorError
from auditor.locating import locate_evidence
from auditor.output import print_json, print_text, progress_bar
from shared.errors import MalformedReview, SettingsError
from shared.identity.policy import Policy, parse_policy
from shared.review.directory import Directory
from shared.review.directory_json import render_directory
from shared.review.findings import RISKS, Review
from shared.review.page.document import render_page
from shared.review.report_csv import render_principals_csv
from shared.review.report_json import parse_report
from shared.usecases.reviews.making import ReviewSettings, make_review, render_reports
from shared.usecases.reviews.window import Evidence

TenantOption = Annotated[
    str | None, typer.Option("--tenant", help="The tenant's id, to read Microsoft Graph.", show_default=False)
]
AppOption = Annotated[
    str | None,
    typer.Option("--app-id", help="Client id of the API's registration in that tenant.", show_default=False),
]


def directory(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where to write it.")],
    tenant: TenantOption = None,
    app_id: AppOption = None,
    names: Annotated[bool, typer.Option("--names", help="With the names of people and apps.")] = False,
) -> None:
    """Save who holds which role, as Microsoft Graph tells it to you."""
    read = open_directory(tenant, app_id).read(datetime.now(UTC), names)
    write_file(to, render_directory(read))
    print_text(f"{len(read.principals):,} principals, {len(read.grants):,} grants; {to}")
    for each in read.unknown:
        print_text(f"not known: {each.code} {each.subject}: {each.message}")


def run(
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where to write the reports.")],
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    archive: ArchiveOption = None,
    saved: Annotated[
        Path | None,
        typer.Option(
            "--directory",
            metavar="FILE",
            help="A saved directory; left out, Graph is read.",
            show_default=False,
        ),
    ] = None,
    tenant: TenantOption = None,
    app_id: AppOption = None,
    policy: Annotated[
        Path, typer.Option("--policy", metavar="FILE", help="The policy that was in force.")
    ] = Path("config/policy.yaml"),
    days: Annotated[int, typer.Option("--days", min=7, max=3_650, help="Days of records.")] = 90,
    decide_days: Annotated[int, typer.Option("--decide-days", min=1, max=90)] = 14,
    names: Annotated[bool, typer.Option("--names", help="Names of people in the reports.")] = False,
    review_id: Annotated[
        str | None, typer.Option("--id", help="The review's id; left out, a new one.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a review of some evidence now. Nothing is written to the ledger: the timer's reviews are recorded.

    Exit status: 0 where the evidence is intact, 1 with findings about it, 2 where it could not be checked.
    """
    found = locate_evidence(evidence, archive, key or ())
    now = datetime.now(UTC)
    read = read_directory(saved) if saved else open_directory(tenant, app_id).read(now, names)
    with progress_bar(f"verifying {found.label}", is_quiet=as_json) as progress:
        review = make_review(
            Evidence(found.source, found.keys, found.archive),
            read,
            read_policy(policy),
            review_id or str(ULID()),
            now,
            ReviewSettings(days, decide_days, names),
            progress=progress,
        )
    files = {**render_reports(review), "principals.csv": render_principals_csv(review)}
    for name, data in files.items():
        write_file(to / name, data)
    print_summary(review, to, as_json=as_json)
    raise typer.Exit({"intact": 0, "findings": 1, "unchecked": 2}[review.window.verdict])


def read_policy(path: Path) -> Policy:
    """The policy of a file. Raises AuditorError with every mistake in it."""
    try:
        return parse_policy(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError):
        raise AuditorError(f"--policy: cannot read {path}") from None
    except SettingsError as error:
        raise AuditorError(error.message) from error


def print_summary(review: Review, to: Path, *, as_json: bool) -> None:
    """What was found, in a few lines."""
    risks, kinds = (
        Counter(each.risk for each in review.findings),
        Counter(each.kind for each in review.findings),
    )
    if as_json:
        print_json(
            {
                "review": review.id,
                "verdict": review.window.verdict,
                "records": review.window.records,
                "principals": len(review.rows),
                "risks": {risk: risks[risk] for risk in reversed(RISKS)},
                "findings": dict(sorted(kinds.items())),
                "unknown": sorted({each.code for each in review.unknown}),
                "to": str(to),
            }
        )
        return
    said = ", ".join(f"{risks[risk]} {risk}" for risk in reversed(RISKS))
    window = review.window
    print_text(
        f"Review {review.id}: {len(review.findings):,} findings ({said}), {len(review.rows):,} principals.\n"
        f"{window.records:,} records between root sizes {window.from_size:,} and {window.to_size:,}:"
        f" {window.verdict}.\n"
    )
    for kind, number in kinds.most_common():
        print_text(f"{number:>6,}  {kind}")
    for each in review.unknown:
        print_text(f"not known: {each.code} {each.subject}: {each.message}")
    print_text(f"\n{to / 'report.html'}")


def render(
    report: Annotated[Path, typer.Argument(metavar="REPORT.json", help="A JSON report of a review.")],
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="Where to write the page.")],
    names: NamesOption = None,
) -> None:
    """Draw the page of a JSON report, with names that only this copy gets."""
    try:
        review = parse_report(report.read_bytes())
    except OSError as error:
        raise AuditorError(f"cannot read {report}: {error.strerror}") from None
    except MalformedReview as error:
        raise AuditorError(f"{report}: {error.message}") from error
    named = with_names(review, read_directory(names)) if names else review
    write_file(html, render_page(named).html.encode())
    print_text(str(html))


def with_names(review: Review, directory: Directory) -> Review:
    """The review with the names that a directory knows."""
    known = {key: each.name for key, each in directory.principals.items()}
    return replace(review, rows=tuple(replace(row, name=known.get(row.key, row.name)) for row in review.rows))
