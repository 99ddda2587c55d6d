"""docs/access-review-rules.md says what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from shared.review.options import ReviewOptions
from shared.review.rules.table import RULES
from shared.review.weights import KIND_WEIGHTS, PERMISSION_WEIGHTS, RISK_FROM
from tests.support.organisation_review import KINDS

PAGE = (Path(__file__).parents[2] / "docs/access-review-rules.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def show(value: object) -> str:
    """A threshold as the page writes it."""
    if isinstance(value, tuple):
        return ", ".join(" + ".join(item) if isinstance(item, tuple) else str(item) for item in value)
    return str(value)


def test_each_rule_stands_on_the_page_with_its_weight() -> None:
    """Reviewers cannot judge a rule that is not explained; one that is explained and not there misleads."""
    listed = {row[0].strip("`"): int(row[-1]) for row in rows("The rules")}
    assert listed == KIND_WEIGHTS
    assert list(listed) == list(RULES)
    assert set(listed) == set(KINDS)


def test_each_threshold_stands_on_the_page_with_its_default() -> None:
    """Names, order and defaults."""
    options = ReviewOptions()
    expected = [(field.name, show(getattr(options, field.name))) for field in fields(options)]
    assert [(row[0].strip("`"), row[1]) for row in rows("Thresholds")] == expected


def test_the_weights_of_permissions_and_the_steps_of_risk_stand_on_the_page() -> None:
    """Weights are the numbers behind the names; risks are said in words."""
    sentence = PAGE.split("Weights of permissions: ")[1].split(".\n")[0]
    weights: dict[str, int] = {}
    waiting: list[str] = []
    for name, number in re.findall(r"`([a-z.]+)`|\b(\d+)\b", sentence):
        waiting += [name] if name else []
        if number:
            weights |= dict.fromkeys(waiting, int(number))
            waiting = []
    assert weights == PERMISSION_WEIGHTS
    score = PAGE.split("at most 100. ")[1].split("\n\n")[0].replace("\n", " ")
    assert score == "From 80 on the risk is critical, from 55 high, from 30 medium, below low."
    assert [least for least, _ in RISK_FROM] == [80, 55, 30, 0]


def test_each_threshold_is_spoken_of() -> None:
    """Every threshold that finds something is named where the rules are explained."""
    explained = PAGE.split("## Thresholds")[0]
    silent = {"decide_days", "recent_days", "opens_at", "closes_at", "free_weekdays", "misuse_min_calls"}
    assert [
        name
        for field in fields(ReviewOptions)
        if (name := field.name) not in silent and name not in explained
    ] == []
