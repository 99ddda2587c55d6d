"""`prove` and `check-proof`: one record for a third party; `tlog`: a whole log for other people's tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from auditor.bundles import check_bundle, write_bundle
from auditor.caching import build_index, cache_folder, open_index
from auditor.commands.options import EvidenceOption, JsonOption, KeyOption
from auditor.errors import AuditorError
from auditor.locating import NO_KEYS, Evidence, locate_evidence, read_keys, read_state
from auditor.output import print_json, print_text, progress_bar
from shared.errors import LedgerError, MalformedLedger, ObjectMissing
from shared.ledger.proofs import HashReader
from shared.ledger.receipts import parse_record_name
from shared.ledger.verifier import log_name
from shared.usecases.proving import prove_record
from shared.usecases.reading import list_segments

RecordArgument = Annotated[str, typer.Argument(metavar="WRITER/INDEX", help="As X-Audit-Record has it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(prove)
    app.command("check-proof")(check_proof)


def prove(
    record: RecordArgument,
    evidence: EvidenceOption = None,
    key: KeyOption = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", help="Default: proof-<writer>-<index>.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a record with everything that proves it into a folder, for somebody who trusts only the key."""
    found = locate_evidence(evidence, None, key or ())
    try:
        name = parse_record_name(record)
    except MalformedLedger as error:
        raise AuditorError(error.message) from error
    folder = to or Path(f"proof-{name[0]}-{name[1]}")
    try:
        proof = prove_record(
            found.source, found.log, found.keys, name, _index_of(found, name[0], is_quiet=as_json)
        )
    except ObjectMissing as error:
        raise AuditorError(f"{error.message} in {found.label}") from error
    files = write_bundle(folder, proof, found.keys)
    if as_json:
        print_json(
            {"record": record, "folder": str(folder), "files": files, "sealed": proof.seal is not None}
        )
    else:
        print_text(f"{record} is proven: {', '.join(files)} in {folder}")
        if proof.seal is None:
            print_text("No root checkpoint covers it yet; prove it again in a minute for the stronger proof.")


def check_proof(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What prove wrote.")],
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a proof against the service's key. Exit status: 0 proven, 1 not."""
    import os

    state_keys = read_state(os.environ).get("trusted_keys", [])
    keys = (
        read_keys(key or ())
        or read_keys(os.environ.get("AUDIT_TRUSTED_KEYS", "").split())
        or read_keys(state_keys)
    )
    if not keys:
        raise AuditorError(NO_KEYS)
    if not folder.is_dir():
        raise AuditorError(f"no folder {folder}")
    try:
        proven = check_bundle(folder, keys, log_name(keys))
    except LedgerError as error:
        if as_json:
            print_json({"proven": False, "code": error.code, "message": error.message})
        else:
            print_text(f"NOT PROVEN: {error.message}.")
        raise typer.Exit(1) from error
    sealed = proven.sealed
    result: dict[str, Any] = {
        "proven": True,
        "record": f"{proven.checkpoint.origin.rpartition('/')[2]}/{proven.index}",
        "log_size": proven.checkpoint.size,
        "sealed_at": sealed[0].time if sealed else None,
        "root_size": sealed[1].size if sealed else None,
        "fields": proven.fields,
    }
    if as_json:
        print_json(result)
        return
    print_text(f"PROVEN: record {result['record']} is in the log, unmodified, at its place.")
    print_text(
        f"Sealed at {sealed[0].time} by {log_name(keys)}."
        if sealed
        else "No seal: the writer's signature alone."
    )


def _index_of(found: Evidence, writer: str, *, is_quiet: bool) -> HashReader | None:
    """The local index of a writer's tree; made now where a local copy has none."""
    if found.folder is None:
        return None
    segments = list_segments(found.source, writer).get(writer, [])
    cache = cache_folder(found.folder)
    index = open_index(writer, segments, cache)
    if index is None and segments:
        total, done = sum(segment.size for segment in segments), 0
        with progress_bar("indexing the writer's log", is_quiet=is_quiet) as progress:

            def advance(count: int) -> None:
                nonlocal done
                done += count
                progress(done, total)

            try:
                build_index(found.source, writer, segments, cache, advance)
            except OSError:
                return None  # a copy on a read-only disk is proven without an index
        index = open_index(writer, segments, cache)
    return index
