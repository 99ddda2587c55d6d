"""`witness` and `witness-key`: another party's cosignature over the root log, from another account."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from auditor.caching import write_whole
from auditor.commands.options import EvidenceArgument, JsonOption, KeyOption
from auditor.errors import AuditorError
from auditor.locating import locate_evidence
from auditor.output import print_json, print_text
from shared.errors import LedgerError
from shared.ledger.notes import CosignerKey
from shared.usecases.witnessing import Witness

WitnessKeyOption = Annotated[
    Path, typer.Option("--witness-key", metavar="FILE", help="The witness' Ed25519 key (PEM, PKCS #8).")
]
NameOption = Annotated[
    str, typer.Option("--name", metavar="NAME", help="The witness' name, such as witness.example.org/w1.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(witness)
    app.command("witness-key")(witness_key)


class FileNotebook:
    """The witness' memory in a file: the last checkpoint that it signed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> bytes | None:
        """The last checkpoint, None before the first. Raises AuditorError where it cannot be read."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AuditorError(f"--state: cannot read {self._path}: {error.strerror}") from error

    def save(self, data: bytes) -> None:
        """Replace it in one step."""
        try:
            write_whole(self._path, data)
        except OSError as error:
            raise AuditorError(f"--state: cannot write {self._path}: {error.strerror}") from error


def witness(
    key_file: WitnessKeyOption,
    name: NameOption,
    state: Annotated[
        Path,
        typer.Option("--state", metavar="FILE", help="What was signed last: where only the witness writes."),
    ],
    evidence: EvidenceArgument = None,
    key: KeyOption = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", help="Keep cosigned checkpoints there, as <size>.note."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Cosign the newest root checkpoint, if it continues what was signed before. Run it by a timer.

    What it keeps shows a rollback and a split view: give it to verify --receipts. Exit status: 0 signed or
    nothing to sign, 1 refused.
    """
    found = locate_evidence(evidence, None, key or ())
    cosigner = CosignerKey(name, _read_key(key_file))
    watching = Witness(
        found.source, found.log, found.keys, cosigner, FileNotebook(state), lambda: datetime.now(UTC)
    )
    try:
        cosigned = watching.run()
    except LedgerError as error:
        if as_json:
            print_json({"signed": False, "code": error.code, "message": error.message})
        else:
            print_text(f"REFUSED: {error.message}.")
        raise typer.Exit(1) from error
    if cosigned is None:
        print_text("Nothing is sealed yet.")
        return
    if to is not None:
        write_whole(to / f"{cosigned.checkpoint.size:012}.note", cosigned.note)
    if as_json:
        print_json({"signed": True, "size": cosigned.checkpoint.size, "note": cosigned.note.decode()})
    else:
        print_text(cosigned.note.decode())


def witness_key(key_file: WitnessKeyOption, name: NameOption, as_json: JsonOption = False) -> None:
    """Print a witness' verifier key; the key itself is made where the file is not there yet."""
    if not key_file.exists():
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    vkey = CosignerKey(name, _read_key(key_file)).verifier.vkey
    if as_json:
        print_json({"vkey": vkey})
    else:
        print_text(vkey)


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise AuditorError(f"--witness-key: cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise AuditorError(f"--witness-key: {path} is no unencrypted PEM private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise AuditorError(f"--witness-key: {path} is no Ed25519 key")
    return key
