"""`review show`, `review status`, `review decide`: see a review, what is open, and sign off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from auditor.calling import open_calls, segment
from auditor.commands.options import ArchiveOption, EvidenceOption, JsonOption, KeyOption
from auditor.commands.review_making import with_names
from auditor.commands.review_options import (
    NamesOption,
    PersonaOption,
    ReviewArgument,
    TokenFileOption,
    UrlOption,
    load_review,
    read_directory,
    write_file,
)
from auditor.errors import AuditorError
from auditor.output import out, print_json, print_text, printable
from auditor.reviewed import LoadedReview, load_from_service
from shared.records.canonical import format_time
from shared.review.ordering import by_urgency
from shared.review.page.document import render_page
from shared.usecases.reviews.operations import render_standing


def show(
    review: ReviewArgument = None,
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    archive: ArchiveOption = None,
    url: UrlOption = None,
    token_file: TokenFileOption = None,
    persona: PersonaOption = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the page.", show_default=False)
    ] = None,
    names: NamesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a review and how its findings stand: as a page, as JSON, or in lines."""
    service = (url, token_file, persona)
    loaded = load_review(review, evidence, archive, key, service, is_quiet=as_json)
    shown = with_names(loaded.review, read_directory(names)) if names else loaded.review
    if html is not None:
        write_file(html, render_page(shown, loaded.standings).html.encode())
        print_text(str(html))
    elif as_json:
        print_json(_as_json(loaded))
    else:
        _print_findings(loaded, only_open=False)


def status(
    review: ReviewArgument = None,
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    archive: ArchiveOption = None,
    url: UrlOption = None,
    token_file: TokenFileOption = None,
    persona: PersonaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is undecided, the riskiest first. Exit status: 0 nothing, 1 something."""
    service = (url, token_file, persona)
    loaded = load_review(review, evidence, archive, key, service, is_quiet=as_json)
    if as_json:
        print_json(_as_json(loaded))
    else:
        _print_findings(loaded, only_open=True)
    raise typer.Exit(1 if loaded.undecided else 0)


def _as_json(loaded: LoadedReview) -> dict[str, Any]:
    return {
        "review": loaded.review.id,
        "record": loaded.record,
        "digest": loaded.digest,
        "verdict": loaded.verdict,
        "decide_by": format_time(loaded.review.decide_by),
        "undecided": loaded.undecided,
        "findings": [
            {
                "id": each.id,
                "risk": each.risk,
                "kind": each.kind,
                "principal": list(each.principal) if each.principal else None,
                "role": each.role,
                "explanation": each.explanation,
                "proposal": each.proposal,
                **render_standing(loaded.standings[each.id]),
            }
            for each in by_urgency(loaded.review.findings)
        ],
    }


def _print_findings(loaded: LoadedReview, *, only_open: bool) -> None:
    table = Table(title=f"Review {loaded.review.id}", title_justify="left")
    for name in ("finding", "risk", "kind", "principal", "role", "stands"):
        table.add_column(name, overflow="fold")
    for each in by_urgency(loaded.review.findings):
        standing = loaded.standings[each.id]
        if only_open and not standing.is_open:
            continue
        principal = each.principal[1] if each.principal else "-"
        cells = (each.id, each.risk, each.kind, principal, each.role or "-", standing.state)
        table.add_row(*(printable(cell).replace("[", "\\[") for cell in cells))
    out.print(table)
    print_text(
        f"{loaded.undecided:,} of {len(loaded.review.findings):,} findings are undecided;"
        f" to be decided by {loaded.review.decide_by:%Y-%m-%d}. {loaded.verdict}"
    )


def decide(
    review: Annotated[str, typer.Argument(metavar="REVIEW", help="The review's id.")],
    findings: Annotated[
        list[str] | None, typer.Argument(metavar="[FINDING]...", help="Findings.", show_default=False)
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="It is right as it is.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="It is to be taken away.")] = False,
    defer: Annotated[
        str | None,
        typer.Option("--defer", metavar="TIME", help="Decide later, until then.", show_default=False),
    ] = None,
    applied: Annotated[bool, typer.Option("--applied", help="The revocation was carried out.")] = False,
    because: Annotated[
        str | None, typer.Option("--because", help="Why: one line for auditors.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Many at once: the JSON body of the route.", show_default=False
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where somebody has decided: the decision is superseded.")
    ] = False,
    url: UrlOption = None,
    token_file: TokenFileOption = None,
    persona: PersonaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide about findings, as yourself and never about yourself: each decision is a record."""
    calls = open_calls(url, token_file, persona)
    if file is not None:
        body = _read_body(file)
    else:
        choice = _choice(approve=approve, revoke=revoke, defer=defer, applied=applied)
        if not findings or not because:
            raise AuditorError("expected at least one finding, and --because")
        wanted = {**choice, "justification": because}
        body = {"decisions": [{"finding": finding, **wanted} for finding in findings]}
        if replace or applied:
            stands = load_from_service(calls, review).standings
            for each in body["decisions"]:
                standing = stands.get(each["finding"])
                if standing is not None and standing.decision is not None:
                    each["replaces"] = standing.decision.record
    told = calls.post(f"/audit/reviews/{segment(review)}/decisions", body)
    if as_json:
        print_json(told)
        return
    for each in told["decisions"]:
        print_text(f"{each['finding']}  {each['state']}  {each['record']}")
    print_text(f"{told['undecided']:,} findings are undecided.")


def _choice(*, approve: bool, revoke: bool, defer: str | None, applied: bool) -> dict[str, str]:
    chosen = [
        name
        for name, is_chosen in (
            ("approve", approve),
            ("revoke", revoke),
            ("defer", defer),
            ("applied", applied),
        )
        if is_chosen
    ]
    if len(chosen) != 1:
        raise AuditorError("expected one of --approve, --revoke, --defer TIME and --applied")
    return {"choice": chosen[0]} | ({"defer_until": defer} if defer else {})


def _read_body(file: Path) -> dict[str, Any]:
    try:
        body = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise AuditorError(f"--from: cannot read JSON from {file}") from None
    if not isinstance(body, dict):
        raise AuditorError("--from: expected an object with decisions")
    return body
