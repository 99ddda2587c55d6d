"""What the policy check remarks: each rule finds what it is for, and nothing in a policy that avoids it."""

from __future__ import annotations

import pytest

from shared.identity.policy import read_policy
from shared.identity.remark_rules import NEED_RECOGNIZERS, advise
from shared.identity.remarks import IDLE, Known, Remark, count_open, settle_remarks
from shared.identity.terms import ENTITY_TYPES
from tests.support.identities import ROOT

CLEAN = """\
version: 1
purposes: [audit, support]
purpose_required: [pii.deanonymize]
justification_required: [pii.deanonymize]
sensitive_entities: [US_SSN]
custom_entities: [BADGE]
tickets: [INC-1]
refused_a_minute: 60
roles:
  Reader:
    permissions: [pii.analyze]
    max_chars: 10
    max_texts: 2
    requests_a_minute: 60
  Restorer:
    permissions: [pii.deanonymize]
    operators: [decrypt]
    max_chars: 10
    max_texts: 2
    requests_a_minute: 60
  Auditor:
    permissions: [audit.read, audit.review]
    requests_a_minute: 60
  Emergency:
    held_by: people
    permissions: [pii.analyze, pii.deanonymize]
    operators: [decrypt]
    max_chars: 100
    max_texts: 2
    requests_a_minute: 60
    requires: [purpose, justification, ticket]
    window_minutes: 60
    windows_a_week: 2
    record_intent: true
"""
KNOWN = Known(frozenset({"US_SSN", "BADGE", "PERSON"}))


def remarks_of(text: str, known: Known | None = KNOWN) -> list[Remark]:
    reading = read_policy(text)
    assert reading.policy is not None
    assert reading.mistakes == (), reading.mistakes
    unchecked = NEED_RECOGNIZERS if known is None else ()
    return settle_remarks(advise(reading.policy, known), reading.document, text, unchecked)


def test_a_policy_without_remarks() -> None:
    """Nothing is remarked where nothing is questionable."""
    assert remarks_of(CLEAN) == []


EMERGENCY = CLEAN[CLEAN.index("  Emergency:") :]
BOUNDS = "    max_chars: 1\n    max_texts: 1\n    requests_a_minute: 60\n"
ALMOST_ALL = "[audit.read, audit.review, service.operate, pii.deanonymize, pii.analyze, pii.sensitive]"
SECOND = "  Second:\n    permissions: [audit.read]\n    requests_a_minute: 5\n"
STRICT = "  Second:\n    permissions: [audit.read]\n    requires: [purpose]\n    requests_a_minute: 5\n"
RATE = "    requests_a_minute: 60\n  Restorer:"

CASES = [
    ("separation-of-duties", "[pii.deanonymize]\n    op", "[pii.deanonymize, audit.read]\n    op"),
    ("separation-of-duties", "[pii.deanonymize]\n    op", "[pii.deanonymize, audit.review]\n    op"),
    ("sensitive-without-purpose", "[pii.analyze]\n", "[pii.analyze, pii.sensitive]\n"),
    ("reveal-without-purpose", "purpose_required: [pii.deanonymize]\n", "purpose_required: []\n"),
    ("reveal-alone", "justification_required: [pii.deanonymize]", "justification_required: []"),
    (
        "everything-in-one-role",
        "[audit.read, audit.review]\n    requests_a_minute: 60\n",
        f"{ALMOST_ALL}\n    operators: [mask]\n    requires: [purpose]\n{BOUNDS}",
    ),
    ("emergency-without-bounds", "    window_minutes: 60\n    windows_a_week: 2\n", ""),
    ("emergency-without-bounds", "  Reader:", "  BreakGlass:"),
    ("ad-hoc-for-apps", RATE, f"    ad_hoc_recognizers: true\n{RATE}"),
    ("foreign-operator", "[decrypt]\n    max_chars: 10\n", "[decrypt, custom]\n    max_chars: 10\n"),
    ("rate-missing", RATE, "  Restorer:"),
    ("rate-missing", "review]\n    requests_a_minute: 60", "review]\n    requests_a_minute: {audit.read: 5}"),
    ("rate-missing", "refused_a_minute: 60\n", ""),
    ("emergency-first", "roles:\n", f"roles:\n{EMERGENCY}"),
    ("shadowed-role", "  Emergency:\n", f"{STRICT}  Emergency:\n"),
    ("shadowed-role", "  Emergency:\n", f"{SECOND}  Emergency:\n"),
    ("nobody-watches", "permissions: [audit.read, audit.review]", "permissions: [service.operate]"),
    ("unlisted-entity", "[BADGE]", "[]"),
    ("entity-not-found", "[BADGE]", "[BADGE, TOKEN]"),
    ("entity-not-found", "[US_SSN]", "[US_SSN, UK_NHS]"),
]
"""Code of the remark, and the change of the clean policy that brings it."""


