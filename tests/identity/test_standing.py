"""What /whoami says."""

from __future__ import annotations

import json

from shared.identity.standing import describe
from tests.support.identities import default_policy, make_caller


def test_analyst() -> None:
    """A caller sees its identity, its roles with their bounds, and why it would be refused the rest."""
    told = describe(make_caller("Pii.Analyst", "Pii.Pipeline", "Old.Role"), default_policy())
    assert told["caller"]["kind"] == "person"
    assert told["roles"] == {
        "effective": ["Pii.Analyst"],
        "wrong_kind": ["Pii.Pipeline"],
        "unknown": ["Old.Role"],
    }
    assert told["permissions"] == ["pii.analyze", "pii.sensitive"]
    assert [grant["role"] for grant in told["grants"]] == ["Pii.Analyst"]
    assert told["grants"][0]["max_chars"] == 200_000
    reasons = {entry["operation"]: entry["reason"] for entry in told["operations"]}
    assert reasons["pii.analyze"] == "granted"
    assert reasons["pii.redact"] == "wrong_kind"
    assert reasons["audit.read"] == "not_permitted"
    assert told["policy"] == default_policy().digest


def test_purpose_is_told_of() -> None:
    """An operation that needs a purpose says so, with the purposes that there are."""
    told = describe(make_caller("Pii.Reidentifier"), default_policy())
    entry = next(entry for entry in told["operations"] if entry["operation"] == "pii.deanonymize")
    assert (entry["allowed"], entry["reason"]) == (False, "purpose_required")
    assert all(purpose in entry["message"] for purpose in told["purposes"])


def test_restricted_role() -> None:
    """A role without pii.sensitive sees which types it is not told of."""
    told = describe(make_caller("Pii.Pipeline", kind="app"), default_policy())
    assert "US_SSN" in told["grants"][0]["denied_entities"]


def test_nobody() -> None:
    """A caller without a role may ask who it is, and nothing else."""
    told = describe(make_caller(), default_policy())
    assert [entry["operation"] for entry in told["operations"] if entry["allowed"]] == ["identity.read"]
    assert told["permissions"] == []


def test_is_json() -> None:
    """The answer is plain JSON."""
    told = describe(make_caller("Pii.BreakGlass"), default_policy())
    assert json.loads(json.dumps(told)) == told
