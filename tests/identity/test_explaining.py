"""`explain` says what `decide` decides: every role, operation and kind of caller, and some entity types."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from shared.identity.decisions import Demand, decide
from shared.identity.explaining import ANY_APPROVAL, Kind, describe_bounds, explain
from shared.identity.limits import limit_of
from shared.identity.policy import parse_policy, read_policy
from shared.identity.roles import Policy
from shared.identity.terms import OPEN_OPERATIONS, OPERATIONS
from tests.support.identities import ROOT, default_policy, make_caller
from tests.support.policies import SMALL

ENTITIES = (None, "PERSON", "US_SSN", "BADGE", "URL")
KINDS: tuple[Kind, ...] = get_args(Kind)
STRICT = """\
version: 1
purposes: [audit, support]
purpose_required: [pii.deanonymize]
justification_required: [pii.analyze]
four_eyes: [pii.deanonymize]
tickets: [INC-1]
sensitive_entities: [US_SSN]
custom_entities: [BADGE]
roles:
  Few:
    permissions: [pii.analyze]
    entities: [PERSON, BADGE]
    purposes: [support]
    requires: [purpose]
    max_chars: 10
    max_texts: 2
  Restore:
    permissions: [pii.deanonymize]
    operators: [decrypt]
    max_chars: 10
    max_texts: 2
  Approve:
    held_by: people
    permissions: [approval.decide]
  Robots:
    held_by: apps
    permissions: [pii.analyze, pii.sensitive]
    denied_entities: [URL]
    requires: [ticket]
    max_chars: 10
    max_texts: 2
"""

POLICIES = {
    "default": default_policy(),
    "small": parse_policy(SMALL, "p"),
    "strict": parse_policy(STRICT, "p"),
}


def stated_ways(policy: Policy, demand: Demand) -> list[Demand]:
    """The demand with every choice of statements that can be given."""
    return [
        demand.with_purpose(*statements)
        for statements in product(
            (None, *policy.purposes),
            (None, "it was asked for"),
            (None, *policy.tickets[:1]),
            (None, ANY_APPROVAL),
        )
    ]


@pytest.mark.parametrize("name", POLICIES)
def test_it_says_what_is_decided(name: str) -> None:
    """For every question: yes just if some statements make `decide` say so; all its needs are among them."""
    policy, asked = POLICIES[name], 0
    for role, operation, kind, entity in product(
        (*(role.name for role in policy.roles), "Unknown"),
        (*OPERATIONS, *OPEN_OPERATIONS),
        KINDS,
        ENTITIES,
    ):
        told = explain(policy, role, operation, entity, kind)
        caller = make_caller(role, kind=kind)
        demand = Demand(operation, entities=None if entity is None else (entity,))
        ways = [(way, decide(caller, policy, way)) for way in stated_ways(policy, demand)]
        allowed = [(way, decision) for way, decision in ways if decision.allowed]
        assert told.decision.allowed == bool(allowed)
        if not allowed:
            assert told.decision.reason in {decision.reason for _, decision in ways}
            assert told.verdict == "no"
        else:
            assert told.decision.role == allowed[0][1].role
            assert told.verdict == ("yes, with" if told.needs else "yes")
            for way, _ in allowed:
                assert all(getattr(way, need) is not None for need in told.needs)
            assert decide(caller, policy, demand).allowed == (not told.needs)
        asked += 1
    assert asked > 100


@pytest.mark.parametrize("name", POLICIES)
def test_the_rule_stands_where_it_says(name: str) -> None:
    """The path of every answer leads to something in the file."""
    texts = {"default": (ROOT / "config/policy.yaml").read_text("utf-8"), "small": SMALL, "strict": STRICT}
    policy, document = POLICIES[name], read_policy(texts[name]).document
    for role, operation, entity in product(policy.roles, OPERATIONS, ENTITIES):
        told = explain(policy, role.name, operation, entity)
        line = texts[name].splitlines()[document.line_of(told.rule) - 1]
        if told.decision.allowed:
            assert told.rule in document.lines
            assert operation in line
        elif told.decision.reason == "entity_sensitive":
            assert told.rule in document.lines
            assert str(entity) in line


def test_needs() -> None:
    """Purpose, justification, ticket and second person are named where the role must give them."""
    policy = POLICIES["strict"]
    assert explain(policy, "Few", "pii.analyze").needs == ("justification", "purpose")
    assert explain(policy, "Few", "pii.analyze").purposes == ("support",)
    assert explain(policy, "Restore", "pii.deanonymize").needs == ("approval", "purpose")
    assert explain(policy, "Robots", "pii.analyze").needs == ("justification", "ticket")
    assert explain(policy, "Robots", "pii.analyze").kind == "app"
    assert explain(policy, "Few", "catalog.read").verdict == "yes"


@pytest.mark.parametrize(
    ("role", "entity", "reason", "rule"),
    [
        ("Few", "URL", "entity_forbidden", ("roles", "Few", "entities")),
        ("Robots", "URL", "entity_forbidden", ("roles", "Robots", "denied_entities", 0)),
        ("Few", "US_SSN", "entity_forbidden", ("roles", "Few", "entities")),
        ("Restore", "PERSON", "not_permitted", ("roles", "Restore", "permissions")),
        ("Unknown", "PERSON", "unknown_role", ("roles",)),
    ],
)
def test_why_not(role: str, entity: str, reason: str, rule: tuple[str | int, ...]) -> None:
    """A refusal names its reason and the rule behind it."""
    told = explain(POLICIES["strict"], role, "pii.analyze", entity)
    assert (told.verdict, told.decision.reason, told.rule) == ("no", reason, rule)


def test_whom_a_role_is_for() -> None:
    """An app asks in vain for a role of people."""
    told = explain(POLICIES["strict"], "Approve", "approval.decide", kind="app")
    assert (told.decision.reason, told.rule) == ("wrong_kind", ("roles", "Approve", "held_by"))


def test_what_is_searched_without_a_name() -> None:
    """A type that may be asked for by name is searched where none is named, as the decision says."""
    policy = POLICIES["strict"]
    assert explain(policy, "Few", "pii.analyze", "BADGE").is_searched
    assert explain(policy, "Few", "catalog.read", "BADGE").is_searched is None


def test_limits_and_bounds() -> None:
    """The rate is the one that the limiter uses; bounds are those that hold for the operation."""
    policy = default_policy()
    for role in policy.roles:
        for operation in role.permissions:
            told = explain(policy, role.name, operation) if operation in OPERATIONS else None
            if told is not None and told.decision.allowed:
                assert told.rate == limit_of(policy, role, operation)
    analyst = policy.roles[0]
    assert "operators" not in describe_bounds(analyst, "pii.analyze")
    assert describe_bounds(analyst, "pii.deanonymize") == {}
    assert describe_bounds(analyst, "pii.analyze")["max_chars"] == analyst.max_chars


def test_no_such_operation() -> None:
    """That is a defect of whoever asks, as it is for `decide`."""
    with pytest.raises(ValueError, match="no such operation"):
        explain(default_policy(), "Pii.Analyst", "pii.guess")
