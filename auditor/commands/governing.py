"""The commands about the policy, joined: `policy check`, `policy diff`, `policy explain`, and `explain`."""

from __future__ import annotations

import typer

from auditor.commands.explaining import explain
from auditor.commands.policy import check
from auditor.commands.policy_diff import diff


def register(app: typer.Typer) -> None:
    """Add the commands."""
    policy = typer.Typer(name="policy", no_args_is_help=True, help="Check, compare and explain policy files.")
    policy.command()(check)
    policy.command()(diff)
    policy.command()(explain)
    app.add_typer(policy)
    app.command()(explain)
