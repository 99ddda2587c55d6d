"""Policies for tests."""

from __future__ import annotations

import functools

from shared.identity.policy import Policy, parse_policy
from tests.support.identities import ROOT

SMALL = """\
version: 1
purposes: [audit, support]
sensitive_entities: [US_SSN]
custom_entities: [BADGE]
roles:
  Reader:
    permissions: [pii.analyze]
    languages: [en]
    denied_entities: [BADGE]
    max_chars: 10
    max_texts: 2
  Auditor:
    permissions: [audit.read]
    requires: [purpose]
"""


def four_eyes_text(*operations: str) -> str:
    """config/policy.yaml with four eyes for these operations (pii.deanonymize where none is given)."""
    return with_four_eyes((ROOT / "config/policy.yaml").read_text(encoding="utf-8"), *operations)


def with_four_eyes(text: str, *operations: str) -> str:
    """A text of config/policy.yaml, with four eyes turned on."""
    assert text.count("#four_eyes: [pii.deanonymize]") == 1
    listed = ", ".join(operations or ("pii.deanonymize",))
    return text.replace("#four_eyes: [pii.deanonymize]", f"four_eyes: [{listed}]")


@functools.cache
def four_eyes_policy(*operations: str) -> Policy:
    """The same, parsed."""
    return parse_policy(four_eyes_text(*operations), "policy.yaml")
