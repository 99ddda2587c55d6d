"""The commands about access reviews, joined: `auditor review …`."""

from __future__ import annotations

import typer

from auditor.commands.review_carrying import apply, export
from auditor.commands.review_deciding import decide, show, status
from auditor.commands.review_making import directory, render, run


def register(app: typer.Typer) -> None:
    """Add the commands."""
    review = typer.Typer(
        name="review",
        no_args_is_help=True,
        help="Access reviews: make one, see one, decide, and carry out what was decided.",
    )
    for command in (run, show, status, decide, export, apply, render, directory):
        review.command()(command)
    app.add_typer(review)
