"""The deployment keeps each hardening rule, and each rule is able to notice when it does not."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.infra.conftest import Evaluate
from tests.support.hardening import PAGE, Rule, all_rules, render_page

RULES = all_rules()
by_name = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])


@by_name
def test_a_rule_holds(rule: Rule, deployments: Evaluate) -> None:
    """Nothing is wrong with the evaluated deployment."""
    assert rule.check(deployments(rule.variables, None)) == []


@by_name
def test_a_rule_notices_its_mutation(rule: Rule, deployments: Evaluate) -> None:
    """With the one change that breaks it, the same check finds something: it does not assert in vain."""
    assert rule.check(deployments(rule.variables, rule.edit)) != []


def test_there_are_enough_rules() -> None:
    """At least forty, each with a name of its own."""
    assert len(RULES) >= 40
    assert [name for name, count in Counter(rule.name for rule in RULES).items() if count > 1] == []


def test_the_page_lists_them() -> None:
    """docs/hardening.md is what `python -m tests.support.hardening --write` writes."""
    assert PAGE.read_text("utf-8") == render_page(RULES)
