"""Each rule of infra/alerts: fires on its attacks, silent on thirty ordinary days, breaks when mutated."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from devstack.alerts.evaluation import evaluate
from devstack.alerts.rules import Rule, load_rule, load_rules, read_about, rule_names
from devstack.loganalytics.database import Database
from tests.support.attacks import ATTACKS, Attack
from tests.support.month import span_of_silence
from tests.support.rule_table import TABLE
from tests.support.sweep import by_day, due_times, find_firings

RULES = {rule.name: rule for rule in load_rules()}
COMPARING = {name for name in RULES if read_about(name)["lookback"] == "P2D"}
"""Rules that look at baselines or at the days before: swept day by day."""

ABSENCE = {"quiet", "seal-late", "telemetry-gap", "ledger-tampered", "pipeline-failed"}
"""Rules that are not monotone, because they fire on what is missing. Each has a proof of its own below."""

SAMPLES = 6
"""Evaluations of each rule that are run as they are, besides the proof."""


def attack_moment(attack: Attack) -> datetime:
    """An ordinary working day near the end of the month: attacks hide in traffic."""
    return span_of_silence()[1] - timedelta(days=1) + timedelta(hours=attack.hour)


def fires(rule: Rule, database: Database, attack: Attack) -> bool:
    """Play the attack, evaluate the rule when it is due."""
    at = attack_moment(attack)
    attack.play(database, at)
    return bool(evaluate(rule, database, at + attack.look))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: f"{a.rule}: {a.title}")
def test_fires_on_its_attack(sandbox: Database, attack: Attack) -> None:
    """The rule, at a moment at which it is due, after the attack; and not at that moment without it."""
    rule = RULES[attack.rule]
    at = attack_moment(attack)
    assert at + attack.look in due_times(rule, at, at + attack.look)
    assert not evaluate(rule, sandbox, at + attack.look), "fires before anything happened"
    attack.play(sandbox, at)
    violations = evaluate(rule, sandbox, at + attack.look)
    assert violations
    assert all(violation.rows for violation in violations)
    TABLE.fired(rule.name)


def test_every_rule_has_an_attack() -> None:
    """A rule that nobody ever saw fire is not a rule."""
    assert {attack.rule for attack in ATTACKS} == set(rule_names())


@pytest.mark.parametrize("name", sorted(set(RULES) - ABSENCE))
def test_is_silent_on_thirty_ordinary_days(month: Database, name: str) -> None:
    """At each of its evaluations: 43,200 for a one-minute rule, by the argument of tests/support/sweep.py."""
    rule = RULES[name]
    times = due_times(rule, *span_of_silence())
    stretches = by_day(times) if name in COMPARING else [times]
    assert [at for stretch in stretches for at in find_firings(rule, month, stretch)] == []
    _sample(rule, month, times)
    TABLE.silent(name, len(times))


def test_quiet_is_silent_on_ordinary_days(month: Database) -> None:
    """No half hour without an event, so no evaluation counts none."""
    kql = (
        'AppEvents | where Name startswith "Presidio" '
        "| summarize by Slot = bin(TimeGenerated, 1m) | sort by Slot asc"
    )
    _prove("quiet", month, lambda: _widest_gap(month, kql) < timedelta(minutes=29))


def test_seal_late_is_silent_on_ordinary_days(month: Database) -> None:
    """No five minutes without a seal: the newest is always younger than the youngest record that counts."""
    kql = 'AppEvents | where Name == "PresidioSealed" | project TimeGenerated | sort by TimeGenerated asc'
    _prove("seal-late", month, lambda: _widest_gap(month, kql) < timedelta(minutes=5))


def test_ledger_tampered_is_silent_on_ordinary_days(month: Database) -> None:
    """No verdict with findings, and no 26 hours without a verdict."""
    kql = 'AppEvents | where Name == "PresidioVerified" | project TimeGenerated | sort by TimeGenerated asc'
    bad = (
        'AppEvents | where Name == "PresidioVerified" '
        "| where tolong(Measurements.Findings) + tolong(Measurements.Unchecked) > 0"
    )

    def hold() -> bool:
        return _widest_gap(month, kql) < timedelta(hours=26) and not month.query(bad).rows

    _prove("ledger-tampered", month, hold)


def test_pipeline_failed_is_silent_on_ordinary_days(month: Database) -> None:
    """No run that failed and none that redacted nothing, whatever earlier runs did."""
    bad = (
        'AppEvents | where Name == "PresidioPipelineRun" '
        '| where tostring(Properties.Outcome) != "succeeded" or tolong(Measurements.Redacted) == 0'
    )
    _prove("pipeline-failed", month, lambda: not month.query(bad).rows)


def test_telemetry_gap_is_silent_on_ordinary_days(month: Database) -> None:
    """Each sealed record's event lies within ten minutes of its seal, hence in the hour that a run sees.

    A run at t reads seals of (t - 50 min, t - 10 min] and events of (t - 60 min, t].
    """
    events = month.query(
        'AppEvents | where Name == "PresidioAudit" '
        "| project Writer = tostring(Properties.Writer), Index = tolong(Measurements.RecordIndex), "
        "TimeGenerated"
    )
    told = {(writer, index): datetime.fromisoformat(at) for writer, index, at in events.rows}
    seals = month.query(
        'AppEvents | where Name == "PresidioWriterSealed" | project TimeGenerated, '
        "Writer = tostring(Properties.Writer), From = tolong(Measurements.FromSize), "
        "To = tolong(Measurements.ToSize)"
    )

    def hold() -> bool:
        return all(
            abs(told[writer, index] - datetime.fromisoformat(at)) < timedelta(minutes=10)
            for at, writer, first, end in seals.rows
            for index in range(first, end)
        )

    assert len(seals.rows) > 10_000
    _prove("telemetry-gap", month, hold)


def _prove(name: str, month: Database, hold: Callable[[], bool]) -> None:
    times = due_times(RULES[name], *span_of_silence())
    assert hold()
    _sample(RULES[name], month, times)
    TABLE.silent(name, len(times))


def _sample(rule: Rule, month: Database, times: list[datetime]) -> None:
    for at in random.Random(rule.name).sample(times, SAMPLES):
        assert not evaluate(rule, month, at), at


def _widest_gap(month: Database, kql: str) -> timedelta:
    moments = [datetime.fromisoformat(row[0]) for row in month.query(kql).rows]
    assert len(moments) > 25
    return max(after - before for before, after in itertools.pairwise(moments))


@dataclass(frozen=True, slots=True)
class Mutation:
    """A slip in a rule. `old` is a text of the query, or `threshold`.

    `ordinary` is a moment of ordinary traffic: there, or at one of the following evaluations of that day, the
    mutant must fire. Where it is None, the mutant must miss an attack.
    """

    rule: str
    old: str
    new: str
    ordinary: timedelta | None = None

    def apply(self) -> Rule:
        """The rule with the slip."""
        rule = RULES[self.rule]
        if self.old == "threshold":
            return replace(rule, threshold=float(self.new))
        assert self.old in rule.query
        return replace(rule, query=rule.query.replace(self.old, self.new))


def _on(day: int, hour: int, minute: int = 0) -> timedelta:
    return timedelta(days=day, hours=hour, minutes=minute)


MONDAY, MISHAP, PROVISION = 27, 16, 5
"""Days of the month, its first being 0: a Monday, a failed commit, a deployment of infrastructure."""

MUTATIONS = (
    Mutation("recognizer-burst", "Floor = 200", "Floor = 20000"),
    Mutation("recognizer-burst", "TimesPeak = 5", "TimesPeak = 0", _on(MONDAY, 2, 10)),
    Mutation("recognizer-burst", "Hits = sum(Count)", "Hits = count()"),
    Mutation("denied-burst", "threshold", "300"),
    Mutation("denied-burst", "threshold", "10", _on(MONDAY, 8, 5)),
    Mutation("denied-burst", "(401, 403, 429)", "(400)"),
    Mutation("token-replay", "First <= Last1", "First < First1 and First > Last1"),
    Mutation("token-replay", "Places = 3", "Places = 2", _on(MONDAY, 17, 36)),
    Mutation("mass-reidentification", "Floor = 40", "Floor = 4000"),
    Mutation("mass-reidentification", "pii.deanonymize", "pii.anonymize"),
    Mutation("first-sensitive-use", "EntitiesReleased", "EntitiesRequested"),
    Mutation("first-sensitive-use", "| join kind=leftanti Known on Caller, Use", "", _on(MONDAY, 8, 15)),
    Mutation("off-hours-sensitive", "ClosesAt = 20", "ClosesAt = 24"),
    Mutation("off-hours-sensitive", "ClosesAt = 20", "ClosesAt = 10", _on(MONDAY, 11)),
    Mutation("volume-exfiltration", "Floor = 5000000", "Floor = 500000000"),
    Mutation("volume-exfiltration", "TimesPeak = 5", "TimesPeak = 0", _on(MONDAY, 2, 30)),
    Mutation("break-glass", "Pii.BreakGlass", "Pii.Breakglass"),
    Mutation("approval-abuse", "Enough = 3", "Enough = 4"),
    Mutation("approval-abuse", "approval_self", "approval_sold"),
    Mutation("approval-abuse", "approval_used", "approval_uses"),
    Mutation("approval-abuse", "emergency_too_many", "emergency_too_few"),
    Mutation("configuration-changed", "isnull(IsPolicyKnown) or", "false or"),
    Mutation("configuration-changed", "union Listed, Unlisted,", "union Unlisted,"),
    Mutation("configuration-changed", "and More > 0", "and More > 5000"),
    Mutation("configuration-changed", "where isempty(Previous) and HasHistory", "where false"),
    Mutation("configuration-changed", 'RecordType) == "config"', 'RecordType) == "genesis"'),
    Mutation("configuration-changed", "isnull(IsPolicyKnown) or", "true or", _on(MONDAY, 12)),
    Mutation("audit-stalled", "Allowed = 3", "Allowed = 50"),
    Mutation("audit-stalled", "Retries = 30", "Retries = 0", _on(MISHAP, 11, 1)),
    Mutation("ledger-tampered", "Findings + Unchecked > 0", "Findings > 0"),
    Mutation("ledger-tampered", "ago(26h)", "ago(20h)", _on(MONDAY, 2)),
    Mutation("seal-late", "TimeGenerated < ago(5m)", "TimeGenerated < ago(14m)"),
    Mutation("seal-late", "TimeGenerated < ago(5m)", "TimeGenerated < ago(0m)", _on(MONDAY, 10, 35)),
    Mutation("telemetry-gap", "Missing > 0", "Missing > 5000"),
    Mutation("telemetry-gap", "Index < To", "Index < To - 1", _on(MONDAY, 10, 15)),
    Mutation("pipeline-failed", "IsFailed or IsEmpty", "IsFailed"),
    Mutation("pipeline-failed", "Redacted == 0", "Redacted >= 0", _on(MONDAY, 2, 45)),
    Mutation("unjustified-purpose", "Repeats = 25", "Repeats = 250"),
    Mutation("unjustified-purpose", "| join kind=leftanti Known on Caller, Purpose", "", _on(MONDAY, 8, 15)),
    Mutation("storage-touched", 'Category == "StorageRead"', "true"),
    Mutation("storage-touched", "| where RequesterObjectId !in (Writers)", "", _on(MONDAY, 12)),
    Mutation("retention-weakened", "RequiredDays = 400", "RequiredDays = 30"),
    Mutation("retention-weakened", "RequiredDays = 400", "RequiredDays = 500", _on(PROVISION, 15, 5)),
    Mutation("access-changed", 'Operation has "ROLEASSIGNMENTS" or', ""),
    Mutation(
        "access-changed", 'OperationName has "app role assignment"', 'OperationName has "app role removal"'
    ),
    Mutation("review-ready", 'RecordType) == "review"', 'RecordType) == "reviews"'),
    Mutation("review-overdue", "review_overdue", "review_ready"),
    Mutation("review-failed", "review_failed", "review_overdue"),
    Mutation("quiet", "Events == 0", "Events < 0"),
    Mutation("quiet", "ago(30m)", "ago(0m)", _on(MONDAY, 12)),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m.rule}: {m.old[:40]} -> {m.new[:40]}")
def test_a_slip_in_a_rule_breaks_its_test(sandbox: Database, mutation: Mutation) -> None:
    """With the slip, either an attack goes unseen or ordinary traffic raises an alarm."""
    mutant = mutation.apply()
    if mutation.ordinary is None:
        attacks = [attack for attack in ATTACKS if attack.rule == mutation.rule]
        missed = []
        for attack in attacks:
            sandbox.run_sql("ROLLBACK")
            sandbox.run_sql("BEGIN")
            missed.append(not fires(mutant, sandbox, attack))
        assert any(missed), "every attack still fires it"
    else:
        at = span_of_silence()[0] - timedelta(days=1) + mutation.ordinary
        times = due_times(mutant, at - timedelta(seconds=1), at.replace(hour=18, minute=0))[:40]
        assert any(evaluate(mutant, sandbox, at) for at in times), "ordinary traffic does not fire it"
    TABLE.mutated(mutation.rule)


def test_every_rule_is_mutated() -> None:
    """No rule is left out."""
    assert {mutation.rule for mutation in MUTATIONS} == set(rule_names())


def test_load_rule_reads_what_the_folder_holds() -> None:
    """Names are files."""
    assert load_rule("quiet").name == "quiet"
    assert sorted(RULES) == rule_names()
