"""Who may do what: one role decides, within its bounds, and a refusal says what to change."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import AccessDenied
from shared.identity.decisions import Decision, Demand, decide
from shared.identity.policy import Policy, parse_policy
from tests.support.identities import default_policy, make_caller

LONG = "Ticket 4711: the customer asked for it"
EMERGENCY = {"purpose": "incident-response", "justification": LONG, "ticket": "INC-4711"}


def ask(operation: str, *roles: str, kind: str = "person", **demand: Any) -> Decision:
    """A decision under the default policy."""
    return decide(make_caller(*roles, kind=kind), default_policy(), Demand(operation, **demand))


ALLOWED = [
    ("pii.analyze", "Pii.Analyst", {}),
    ("pii.analyze", "Pii.Analyst", {"entities": ("US_SSN", "PERSON"), "language": "de"}),
    ("pii.analyze", "Pii.Analyst", {"ad_hoc_recognizers": 3, "decision_process": True}),
    ("pii.analyze", "Pii.Analyst", {"chars": 200_000, "texts": 1_000}),
    ("pii.analyze", "Pii.Analyst", {"purpose": "incident-response", "justification": LONG}),
    ("pii.analyze", "Pii.Analyst", {"entities": ("MADE_UP",)}),
    (
        "pii.anonymize",
        "Pii.Redactor",
        {"operators": ("encrypt", "hash", "keep", "mask", "redact", "replace")},
    ),
    ("pii.redact", "Pii.Redactor", {"entities": ("US_SSN",), "ad_hoc_recognizers": 1}),
    ("pii.deanonymize", "Pii.Reidentifier", {"purpose": "legal-obligation", "operators": ("decrypt",)}),
    ("audit.read", "Audit.Reader", {}),
    ("audit.review", "Audit.Reviewer", {}),
    ("service.operate", "Service.Operator", {}),
    ("catalog.read", "Audit.Reader", {}),
    ("catalog.read", "Pii.BreakGlass", {"purpose": "made-up"}),
    ("pii.analyze", "Pii.BreakGlass", EMERGENCY),
    ("approval.decide", "Pii.Approver", {}),
    ("approval.request", "Pii.Analyst", {}),
    ("approval.read", "Audit.Reader", {}),
]


@pytest.mark.parametrize(("operation", "role", "demand"), ALLOWED)
def test_allowed(operation: str, role: str, demand: dict[str, Any]) -> None:
    """What a role is for is allowed, and the role that granted it is named."""
    decision = ask(operation, role, **demand)
    assert (decision.allowed, decision.reason, decision.role) == (True, "granted", role)
    assert decision.policy == default_policy().digest


REFUSED = [
    ("not_permitted", "pii.deanonymize", "Pii.Analyst", {}),
    ("not_permitted", "pii.analyze", "Pii.Redactor", {}),
    ("not_permitted", "audit.read", "Service.Operator", {}),
    ("wrong_kind", "pii.redact", "Pii.Pipeline", {}),
    ("wrong_kind", "catalog.read", "Pii.Pipeline", {}),
    ("no_role", "pii.analyze", None, {}),
    ("no_role", "catalog.read", None, {}),
    ("unknown_role", "pii.analyze", "Pii.Analyst.Old", {}),
    ("unknown_role", "pii.analyze", "pii.analyst", {}),
    ("operator_forbidden", "pii.anonymize", "Pii.Redactor", {"operators": ("replace", "custom")}),
    ("operator_forbidden", "pii.anonymize", "Pii.Redactor", {"operators": ("surrogate_ahds",)}),
    ("operator_forbidden", "pii.anonymize", "Pii.Redactor", {"operators": ("decrypt",)}),
    ("too_large", "pii.analyze", "Pii.Analyst", {"chars": 200_001}),
    ("too_large", "pii.analyze", "Pii.Analyst", {"texts": 1_001}),
    ("purpose_required", "pii.deanonymize", "Pii.Reidentifier", {}),
    ("purpose_required", "pii.deanonymize", "Pii.Reidentifier", {"purpose": "  "}),
    ("purpose_unknown", "pii.deanonymize", "Pii.Reidentifier", {"purpose": "curiosity"}),
    ("purpose_unknown", "pii.analyze", "Pii.Analyst", {"purpose": "Incident-Response"}),
    ("purpose_required", "pii.analyze", "Pii.BreakGlass", {"justification": LONG}),
    ("purpose_forbidden", "pii.analyze", "Pii.BreakGlass", {"purpose": "quality-assurance"}),
    ("justification_required", "pii.analyze", "Pii.BreakGlass", {"purpose": "incident-response"}),
    ("ticket_required", "pii.analyze", "Pii.BreakGlass", {**EMERGENCY, "ticket": " "}),
    ("ticket_malformed", "pii.analyze", "Pii.BreakGlass", {**EMERGENCY, "ticket": "INC-John"}),
    ("justification_malformed", "pii.analyze", "Pii.Analyst", {"justification": "short"}),
    ("justification_malformed", "pii.analyze", "Pii.Analyst", {"justification": "x" * 501}),
    ("justification_malformed", "pii.analyze", "Pii.Analyst", {"justification": "two lines\nof text here"}),
    ("justification_malformed", "pii.analyze", "Pii.Analyst", {"justification": "hidden \u202e direction"}),
    ("not_permitted", "audit.review", "Audit.Reader", {}),
]


@pytest.mark.parametrize(("reason", "operation", "role", "demand"), REFUSED)
def test_refused(reason: str, operation: str, role: str | None, demand: dict[str, Any]) -> None:
    """What a role is not for is refused with a stable reason, and no role is said to have granted it."""
    decision = ask(operation, *([role] if role else []), **demand)
    assert (decision.allowed, decision.reason, decision.role) == (False, reason, None)
    assert decision.message


def test_apps_only() -> None:
    """The pipeline's role works for an app and for nobody else; break-glass for people alone."""
    assert ask("pii.redact", "Pii.Pipeline", kind="app").allowed
    assert ask("pii.analyze", "Pii.BreakGlass", kind="app").reason == "wrong_kind"


