"""`verify`: is the evidence complete and unmodified?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import ArchiveOption, EvidenceArgument, JsonOption, KeyOption
from auditor.errors import AuditorError
from auditor.locating import locate_evidence
from auditor.output import print_json, print_text, progress_bar
from shared.errors import LedgerError
from shared.ledger.checkpoints import Checkpoint, parse_checkpoint
from shared.ledger.notes import VerifierKey, parse_note, verify_note
from shared.ledger.receipts import HeldReceipt, parse_receipts
from shared.ledger.reports import render_text
from shared.ledger.rootobjects import TimestampCheck
from shared.ledger.verifier import Question, verify_ledger


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    evidence: EvidenceArgument = None,
    key: KeyOption = None,
    archive: ArchiveOption = None,
    receipts: Annotated[
        list[Path] | None,
        typer.Option(
            "--receipts",
            metavar="FILE",
            help="What was kept outside: receipts of answers, signed root checkpoints. They show a rollback.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since",
            metavar="FILE",
            help="Root checkpoint or JSON report of an earlier verification: only what is newer is read.",
            show_default=False,
        ),
    ] = None,
    tsa: Annotated[
        list[Path] | None,
        typer.Option(
            "--tsa",
            metavar="FILE",
            help="Root certificate (PEM) of a time-stamp authority; its stamps are checked.",
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Write the JSON report to a file.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the evidence: every byte of every log, the root log over them, and what was kept outside.

    Exit status: 0 intact, 1 findings, 2 something could not be checked, 3 the command failed.
    """
    found = locate_evidence(evidence, archive, key or ())
    held = read_receipts(receipts or ())
    before = read_since(since, found.keys) if since else None
    with progress_bar(f"verifying {found.label}", is_quiet=as_json) as progress:
        report = verify_ledger(
            Question(
                source=found.source,
                keys=found.keys,
                now=datetime.now(UTC),
                archive=found.archive,
                receipts=held,
                since=before,
                progress=progress,
                check_timestamp=read_authorities(tsa) if tsa else None,
            )
        )
    if save:
        save.write_text(json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if as_json:
        print_json(report.to_json())
    else:
        print_text(render_text(report))
    raise typer.Exit(report.exit_code)


def read_authorities(files: list[Path]) -> TimestampCheck:
    """A check of time-stamps under root certificates. Raises AuditorError."""
    from cryptography.x509 import load_pem_x509_certificates

    from auditor.timestamps import timestamp_check

    try:
        return timestamp_check(
            [one for file in files for one in load_pem_x509_certificates(file.read_bytes())]
        )
    except OSError as error:
        raise AuditorError(f"--tsa: cannot read a certificate: {error.strerror}") from error
    except ValueError as error:
        raise AuditorError("--tsa: not a certificate in PEM") from error


def read_receipts(files: list[Path] | tuple[()]) -> tuple[HeldReceipt, ...]:
    """All receipts of some files. Raises AuditorError."""
    held: list[HeldReceipt] = []
    for file in files:
        try:
            held += parse_receipts(file.read_bytes())
        except OSError as error:
            raise AuditorError(f"--receipts: cannot read {file}: {error.strerror}") from error
        except LedgerError as error:
            raise AuditorError(f"--receipts: {file}: {error.message}") from error
    return tuple(held)


def read_since(file: Path, keys: tuple[VerifierKey, ...]) -> Checkpoint:
    """The root checkpoint of a file or of a JSON report, verified. Raises AuditorError."""
    try:
        data = file.read_bytes()
        if data.lstrip().startswith(b"{"):
            data = str(json.loads(data).get("checkpoint", "")).encode()
        note = parse_note(data)
        verify_note(note, keys)
        return parse_checkpoint(note.text)
    except OSError as error:
        raise AuditorError(f"--since: cannot read {file}: {error.strerror}") from error
    except (ValueError, LedgerError) as error:
        raise AuditorError(f"--since: {file} holds no root checkpoint signed by a trusted key") from error
