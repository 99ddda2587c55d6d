"""The rule that is tested is the rule that is deployed."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from devstack.alerts.deployment import current_rules, deployed_rules, find_compiler
from devstack.alerts.rules import load_rules, rule_names
from devstack.layout import ROOT

COMPILER = find_compiler(os.environ)
NEEDS_COMPILER = pytest.mark.skipif(
    COMPILER is None, reason="no Bicep compiler was found: nothing was compiled"
)


@NEEDS_COMPILER
def test_the_evaluated_deployment_has_the_same_rules_as_the_files() -> None:
    """Query, window, frequency, threshold, dimensions, periods: `bicep snapshot` against infra/alerts."""
    assert COMPILER is not None
    assert deployed_rules(COMPILER) == load_rules()


@NEEDS_COMPILER
def test_the_module_compiles_without_a_message() -> None:
    """Not even a hint of the linter."""
    assert COMPILER is not None
    done = subprocess.run(
        [COMPILER, "build", str(ROOT / "infra" / "alerts.bicep"), "--stdout"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stderr == ""


def test_the_module_names_every_rule() -> None:
    """A rule that lies in the folder and is not deployed watches nothing."""
    text = (ROOT / "infra" / "alerts.bicep").read_text("utf-8")
    assert re.findall(r"loadTextContent\('alerts/([a-z-]+)\.kql'\)", text) == rule_names()
    assert re.findall(r"loadJsonContent\('alerts/([a-z-]+)\.json'\)", text) == rule_names()
    assert re.findall(r"    name: '([a-z-]+)'\n", text) == rule_names()


def test_what_the_deployment_puts_into_queries_stands_in_them() -> None:
    """Each word that alerts.bicep replaces is in exactly one place of exactly one query."""
    text = (ROOT / "infra" / "alerts.bicep").read_text("utf-8")
    words = re.findall(r"^var (?:accounts|containers|writers|readers|days) = '(.*)'$", text, re.M)
    assert len(words) == 5
    for word in words:
        assert sum(rule.query.count(word) for rule in load_rules()) == 1, word


def test_without_a_compiler_the_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is said."""
    monkeypatch.setattr("devstack.alerts.deployment.find_compiler", lambda _: None)
    rules, source = current_rules({})
    assert rules == load_rules()
    assert "no Bicep compiler" in source
