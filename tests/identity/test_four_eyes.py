"""Which calls need a second person, and which roles are an emergency's: what the policy says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.errors import SettingsError
from shared.identity.decisions import Decision, Demand, Emergency, decide
from shared.identity.policy import Policy, parse_policy
from tests.support.identities import default_policy, make_caller
from tests.support.policies import four_eyes_policy

NAME = "01J9ZK6N7Q8R9STVWXYZ012345/7"
ROLE = "    permissions: [pii.deanonymize]\n    operators: [decrypt]\n    max_chars: 9\n    max_texts: 1\n"
WINDOW = (
    "    window_minutes: 60\n    windows_a_week: 2\n    held_by: people\n    record_intent: true\n"
    "    requires: [purpose, justification, ticket]\n"
)
HEAD = "version: 1\npurposes: [support]\ntickets: [INC-1]\n"
APPROVER = "  Boss:\n    held_by: people\n    permissions: [approval.decide]\n"
EMERGENCY = {
    "purpose": "incident-response",
    "justification": "The mail server was broken into",
    "ticket": "INC-4711",
}


def ask(policy: Policy, operation: str, *roles: str, kind: str = "person", **demand: Any) -> Decision:
    return decide(make_caller(*roles, kind=kind), policy, Demand(operation, **demand))


def test_a_listed_operation_needs_the_name_of_an_approval() -> None:
    """Without one it is refused; with one it is granted on the condition that the ledger knows it."""
    policy, purpose = four_eyes_policy(), "customer-request"
    bare = ask(policy, "pii.deanonymize", "Pii.Reidentifier", purpose=purpose)
    named = ask(policy, "pii.deanonymize", "Pii.Reidentifier", purpose=purpose, approval=NAME)
    assert (bare.allowed, bare.reason) == (False, "approval_required")
    assert (named.allowed, named.needs_approval, named.approval) == (True, True, NAME)
    assert named.intent_first


@pytest.mark.parametrize(
    "name", ["x", "../../v1/once/approval/x", f"{NAME}/", f"{NAME} ", NAME.lower(), f"{NAME}.json", "/1"]
)
def test_what_is_no_name_is_unknown(name: str) -> None:
    """A name is a ULID and a number: no path, no pattern."""
    decision = ask(
        four_eyes_policy(), "pii.deanonymize", "Pii.Reidentifier", purpose="customer-request", approval=name
    )
    expected = "granted" if name.strip() == NAME else "approval_unknown"
    assert decision.reason == expected


def test_asking_is_decided_as_the_call_would_be() -> None:
    """Who asks needs all that the call needs, but the approval."""
    policy = four_eyes_policy()
    asked = ask(policy, "pii.deanonymize", "Pii.Reidentifier", purpose="customer-request", asks=True)
    assert (asked.allowed, asked.needs_approval) == (True, True)
    assert ask(policy, "pii.deanonymize", "Pii.Reidentifier", asks=True).reason == "purpose_required"
    assert ask(policy, "pii.deanonymize", "Pii.Analyst", asks=True).reason == "not_permitted"


def test_other_operations_ask_nobody() -> None:
    """A header that is not needed is not looked at, and not recorded."""
    decision = ask(four_eyes_policy(), "pii.anonymize", "Pii.Reidentifier", approval="nonsense")
    assert (decision.allowed, decision.needs_approval, decision.approval) == (True, False, None)


def test_an_emergency_role_is_free_of_four_eyes() -> None:
    """It is for the hour in which nobody else is there; its window, ticket and alert stand instead."""
    policy = four_eyes_policy()
    both = ask(policy, "pii.deanonymize", "Pii.Reidentifier", "Pii.BreakGlass", **EMERGENCY)
    assert (both.role, both.needs_approval) == ("Pii.BreakGlass", False)
    assert both.emergency == Emergency(timedelta(hours=4), 3)
    named = ask(policy, "pii.deanonymize", "Pii.Reidentifier", "Pii.BreakGlass", **EMERGENCY, approval=NAME)
    assert (named.role, named.needs_approval) == ("Pii.Reidentifier", True)


def test_a_role_may_require_it_by_itself() -> None:
    """For each of its calls on texts, an emergency role too."""
    text = HEAD + "roles:\n  Glass:\n" + ROLE + WINDOW.replace("ticket]", "ticket, approval]") + APPROVER
    policy = parse_policy(text, "p")
    assert ask(policy, "pii.deanonymize", "Glass", **EMERGENCY | {"purpose": "support"}).reason == (
        "approval_required"
    )


def test_lists_and_whoami_begin_no_emergency() -> None:
    """They need no permission, so they need no emergency role either."""
    for operation in ("catalog.read", "approval.read"):
        assert ask(default_policy(), operation, "Pii.BreakGlass").emergency is None


def test_an_app_decides_about_nothing() -> None:
    """An approval is a person's."""
    assert ask(four_eyes_policy(), "approval.decide", "Pii.Approver", kind="app").reason == "wrong_kind"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}four_eyes: [pii.deanonymize]\nroles:\n  A:\n{ROLE}", "no role permits approval.decide"),
        (f"{HEAD}four_eyes: [pii.redact]\nroles:\n  A:\n{ROLE}{APPROVER}", "which no role permits"),
        (f"{HEAD}four_eyes: [audit.read]\nroles:\n  A:\n{ROLE}{APPROVER}", "expected one of"),
        (f"{HEAD}approval_minutes: 5\nroles:\n  A:\n{ROLE}{APPROVER}", "has no effect"),
        (f"{HEAD}roles:\n{APPROVER.replace('people', 'both')}", "expected people: an approval"),
        (f"{HEAD}roles:\n{APPROVER}    requires: [approval]\n", "approval has no effect"),
        (f"{HEAD}roles:\n  A:\n{ROLE}    windows_a_week: 2\n", "has no effect: the role has no window"),
        (f"{HEAD}roles:\n  A:\n{ROLE}    window_minutes: 5\n", "windows_a_week: is missing"),
        (f"{HEAD}roles:\n  A:\n{ROLE}{WINDOW.replace('people', 'both')}", "for persons only"),
        (f"{HEAD}roles:\n  A:\n{ROLE}{WINDOW.replace(', ticket', '')}", "lacks ticket"),
        (f"{HEAD}roles:\n  A:\n{ROLE}{WINDOW.replace('true', 'false')}", "announces each use"),
        (f"{HEAD}roles:\n  A:\n{ROLE}{WINDOW.replace('60', '0')}", "expected a whole number from 1 to 1440"),
        (f"{HEAD}roles:\n  A:\n{ROLE}{WINDOW}".replace("tickets: [INC-1]\n", ""), "lists no tickets"),
        (f"{HEAD.replace('INC-1', 'JOHN')}roles:\n  A:\n{ROLE}{WINDOW}", "expected text like"),
    ],
)
def test_mistakes(text: str, said: str) -> None:
    """A line that has no effect, or that lacks what it needs, is named."""
    with pytest.raises(SettingsError) as caught:
        parse_policy(text, "policy.yaml")
    assert said in str(caught.value)
