"""Policy files: what they mean, and the digest of that."""

from __future__ import annotations

import json
import re

import pytest

from shared.identity.policy import Policy, parse_policy
from shared.identity.terms import OPERATIONS, OPERATORS
from tests.support.identities import ROOT, default_policy
from tests.support.policies import SMALL

DEFAULT = (ROOT / "config/policy.yaml").read_text(encoding="utf-8")
VECTORS = ROOT / "tests/vectors/policy"


def parse(text: str) -> Policy:
    return parse_policy(text, "policy.yaml")


def test_default_roles() -> None:
    """The default policy has the roles of the documentation, break-glass last."""
    assert [role.name for role in default_policy().roles] == [
        "Pii.Analyst",
        "Pii.Redactor",
        "Pii.Reidentifier",
        "Pii.Pipeline",
        "Audit.Reader",
        "Audit.Reviewer",
        "Service.Operator",
        "Pii.Approver",
        "Pii.BreakGlass",
    ]


def test_default_break_glass_has_everything() -> None:
    """Break-glass may do all that there is, by a person, with purpose, justification and ticket, for hours.

    But for approving: who is in a hurry is nobody's second pair of eyes.
    """
    role = default_policy().roles[-1]
    assert set(role.permissions) == {*OPERATIONS, "pii.sensitive"} - {"approval.decide"}
    assert (role.held_by, role.requires) == ("people", ("purpose", "justification", "ticket"))
    assert (role.window_minutes, role.windows_a_week, role.record_intent) == (240, 3, True)


def test_default_four_eyes() -> None:
    """Off, since a client of Presidio does not know of it; the file's two lines turn it on as they are."""
    assert default_policy().four_eyes == ()
    on = parse(
        DEFAULT.replace("#four_eyes:", "four_eyes:").replace("#approval_minutes:", "approval_minutes:")
    )
    assert on.four_eyes == ("pii.deanonymize",)
    assert on.approval_lifetime.total_seconds() == 3_600
    assert on.digest != default_policy().digest


def test_default_operators() -> None:
    """No role may use operators that run foreign code or send data elsewhere; all others are usable."""
    used = {name for role in default_policy().roles for name in role.operators}
    assert used == OPERATORS - {"custom", "surrogate_ahds"}


def test_default_is_explained_by_its_comments() -> None:
    """Every setting of a role is explained above the roles."""
    explained = DEFAULT[: DEFAULT.index("\nroles:")]
    for field in type(default_policy().roles[0]).model_fields:
        assert field == "name" or re.search(rf"#.*\b{field}\b", explained), field


def test_digest_vectors() -> None:
    """The digests of frozen files never change: records of past years refer to them."""
    expected = json.loads((VECTORS / "digests.json").read_text(encoding="ascii"))
    found = {path.name: parse(path.read_text(encoding="utf-8")).digest for path in VECTORS.glob("*.yaml")}
    assert found == expected
    assert found["spelled_one_way.yaml"] == found["spelled_another_way.yaml"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "# a comment\nversion: 1"),
        ("[audit, support]", "[support, audit]"),
        (
            "    languages: [en]\n    denied_entities: [BADGE]",
            "    denied_entities: [BADGE]\n    languages: ['en']",
        ),
        ("    max_texts: 2", "    max_texts: 2\n    entities: all\n    decision_process: false"),
    ],
)
def test_digest_ignores_spelling(old: str, new: str) -> None:
    """Comments, key order, list order and written-out defaults do not change what a policy means."""
    assert parse(SMALL.replace(old, new)).digest == parse(SMALL).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_chars: 10", "max_chars: 11"),
        ("[en]", "[en, de]"),
        ("[audit, support]", "[audit]"),
        ("[US_SSN]", "[US_ITIN]"),
        ("  Auditor:", "  Auditors:"),
        ("    requires: [purpose]\n", ""),
        ("    max_texts: 2", "    max_texts: 2\n    held_by: people"),
    ],
)
def test_digest_shows_changes(old: str, new: str) -> None:
    """Whatever changes a decision changes the digest."""
    assert parse(SMALL.replace(old, new)).digest != parse(SMALL).digest


def test_digest_shows_order_of_roles() -> None:
    """The order of roles decides which of them grants, so it is part of the meaning."""
    head, _, roles = SMALL.partition("roles:\n")
    reader, auditor = roles.split("  Auditor:\n")
    assert parse(f"{head}roles:\n  Auditor:\n{auditor}{reader}").digest != parse(SMALL).digest
