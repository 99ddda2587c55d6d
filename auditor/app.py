"""The commands, joined. `python -m auditor --help` lists them."""

from __future__ import annotations

import sys

import typer

from auditor.commands import (
    configuration,
    copies,
    governing,
    keys,
    proofs,
    records,
    reviewing,
    tables,
    verification,
    witnessing,
)
from auditor.output import err
from shared.errors import PresidioAccessError

app = typer.Typer(
    name="auditor",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Prove that an audit ledger is complete and unmodified, and ask it questions. Offline, from a copy "
    "and one public key. EVIDENCE is a folder, a .zip file, a container's name or its URL; with the local "
    "cloud running it may be left out.",
    epilog="Exit status: 0 intact · 1 findings · 2 something could not be checked · 3 the command failed.",
)
for module in (
    verification,
    records,
    proofs,
    tables,
    copies,
    keys,
    witnessing,
    governing,
    configuration,
    reviewing,
):
    module.register(app)


def main() -> None:
    """Run a command; an error is one sentence on stderr and exit status 3."""
    try:
        app(standalone_mode=True)
    except PresidioAccessError as error:
        err.print(f"auditor: {error.message}", markup=False, style="red")
        sys.exit(3)
    except KeyboardInterrupt:
        sys.exit(130)
