"""Options that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

_WHERE = (
    "A folder, a .zip file, a container's name or https URL."
    " Left out: what AUDIT_STORAGE_… names, or the local cloud's."
)

EvidenceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[EVIDENCE]",
        help=_WHERE,
        show_default=False,
    ),
]
EvidenceOption = Annotated[
    str | None,
    typer.Option(
        "--in",
        metavar="EVIDENCE",
        help=_WHERE,
        show_default=False,
    ),
]
KeyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        "-k",
        metavar="VKEY|FILE",
        help="A trusted verifier key (the service's, a witness'), or a file of them; several may be given.",
        show_default=False,
    ),
]
ArchiveOption = Annotated[
    str | None,
    typer.Option(
        "--archive",
        metavar="EVIDENCE",
        help="Where archived copies are: they are compared, and what is gone elsewhere is read there.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
