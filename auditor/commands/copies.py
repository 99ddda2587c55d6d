"""`pull`: a local copy, to verify and ask offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.caching import build_index, cache_folder, open_index
from auditor.commands.options import ArchiveOption, EvidenceArgument, JsonOption, KeyOption
from auditor.folders import FolderSource
from auditor.locating import locate_evidence
from auditor.output import print_json, print_text, progress_bar
from auditor.pulling import pull_both
from auditor.tables import build_tables
from shared.usecases.reading import list_segments


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(pull)


def pull(
    evidence: EvidenceArgument = None,
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="Where the copy goes; made where it is not there.")
    ] = Path("ledger"),
    archive: ArchiveOption = None,
    key: KeyOption = None,
    tables: Annotated[
        bool,
        typer.Option(help="Also prepare tables and indexes beside the copy, for quick queries and proofs."),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Copy the evidence into a folder. Run it again to continue, or to fetch what came since.

    With an archive the copy is whole: it has the logs and the reports of reviews that are only there.
    """
    found = locate_evidence(evidence, archive, key or ())
    to.mkdir(parents=True, exist_ok=True)
    with progress_bar(f"pulling {found.label}", is_quiet=as_json) as progress:
        pulled = pull_both(found.source, found.archive, to, progress)
    if tables:
        prepare(to, is_quiet=as_json)
    if as_json:
        print_json(
            {
                "folder": str(to),
                "objects": pulled.objects,
                "bytes": pulled.size_bytes,
                "fetched": pulled.fetched,
                "fetched_bytes": pulled.fetched_bytes,
            }
        )
    else:
        print_text(
            f"{pulled.objects:,} objects, {pulled.size_bytes:,} bytes in {to};"
            f" {pulled.fetched_bytes:,} bytes fetched now.\nNext: python -m auditor verify {to}"
        )


def prepare(folder: Path, *, is_quiet: bool) -> None:
    """Build tables and indexes beside a copy, where they are missing."""
    source, cache = FolderSource(folder), cache_folder(folder)
    groups = list_segments(source)
    segments = [segment for group in groups.values() for segment in group]
    missing = [writer for writer in groups if open_index(writer, groups[writer], cache) is None]
    total = sum(segment.size for segment in segments)
    total += sum(segment.size for writer in missing for segment in groups[writer])
    done = 0
    with progress_bar("preparing tables and indexes", is_quiet=is_quiet) as progress:

        def advance(count: int) -> None:
            nonlocal done
            done += count
            progress(done, total)

        build_tables(source, segments, cache / "records", advance)
        for writer in missing:
            build_index(source, writer, groups[writer], cache, advance)
