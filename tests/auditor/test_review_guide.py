"""docs/access-review.md, the page and the alerts name commands, options, settings and routes that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from auditor.app import app
from devstack.alerts.rules import read_about
from functions.openapi import build_openapi
from shared.review.page.document import render_page
from shared.settings import Settings
from tests.support.html_reading import read_html
from tests.support.reviews import sample_review

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "access-review.md").read_text("utf-8")
COMMAND = re.compile(r"(?:python -m )?auditor review (\w+)([^`\n#|&]*)")


def named_commands() -> list[tuple[str, str]]:
    page = read_html(render_page(sample_review(1, 1)).html).text
    alerts = "\n".join(
        step
        for name in ("review-ready", "review-overdue", "review-failed")
        for step in read_about(name)["firstSteps"]
    )
    return sorted(
        {(name, rest.strip()) for text in (GUIDE, page, alerts) for name, rest in COMMAND.findall(text)}
    )


def commands() -> dict[str, Any]:
    """The commands of `auditor review` by name, as typer builds them."""
    group: Any = typer.main.get_command(app)
    found: dict[str, Any] = group.commands["review"].commands
    return found


@pytest.mark.parametrize(("name", "rest"), named_commands(), ids=lambda value: str(value)[:50])
def test_a_command_that_is_named_exists_with_its_options(name: str, rest: str) -> None:
    command = commands()[name]
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= known


def test_every_command_is_in_the_guide() -> None:
    assert {name for name, _ in COMMAND.findall(GUIDE)} == set(commands())


def test_settings_and_routes_of_the_guide_exist() -> None:
    named = set(re.findall(r"`(REVIEW[A-Z_]*)`", GUIDE))
    assert named <= {name.upper() for name in Settings.model_fields} and len(named) >= 5
    infra = (ROOT / "infra" / "main.bicep").read_text("utf-8")
    for name in ("accessReviews", "reviewDays", "reviewDecideDays", "reviewNames"):
        assert f"`{name}`" in GUIDE and f"param {name} " in infra
    paths = build_openapi("0")["paths"]
    for path in re.findall(r"(?:GET|POST) (/audit/reviews[^` ]*)", GUIDE):
        assert path in paths


def test_the_files_that_the_guide_points_to_are_there() -> None:
    for path in re.findall(r"`(docs/[\w./-]+\.md)`", GUIDE):
        assert (ROOT / path).is_file(), path
    assert (ROOT / "docs" / "access-review.schema.json").is_file()
