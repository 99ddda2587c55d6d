"""What holds for every rule's files: meaning, limits of Azure Monitor, Kusto's own language service."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from devstack.alerts.rules import RULES_FOLDER, load_rule, parse_duration, read_about, rule_names
from devstack.alerts.semantics import Semantics, check_queries
from devstack.layout import ROOT
from devstack.loganalytics.tables import load_tables
from tests.support.rule_table import TABLE

CATALOGUE = (
    *("recognizer-burst", "denied-burst", "token-replay", "mass-reidentification", "first-sensitive-use"),
    *("off-hours-sensitive", "volume-exfiltration", "break-glass", "configuration-changed", "audit-stalled"),
    *("ledger-tampered", "seal-late", "telemetry-gap", "pipeline-failed", "unjustified-purpose"),
    *("storage-touched", "retention-weakened", "access-changed", "quiet", "approval-abuse"),
    *("review-ready", "review-overdue", "review-failed"),
)
WINDOWS = (
    *("PT1M", "PT5M", "PT10M", "PT15M", "PT30M", "PT45M"),
    *("PT1H", "PT2H", "PT3H", "PT4H", "PT5H", "PT6H", "P1D", "P2D"),
)
"""Values that `windowSize` and `evaluationFrequency` of a log search alert take."""

NEVER = ("bag_unpack", "pivot", "narrow", "externaldata", "evaluate ", "render ")
NOT_EVERY_MINUTE = (r"\bsearch\b", r"\bunion\b", r"\btake\b", r"\blimit\b", r"ingestion_time\(")
MAX_DIMENSIONS = 6
MAX_QUERY_BYTES = 64 * 1024
EVERY = pytest.mark.parametrize("name", rule_names())


def _code(text: str) -> str:
    return re.sub(r'//[^\n]*|"[^"]*"', "", text)


def first_query(name: str) -> str:
    """The query that the runbook runs first."""
    return "\n".join(read_about(name)["firstQuery"])


@pytest.fixture(scope="session")
def semantics() -> dict[str, Semantics]:
    """What Kusto's language service says of every KQL text in the repository: one run of node."""
    queries = {f"{file.relative_to(ROOT)}": file.read_text("utf-8") for file in _kql_files()}
    queries |= {f"{name}/first": first_query(name) for name in rule_names()}
    return check_queries(queries)


def _kql_files() -> list[Path]:
    left_out = {"node_modules", ".venv", ".devstack", ".git"}
    return [file for file in ROOT.rglob("*.kql") if not left_out & set(file.relative_to(ROOT).parts)]


def test_the_catalogue_is_complete() -> None:
    """No rule is missing, none is unknown, none has half its files."""
    assert sorted(CATALOGUE) == rule_names() == sorted(file.stem for file in RULES_FOLDER.glob("*.json"))


@EVERY
def test_kusto_understands_the_query(semantics: dict[str, Semantics], name: str) -> None:
    """No unknown column, no wrong type, and the columns that the rule measures and splits by come out."""
    found = semantics[f"infra/alerts/{name}.kql"]
    rule = load_rule(name)
    assert found.diagnostics == ()
    assert semantics[f"{name}/first"].diagnostics == ()
    assert {found.columns[dimension] for dimension in rule.dimensions} <= {"string"}
    assert rule.measure_column is None or found.columns[rule.measure_column] in ("long", "real", "int")
    TABLE.semantic.add(name)


def test_no_kql_text_of_the_repository_is_left_out(semantics: dict[str, Semantics]) -> None:
    """Every .kql file is free of diagnostics, wherever it lies."""
    assert {name: found.diagnostics for name, found in semantics.items() if found.diagnostics} == {}


def test_the_language_service_would_notice() -> None:
    """An unknown column, an unknown table, a wrong type and a syntax error are each named."""
    bad = {
        "column": "AppEvents | where Nme == 1",
        "table": "AppEvnts | count",
        "type": 'AppEvents | where TimeGenerated > ago("x")',
        "syntax": "AppEvents | summarize count() by bin(TimeGenerated 5m)",
    }
    assert all(found.diagnostics for found in check_queries(bad).values())


@EVERY
def test_azure_monitor_takes_the_rule(name: str) -> None:
    """Microsoft's limits for log search alerts: durations, operators, dimensions, sizes, one-minute rules."""
    rule, about = load_rule(name), read_about(name)
    code = _code(rule.query)
    assert about["window"] in WINDOWS
    assert about["frequency"] in WINDOWS
    assert rule.frequency <= rule.window
    assert rule.lookback is None or rule.window < rule.lookback <= parse_duration("P2D")
    assert len(rule.dimensions) <= MAX_DIMENSIONS
    assert len(rule.query.encode()) <= MAX_QUERY_BYTES
    assert not [word for word in NEVER if word in code]
    assert all(re.fullmatch(r"\d+[smhd]", argument) for argument in re.findall(r"\bago\(([^)]*)\)", code))
    if rule.frequency == parse_duration("PT1M"):
        assert not [word for word in NOT_EVERY_MINUTE if re.search(word, code)]
    assert 0 <= rule.severity <= 4
    TABLE.limits.add(name)


@EVERY
def test_a_rule_says_what_it_means_and_what_to_do(name: str) -> None:
    """Title, meaning, reason, steps, a first query; ATT&CK's tactic and technique or why none fits."""
    about = read_about(name)
    assert all(about[key] for key in ("title", "meaning", "why", "firstSteps", "firstQuery"))
    attack = about["attack"]
    if "none" in attack:
        assert len(attack["none"]) > 40
    else:
        assert re.fullmatch(r"TA00\d\d", attack["tacticId"])
        assert re.fullmatch(r"T1\d{3}(\.\d{3})?", attack["techniqueId"])
        assert attack["tactic"]
        assert attack["technique"]
    used = {
        table
        for table in load_tables()
        if re.search(rf"^{table}$|\| *{table}\b|= {table}$", _code(load_rule(name).query), re.M)
    }
    assert used == set(about["tables"])


@EVERY
def test_a_rule_that_compares_with_the_past_says_what_it_does_without_one(name: str) -> None:
    """The metadata names the fixed floor, or the silence, of an empty history."""
    if load_rule(name).lookback:
        assert len(read_about(name)["emptyHistory"]) > 60


def test_sensitive_types_of_the_rules_are_those_of_the_policy() -> None:
    """`config/policy.yaml` is the source; the two queries that need the list repeat it."""
    policy = yaml.safe_load((ROOT / "config" / "policy.yaml").read_text("utf-8"))
    for name in ("first-sensitive-use", "off-hours-sensitive"):
        block = re.search(r"let Sensitive = dynamic\(\[(.*?)\]\)", load_rule(name).query, re.S)
        assert block
        assert re.findall(r'"([^"]+)"', block[1]) == ["pii.deanonymize", *policy["sensitive_entities"]]