def test_whoami_needs_no_role() -> None:
    """Any valid token may ask who it is, with whatever headers."""
    assert ask("identity.read", purpose="made-up").allowed
    assert ask("identity.read", "Nonsense").role is None


def test_unknown_operation() -> None:
    """An operation that does not exist is a defect, not a refusal that could be mistaken for one."""
    with pytest.raises(ValueError, match="no such operation"):
        ask("pii.guess", "Pii.BreakGlass")


def test_sensitive_by_name() -> None:
    """A role without pii.sensitive is refused sensitive types by name, and told which."""
    decision = ask("pii.analyze", "Pii.Pipeline", kind="app", entities=("PERSON", "US_SSN"))
    assert decision.reason == "entity_sensitive"
    assert "US_SSN" in decision.message
    assert "PERSON" not in decision.message


def test_sensitive_is_redacted_all_the_same() -> None:
    """Redacting reveals nothing, so nobody is kept from redacting sensitive types, named or not."""
    decision = ask("pii.redact", "Pii.Pipeline", kind="app", entities=("US_SSN",))
    assert decision.allowed
    assert ask("pii.redact", "Pii.Pipeline", kind="app").searched(["PERSON", "US_SSN"]) is None


def test_labels_of_the_caller_decide_nothing() -> None:
    """The types in analyzer_results are the caller's own words: anonymize does not judge by them."""
    assert ask("pii.anonymize", "Pii.Redactor", entities=("US_SSN", "MADE_UP")).allowed


def test_searched() -> None:
    """Where no types are named, a restricted role has all but the sensitive ones searched, sorted."""
    restricted = ask("pii.analyze", "Pii.Pipeline", kind="app")
    assert restricted.searched(["US_SSN", "URL", "PERSON"]) == ("PERSON", "URL")
    assert ask("pii.analyze", "Pii.Analyst").searched(["US_SSN", "PERSON"]) is None


def test_nothing_to_search() -> None:
    """Where nothing may be searched, an empty list must not reach Presidio, which would search everything."""
    with pytest.raises(AccessDenied) as caught:
        ask("pii.analyze", "Pii.Pipeline", kind="app").searched(["US_SSN"])
    assert caught.value.reason == "entity_forbidden"


