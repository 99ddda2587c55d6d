"""`review export` and `review apply`: carry out what was decided, and nothing that was not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from auditor.calling import ServiceCalls, open_calls, segment
from auditor.commands.options import ArchiveOption, EvidenceOption, KeyOption
from auditor.commands.review_options import (
    PersonaOption,
    ReviewArgument,
    TokenFileOption,
    UrlOption,
    load_review,
    write_file,
)
from auditor.deleting import GraphDeletions
from auditor.directories import GRAPH_URL, person_credential
from auditor.errors import AuditorError
from auditor.locating import read_state
from auditor.output import print_text
from auditor.reviewed import load_from_service
from shared.review.report_csv import render_findings_csv, render_principals_csv
from shared.review.revocations import Revocation, plan_revocations, render_script

AppOption = Annotated[
    str | None,
    typer.Option(
        "--app-id", help="Client id of the API's registration; else REVIEW_APP_ID.", show_default=False
    ),
]


def export(
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where to write.")],
    review: ReviewArgument = None,
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    archive: ArchiveOption = None,
    app_id: AppOption = None,
    url: UrlOption = None,
    token_file: TokenFileOption = None,
    persona: PersonaOption = None,
) -> None:
    """Write what was revoked as `az rest` commands to read and run, and the review as two CSV tables."""
    loaded = load_review(review, evidence, archive, key, (url, token_file, persona), is_quiet=False)
    planned = plan_revocations(loaded.review, loaded.standings, choose_app_id(app_id))
    script = render_script(planned, loaded.review.id, os.environ.get("GRAPH_URL") or GRAPH_URL)
    files = {
        "revoke.sh": script.encode(),
        "findings.csv": render_findings_csv(loaded.review),
        "principals.csv": render_principals_csv(loaded.review),
    }
    for name, data in files.items():
        write_file(to / name, data)
    commands = sum(len(each.deletions) for each in planned)
    print_text(f"{len(planned):,} revocations, {commands:,} commands: {to / 'revoke.sh'}. {loaded.verdict}")


def apply(
    review: Annotated[str, typer.Argument(metavar="REVIEW", help="The review's id.")],
    app_id: AppOption = None,
    url: UrlOption = None,
    token_file: TokenFileOption = None,
    persona: PersonaOption = None,
    yes: Annotated[
        bool,
        typer.Option("--yes-really-revoke", help="Delete. Without it, what would be deleted is shown."),
    ] = False,
) -> None:
    """Carry out the recorded revocations at Microsoft Graph as yourself, and report each one as applied.

    Only what stands as revoked in the ledger is touched. Exit status: 0 all done, 1 something was refused.
    """
    calls = open_calls(url, token_file, persona)
    loaded = load_from_service(calls, review)
    planned = plan_revocations(loaded.review, loaded.standings, choose_app_id(app_id))
    if not planned:
        print_text("Nothing stands as revoked.")
        return
    if not yes:
        for each in planned:
            for line in _describe(each):
                print_text(line)
        print_text("\nNothing was deleted: --yes-really-revoke does it.")
        return
    graph = GraphDeletions(os.environ.get("GRAPH_URL") or GRAPH_URL, person_credential())
    done = [carry_out(each, loaded.review.id, graph, calls) for each in planned]
    raise typer.Exit(0 if all(done) else 1)


def carry_out(each: Revocation, review_id: str, graph: GraphDeletions, calls: ServiceCalls) -> bool:
    """Delete, and report the finding as applied once nothing is left of it. False where something is."""
    if not each.deletions:
        print_text(f"{each.finding.id}: nothing to delete at Graph. {each.finding.proposal}")
        return False
    ended = [(deletion, graph.delete(deletion.path)) for deletion in each.deletions]
    for deletion, deleted in ended:
        words = {204: "deleted", 404: "gone already"}.get(deleted.status, f"REFUSED ({deleted.status})")
        print_text(f"{each.finding.id}: {words}: {deletion.words}")
    if not all(deleted.is_done for _, deleted in ended):
        return False
    decision = each.standing.decision
    applied = {
        "finding": each.finding.id,
        "choice": "applied",
        "justification": f"Carried out at Microsoft Graph: {len(ended)} deletion(s), "
        + ", ".join(str(deleted.status) for _, deleted in ended),
        "replaces": decision.record if decision else None,
    }
    calls.post(f"/audit/reviews/{segment(review_id)}/decisions", {"decisions": [applied]})
    return True


def _describe(each: Revocation) -> list[str]:
    finding = each.finding
    who = finding.principal[1] if finding.principal else "no principal"
    head = f"{finding.id}  {finding.risk}  {finding.kind}  {who}  {finding.role or '-'}"
    lines = [f"    DELETE {deletion.path}   ({deletion.words})" for deletion in each.deletions]
    return [head, *(lines or [f"    nothing to delete at Graph. {finding.proposal}"])]


def choose_app_id(app_id: str | None) -> str:
    """The option's, REVIEW_APP_ID's, or the local cloud's. Raises AuditorError."""
    graph = read_state(os.environ).get("graph")
    local = graph.get("app_id") if isinstance(graph, dict) else None
    chosen = app_id or os.environ.get("REVIEW_APP_ID") or local
    if not chosen:
        raise AuditorError("whose roles? give --app-id, the client id of the API's registration")
    return str(chosen)
