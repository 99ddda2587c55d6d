"""What is said about mistakes in a policy file: the line, the field, what was expected and what came."""

from __future__ import annotations

import pytest

from shared.errors import SettingsError
from shared.identity.policy import parse_policy
from tests.support.policies import SMALL


def complaints(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_policy(text, "policy.yaml")
    assert caught.value.setting == "POLICY_FILE"
    return str(caught.value).removeprefix("POLICY_FILE: ").splitlines()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "max_chars: 10",
            "max_chars: many",
            "10: roles.Reader.max_chars: expected a positive integer, got 'many'",
        ),
        ("max_chars: 10", "max_chars: 0", "10: roles.Reader.max_chars: expected a positive integer, got 0"),
        (
            "max_chars: 10",
            "max_chars: yes",
            "10: roles.Reader.max_chars: expected a positive integer, got true",
        ),
        (
            "max_chars: 10",
            "max_chars: '10'",
            "10: roles.Reader.max_chars: expected a positive integer, got '10'",
        ),
        (
            "max_chars: 10",
            "max_chars: 10.5",
            "10: roles.Reader.max_chars: expected a positive integer, got 10.5",
        ),
        ("[pii.analyze]", "[pii.analyse]", "7: roles.Reader.permissions[0]: expected one of 'pii.analyze'"),
        (
            "[pii.analyze]",
            "pii.analyze",
            "7: roles.Reader.permissions: expected a list of at least one permission",
        ),
        ("[pii.analyze]", "[]", "7: roles.Reader.permissions: expected a list of at least one permission"),
        ("[BADGE]\n    max", "[BAGDE]\n    max", "unknown entity type 'BAGDE'; did you mean 'BADGE'?"),
        (
            "[US_SSN]",
            "[US_SNN]",
            "3: sensitive_entities[0]: unknown entity type 'US_SNN'; did you mean 'US_SSN'?",
        ),
        ("[US_SSN]", "[FOO_BAR]", "an entity type of your own goes into custom_entities first"),
        (
            "[BADGE]\nroles",
            "[BADGE, PERSON]\nroles",
            "4: custom_entities: lists 'PERSON', which is Presidio's own",
        ),
        ("[en]", "[no, en]", "8: roles.Reader.languages[0]: expected text, got false"),
        ("[en]", "[en, en]", "8: roles.Reader.languages: lists 'en' twice"),
        ("[en]", "", "8: roles.Reader.languages: expected 'all' or a list, got nothing"),
        ("[en]", "[]", "8: roles.Reader.languages: expected 'all' or at least one language"),
        (
            "[en]",
            "english",
            "8: roles.Reader.languages: expected 'all' or a list of languages, got 'english'",
        ),
        ("version: 1", "version: 2", "1: version: expected 1, the only version there is, got 2"),
        ("version: 1", "versoin: 1", "1: versoin: is not a field here; did you mean 'version'?"),
        (
            "    languages:",
            "    languges:",
            "8: roles.Reader.languges: is not a field here; did you mean 'languages'?",
        ),
        (
            "max_texts: 2",
            "max_chars: 20",
            "11: roles.Reader.max_chars: stands here a second time, the first is in line 10",
        ),
        ("  Auditor:", "  Reader:", "12: roles.Reader: stands here a second time, the first is in line 6"),
        ("    max_texts: 2\n", "", "6: roles.Reader.max_texts: is missing: expected a positive integer"),
        (
            "[purpose]",
            "[reason]",
            "14: roles.Auditor.requires[0]: expected one of 'purpose', 'justification', 'ticket' or",
        ),
        ("  Auditor:", "  1:", "12: roles.1: expected text as a key, got 1; quote it"),
        ("  Auditor:", "  Audit Team:", "12: roles.Audit Team.name: expected a role's name"),
        (
            "    permissions: [audit.read]\n    requires: [purpose]",
            "    none",
            "roles.Auditor: expected a mapping",
        ),
        ("[audit, support]", "[Audit]", "2: purposes[0]: expected text like"),
        (
            "[audit, support]",
            "[]",
            "roles.Auditor.requires: asks for a purpose, and the policy lists no purposes",
        ),
        ("[audit, support]", "&a [audit, support]\npurpose_required: *a", "aliases"),
        (
            "version: 1",
            "version: !!python/name:os.system",
            "1: is not YAML here: could not determine a constructor",
        ),
        ("version: 1", "version: [1", "is not YAML here"),
        ("version: 1", "version: 1\n---\na: b", "is not YAML here"),
        ("version: 1", "\tversion: 1", "1: is not YAML here"),
    ],
)
def test_mistakes(old: str, new: str, said: str) -> None:
    """A mistake is named by line and field, with what was expected and what came."""
    assert old in SMALL
    found = complaints(SMALL.replace(old, new, 1))
    assert any(line.startswith("policy.yaml:") and said in line for line in found), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[audit.read]", "[audit.read]\n    max_chars: 5", "max_chars: has no effect"),
        ("[audit.read]", "[audit.read]\n    entities: [PERSON]", "entities: has no effect"),
        ("[audit.read]", "[audit.read]\n    denied_entities: [PERSON]", "denied_entities: has no effect"),
        ("[audit.read]", "[audit.read]\n    operators: [mask]", "operators: has no effect"),
        ("[audit.read]", "[audit.read]\n    ad_hoc_recognizers: true", "ad_hoc_recognizers: has no effect"),
        ("[audit.read]", "[audit.read]\n    decision_process: true", "decision_process: has no effect"),
        ("[audit.read]", "[audit.read]\n    languages: [en]", "languages: has no effect"),
        ("[audit.read]", "[audit.read, pii.sensitive]", "pii.sensitive has no effect without pii.analyze"),
        ("[audit.read]", "[audit.read]\n    purposes: [other]", "purposes[0]: unknown purpose 'other'"),
        ("[BADGE]\n    max", "[BADGE]\n    entities: [PERSON]\n    max", "denied_entities: has no effect"),
        (
            "[BADGE]\n    max",
            "[BADGE]\n    entities: [BADGE]\n    max",
            "denies 'BADGE', which entities allows",
        ),
        ("denied_entities: [BADGE]", "entities: [US_SSN]", "lists 'US_SSN', which is sensitive"),
        ("denied_entities: [BADGE]", "entities: []", "expected 'all' or at least one entity type"),
        ("[pii.analyze]", "[pii.analyze, pii.redact]", "operators: is missing"),
        ("roles:", "purpose_required: [pii.redact]\nroles:", "lists 'pii.redact', which no role permits"),
    ],
)
def test_nothing_is_idle(old: str, new: str, said: str) -> None:
    """A line that would have no effect is a mistake: somebody believes in it."""
    assert old in SMALL
    found = complaints(SMALL.replace(old, new, 1))
    assert any(said in line for line in found), found


def test_all_mistakes_at_once() -> None:
    """All mistakes are listed, in the order of their lines."""
    found = complaints(
        SMALL.replace("[en]", "[en, en]")
        .replace("max_chars: 10", "max_chars: many")
        .replace("version: 1", "v: 1")
    )
    lines = [int(line.split(":")[1]) for line in found]
    assert len(found) == 4
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    "text", ["", "[]", "5", "null", "roles: {}", "version: 1\nroles: {}", "\0", "a: " + "[" * 1_500]
)
def test_no_policy(text: str) -> None:
    """A file that holds no policy is refused: nothing is allowed by default."""
    assert complaints(text)