def test_empty_list_counts_as_left_out() -> None:
    """An empty list of types is Presidio's "all", so it is restricted like a missing one."""
    decision = ask("pii.analyze", "Pii.Pipeline", kind="app", entities=())
    assert decision.allowed
    assert decision.searched(["US_SSN", "URL"]) == ("URL",)


TWO_ROLES = """\
version: 1
purposes: [a]
roles:
  Deep:
    permissions: [pii.analyze, pii.sensitive]
    entities: [PERSON, US_SSN]
    max_chars: 10
    max_texts: 1
  Broad:
    permissions: [pii.analyze, pii.redact]
    denied_entities: [US_SSN]
    operators: [replace]
    languages: [en]
    max_chars: 1000
    max_texts: 5
"""


def two_roles() -> Policy:
    return parse_policy(TWO_ROLES, "policy.yaml")


def test_roles_are_not_mixed() -> None:
    """What needs two roles at once is refused, though each half would be allowed."""
    caller, policy = make_caller("Deep", "Broad"), two_roles()
    assert decide(caller, policy, Demand("pii.analyze", entities=("US_SSN",), chars=10)).role == "Deep"
    assert decide(caller, policy, Demand("pii.analyze", entities=("PERSON",), chars=100)).role == "Broad"
    refused = decide(caller, policy, Demand("pii.analyze", entities=("US_SSN",), chars=100))
    assert not refused.allowed


def test_refusal_is_the_most_informative() -> None:
    """Of several roles, the one that came furthest explains the refusal."""
    caller, policy = make_caller("Deep", "Broad"), two_roles()
    refused = decide(caller, policy, Demand("pii.analyze", entities=("US_SSN",), chars=100))
    assert refused.reason == "too_large"
    assert "at most 10 characters" in refused.message
    assert ask("pii.deanonymize", "Pii.Analyst", "Pii.BreakGlass").reason == "purpose_required"
    assert ask("pii.redact", "Pii.Analyst", "Pii.Pipeline").reason == "wrong_kind"


def test_order_of_roles() -> None:
    """The first role of the policy that allows a call grants it, whatever the token's order."""
    demand = Demand("pii.analyze", entities=("PERSON",), chars=5)
    assert decide(make_caller("Broad", "Deep"), two_roles(), demand).role == "Deep"


def test_break_glass_is_the_last_resort() -> None:
    """A call that another role allows is not recorded as break-glass, and asks for no justification."""
    both = ask("pii.analyze", "Pii.BreakGlass", "Pii.Analyst")
    assert (both.role, both.intent_first) == ("Pii.Analyst", False)
    alone = ask("pii.analyze", "Pii.BreakGlass", **EMERGENCY)
    assert (alone.role, alone.intent_first) == ("Pii.BreakGlass", True)


def test_statement_is_kept() -> None:
    """Purpose and justification stand in the decision, trimmed; those that are not well-formed do not."""
    decision = ask("pii.analyze", "Pii.Analyst", purpose=" incident-response ", justification=f"  {LONG} ")
    assert (decision.purpose, decision.justification) == ("incident-response", LONG)
    refused = ask("pii.analyze", "Pii.Analyst", purpose="curiosity", justification="short")
    assert (refused.purpose, refused.justification) == (None, None)
    told = ask("pii.deanonymize", "Pii.Analyst", purpose="incident-response", justification=LONG)
    assert (told.allowed, told.purpose, told.justification) == (False, "incident-response", LONG)


def test_messages_quote_nothing() -> None:
    """No message repeats a word that the caller made up: it could be anything."""
    canary = "CANARY_5f1e"
    narrow = parse_policy(TWO_ROLES, "policy.yaml")
    for role, demand in [
        ("Deep", Demand("pii.analyze", entities=(canary, "US_SSN"))),
        ("Broad", Demand("pii.redact", operators=(canary,))),
        ("Broad", Demand("pii.analyze", language=canary)),
        ("Broad", Demand("pii.analyze", purpose=canary)),
        ("Broad", Demand("pii.analyze", justification=f"{canary}\n{canary}")),
        (canary, Demand("pii.analyze")),
    ]:
        decision = decide(make_caller(role), narrow, demand)
        assert not decision.allowed
        assert canary not in decision.message
