"""The rules of the access review: what the people who are told can do with it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from devstack.alerts.evaluation import evaluate
from devstack.alerts.rules import load_rule
from devstack.loganalytics.database import Database
from tests.support.attacks import ATTACKS
from tests.support.month import span_of_silence

AT = span_of_silence()[1] - timedelta(hours=13)


def dimensions(database: Database, name: str, at: datetime = AT) -> dict[str, str]:
    """What the one alert of a rule says after its attack."""
    [attack] = [each for each in ATTACKS if each.rule == name]
    attack.play(database, at)
    [violation] = evaluate(load_rule(name), database, at + attack.look)
    return dict(violation.dimensions)


def test_a_review_that_is_ready_links_its_page(sandbox: Database) -> None:
    """The path in the archive, the route that answers with the same, what was found, until when."""
    told = dimensions(sandbox, "review-ready")
    assert told["Page"] == "v1/reviews/2026-12/report.html"
    assert told["Route"] == "/audit/reviews/2026-12"
    assert '"critical":7' in told["Risks"].replace(" ", "")
    assert told["DecideBy"].startswith("20") and "sign_ins" in told["Unknown"]


def test_an_overdue_review_says_how_often_and_how_much(sandbox: Database) -> None:
    told = dimensions(sandbox, "review-overdue")
    assert (told["Review"], told["Level"], told["Undecided"]) == ("2026-12", "1", "7")


def test_a_failed_review_says_why(sandbox: Database) -> None:
    assert dimensions(sandbox, "review-failed") == {"Review": "2026-12", "Code": "directory_unavailable"}


@pytest.mark.parametrize("name", ["review-ready", "review-overdue", "review-failed"])
def test_each_is_told_once(sandbox: Database, name: str) -> None:
    """Windows follow one another without overlap: the next evaluation is silent again."""
    [attack] = [each for each in ATTACKS if each.rule == name]
    attack.play(sandbox, AT)
    rule = load_rule(name)
    fired = [bool(evaluate(rule, sandbox, AT + attack.look * step)) for step in range(1, 4)]
    assert fired == [True, False, False]