@pytest.mark.parametrize(("code", "old", "new"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
def test_each_rule_finds_what_it_is_for(code: str, old: str, new: str) -> None:
    """One change of the clean policy brings its remark, about a line of the changed file."""
    assert old in CLEAN
    text = CLEAN.replace(old, new, 1)
    if code == "emergency-first":
        text = text[: text.rindex("  Emergency:")]
    found = [remark for remark in remarks_of(text) if remark.code == code]
    assert found, remarks_of(text)
    for remark in found:
        line = text.splitlines()[remark.line - 1]
        field = remark.place.rsplit(".", 1)[-1].partition("[")[0]
        assert remark.accepted is None
        assert remark.message
        assert f"{field}:" in line or field in ("requests_a_minute", "refused_a_minute")


def test_shadowing_is_worse_where_less_is_asked() -> None:
    """A later role that asks for more and is never used is a warning; a mere twin is a note."""
    severities = {
        remark.severity
        for _, old, new in (case for case in CASES if case[0] == "shadowed-role")
        for remark in remarks_of(CLEAN.replace(old, new, 1))
        if remark.code == "shadowed-role"
    }
    assert severities == {"warning", "note"}


def test_purposes_that_nobody_may_give() -> None:
    """A purpose that no role may give is remarked in its own line; so are purposes that nothing asks for."""
    text = CLEAN.replace("    permissions", "    purposes: [audit]\n    permissions")
    assert [(r.code, r.place) for r in remarks_of(text)] == [("unused-purpose", "purposes[1]")]
    idle = CLEAN[: CLEAN.index("  Emergency:")].replace("purpose_required: [pii.deanonymize]", "")
    assert "unused-purpose" in {remark.code for remark in remarks_of(idle)}


def test_without_recognizers_nothing_is_said_of_them() -> None:
    """Where it is not known what is found, nothing is guessed."""
    text = CLEAN.replace("[US_SSN]", "[US_SSN, UK_NHS]")
    assert remarks_of(text, known=None) == []
    accepted = text.replace("sensitive_e", "# accepted: entity-not-found: cannot be known here\nsensitive_e")
    assert remarks_of(accepted, known=None) == []


def test_an_acceptance_with_a_reason() -> None:
    """A remark that the file accepts is kept, with the reason, and is not open."""
    text = CLEAN.replace("[pii.analyze]\n", "[pii.analyze, pii.sensitive]\n", 1)
    for accepting in (
        text.replace(
            "  Reader:", "  # accepted: sensitive-without-purpose: a test of acceptances\n  Reader:"
        ),
        text.replace("  Reader:", "  Reader:  # accepted: sensitive-without-purpose: a test of acceptances"),
        text.replace(
            "sensitive]", "sensitive]  # accepted: sensitive-without-purpose: a test of acceptances"
        ),
        text.replace(
            "    permissions: [pii.analyze, pii.s",
            "    # accepted: sensitive-without-purpose: a test of acceptances\n    # more\n\n"
            "    permissions: [pii.analyze, pii.s",
        ),
    ):
        (remark,) = remarks_of(accepting)
        assert remark.accepted == "a test of acceptances"
        assert count_open([remark]) == 0


@pytest.mark.parametrize(
    "comment",
    [
        "# accepted: reveal-alone: there is no such remark here",
        "# accepted: no-such-code: there is no such remark at all",
        "# accepted: sensitive-without-purpose: about another role, where it is idle",
    ],
)
def test_an_acceptance_that_outlived_its_remark(comment: str) -> None:
    """What accepts nothing is remarked itself: somebody believes in it."""
    (remark,) = remarks_of(CLEAN.replace("  Auditor:", f"  {comment}\n  Auditor:"))
    assert (remark.code, remark.severity) == (IDLE, "warning")
    assert CLEAN.splitlines()[remark.line - 1] == "  Auditor:"


@pytest.mark.parametrize("comment", ["# accepted: rate-missing", "# accepted: rate-missing: because"])
def test_an_acceptance_without_a_reason(comment: str) -> None:
    """Accepting needs a sentence."""
    text = CLEAN.replace("    requests_a_minute: 60\n  Restorer:", "  Restorer:")
    found = remarks_of(text.replace("  Reader:", f"  {comment}\n  Reader:"))
    assert [remark.code for remark in found if remark.accepted is None] == [IDLE]


def test_an_acceptance_at_the_end_accepts_nothing() -> None:
    """A comment below everything is about nothing."""
    assert [remark.code for remark in remarks_of(CLEAN + "# accepted: rate-missing: below everything\n")] == [
        IDLE
    ]


def test_the_page_lists_every_code() -> None:
    """docs/operations/policy.md explains each code that can be found, and no other."""
    page = (ROOT / "docs/operations/policy.md").read_text("utf-8")
    listed = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    source = (ROOT / "shared/identity/remark_rules.py").read_text("utf-8")
    written = {word.strip('",') for word in source.split() if "-" in word and word.startswith('"')}
    codes = {case[0] for case in CASES} | {"unused-purpose", IDLE}
    assert codes == listed
    assert codes - {IDLE} <= written


def test_the_default_policy_has_no_open_remark() -> None:
    """config/policy.yaml is clean, or says why not, whatever Presidio's recognizers are set to find."""
    text = (ROOT / "config/policy.yaml").read_text("utf-8")
    remarks = remarks_of(text, Known(ENTITY_TYPES - {"US_SSN"}))
    assert [remark for remark in remarks if remark.accepted is None] == []
