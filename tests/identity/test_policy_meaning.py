"""A policy as plain JSON: the same exactly where the digest is the same."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from devstack.layout import ROOT
from shared.identity.policy import parse_policy
from shared.identity.policy_meaning import policy_meaning

TEXT = (ROOT / "config" / "policy.yaml").read_text("utf-8")


def _meaning(data: Any) -> tuple[dict[str, Any], str]:
    policy = parse_policy(yaml.safe_dump(data, sort_keys=False), "policy.yaml")
    return policy_meaning(policy), policy.digest


def test_defaults_are_written_out_and_all_is_all() -> None:
    """What is not said in the file holds all the same."""
    role = next(role for role in _meaning(yaml.safe_load(TEXT))[0]["roles"] if role["name"] == "Audit.Reader")
    assert (role["entities"], role["held_by"], role["record_intent"]) == ("all", "both", False)


def test_the_order_of_words_and_keys_means_nothing_and_that_of_roles_does() -> None:
    """As for the digest."""
    data = yaml.safe_load(TEXT)
    meaning = _meaning(data)
    other = copy.deepcopy(data)
    other["sensitive_entities"].reverse()
    other["roles"] = {name: dict(reversed(list(role.items()))) for name, role in data["roles"].items()}
    assert _meaning(other) == meaning
    other["roles"] = dict(reversed(list(data["roles"].items())))
    assert _meaning(other)[0] != meaning[0]
    assert _meaning(other)[1] != meaning[1]


@pytest.mark.parametrize(
    "change",
    [
        {"permissions": ["pii.analyze"]},
        {"max_chars": 1},
        {"entities": ["PERSON"]},
        {"purposes": ["legal-obligation"]},
        {"record_intent": True},
    ],
)
def test_each_change_shows(change: dict[str, Any]) -> None:
    """In the meaning and in the digest."""
    data = yaml.safe_load(TEXT)
    before = _meaning(data)
    data["roles"]["Pii.Analyst"] |= change
    after = _meaning(data)
    assert after[0] != before[0]
    assert after[1] != before[1]
