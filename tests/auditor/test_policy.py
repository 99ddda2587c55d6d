"""`policy check`, `policy diff` and `explain` at the command line, and the workflow that runs them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.identity.explaining import explain
from tests.support.auditing import Run
from tests.support.identities import ROOT, default_policy

POLICY = ROOT / "config" / "policy.yaml"
TEXT = POLICY.read_text("utf-8")
WORKFLOW = ROOT / ".github" / "workflows" / "policy.yml"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A copy of the default policy that a test may change."""
    copy = tmp_path / "policy.yaml"
    copy.write_text(TEXT, "utf-8")
    return copy


def change(policy: Path, old: str, new: str) -> int:
    """Replace a text that is there; the line where it begins."""
    text = policy.read_text("utf-8")
    assert old in text
    policy.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_default_policy_is_clean(run: Run) -> None:
    """With what Presidio's recognizers really find: nothing that the file does not accept with a reason."""
    ran = run("policy", "check")
    assert (ran.code, ran.text.splitlines()[-1]) == (0, f"{POLICY}: 0 findings, 6 accepted")
    shown = run("policy", "check", "--accepted", "--no-recognizers").text
    assert "clients of stock Presidio send no X-Purpose" in shown


def test_a_mistake_is_named_with_its_line(run: Run, policy: Path) -> None:
    """What the service would refuse to start with, in the words of the service."""
    line = change(policy, "max_chars: 1000000", "max_chars: many")
    ran = run("policy", "check", policy)
    assert ran.code == 1
    assert (
        f"policy.yaml:{line}: error: roles.Pii.BreakGlass.max_chars: expected a positive integer" in ran.text
    )


def test_a_remark_is_named_with_its_line(run: Run, policy: Path) -> None:
    """What is seldom meant, with what to change, and its code."""
    line = change(policy, "    requests_a_minute: 60000\n", "")
    place = next(number for number, text in enumerate(TEXT.splitlines(), 1) if text == "  Pii.Pipeline:")
    ran = run("policy", "check", policy, "--no-recognizers")
    assert ran.code == 1
    assert place < line
    assert f"policy.yaml:{place}: warning: roles.Pii.Pipeline.requests_a_minute: sets no rate for" in ran.text
    assert "[rate-missing]" in ran.text


def test_an_entity_that_only_a_recognizer_knows(run: Run, tmp_path: Path, policy: Path) -> None:
    """Presidio's files beside the policy are read: what they find and it cannot name is remarked."""
    recognizers = (ROOT / "config" / "recognizers.yaml").read_text("utf-8")
    own = """
  - name: BadgeRecognizer
    supported_entity: BADGE
    type: custom
    supported_languages: [en]
    patterns:
      - name: badge
        regex: 'B-[0-9]{6}'
        score: 0.6
"""
    (tmp_path / "recognizers.yaml").write_text(recognizers + own, "utf-8")
    ran = run("policy", "check", policy, "--format", "json")
    assert ran.code == 1
    assert [(entry["code"], "'BADGE'" in entry["message"]) for entry in ran.json] == [
        ("unlisted-entity", True)
    ]
    change(policy, "custom_entities: []", "custom_entities: [BADGE]")
    assert run("policy", "check", policy).code == 0


def test_recognizers_that_cannot_be_read(run: Run, tmp_path: Path, policy: Path) -> None:
    """What could not be checked is said, and is neither clean nor a finding."""
    (tmp_path / "recognizers.yaml").write_text("recognizers: [", "utf-8")
    ran = run("policy", "check", policy)
    assert ran.code == 2
    assert "not checked against the recognizers" in ran.error
    assert run("policy", "check", policy, "--no-recognizers").code == 0


def test_several_files(run: Run, tmp_path: Path, policy: Path) -> None:
    """Each file has its own findings; one with findings is enough for exit status 1."""
    other = tmp_path / "other.yaml"
    other.write_text("version: 2\n", "utf-8")
    ran = run("policy", "check", policy, other, "--no-recognizers")
    assert ran.code == 1
    assert "policy.yaml: 0 findings" in ran.text
    assert "other.yaml:1: error: version: expected 1, the only version there is, got 2" in ran.text


def test_annotations(run: Run, policy: Path) -> None:
    """GitHub's workflow commands, in which no text of a file can begin another command."""
    line = change(policy, "version: 1", 'version: "1\\n::error::100% made, up"')
    ran = run("policy", "check", policy, "--format", "github")
    assert ran.code == 1
    lines = ran.text.splitlines()
    assert all(
        re.fullmatch(r"::error file=policy\.yaml,line=\d+,title=mistake::\S.*", each) for each in lines
    )
    assert f"line={line}," in lines[0]
    assert "100%25" in lines[0]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a" * 1_000_001, None])
def test_files_that_are_no_text(run: Run, tmp_path: Path, content: bytes | None) -> None:
    """A file that cannot be read ends the command with a sentence."""
    file = tmp_path / "p.yaml"
    if content is not None:
        file.write_bytes(content)
    assert run("policy", "check", file).code == 3


@pytest.mark.parametrize("text", ["", "[]", "\0", "a: " + "[" * 1_500, "version: 1\nroles: {}\n"])
def test_files_that_are_no_policy(run: Run, tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, there are findings and no crash."""
    file = tmp_path / "p.yaml"
    file.write_text(text, "utf-8")
    for form in ("text", "json", "github"):
        assert run("policy", "check", file, "--format", form).code == 1


def test_diff_by_meaning(run: Run, tmp_path: Path, policy: Path) -> None:
    """Spelling is no difference; what allows more is told from what allows less."""
    same = tmp_path / "same.yaml"
    same.write_text(
        "# a comment\n" + TEXT.replace("[pii.analyze, pii.sensitive]", "[pii.sensitive, pii.analyze]")
    )
    ran = run("policy", "diff", POLICY, same)
    assert (ran.code, ran.text.strip()) == (0, "The two policies mean the same.")
    change(policy, "[pii.analyze, pii.sensitive]", "[pii.analyze]")
    change(policy, "permissions: [audit.read]\n", "permissions: [audit.read, service.operate]\n")
    change(policy, "max_chars: 1000000", "max_chars: 2000000")
    change(policy, "purpose_required: [pii.deanonymize]", "purpose_required: []")
    change(policy, "requests_a_minute: 60000", "requests_a_minute: 50")
    change(policy, "    window_minutes: 240\n", "    window_minutes: 300\n")
    ran = run("policy", "diff", POLICY, policy, "--json")
    assert ran.code == 1
    told = {(entry["path"], entry["effect"]) for entry in ran.json}
    assert told == {
        ('roles."Pii.Analyst".permissions', "narrower"),
        ('roles."Audit.Reader".permissions', "wider"),
        ('roles."Pii.BreakGlass".max_chars', "wider"),
        ('roles."Pii.BreakGlass".window_minutes', "wider"),
        ('roles."Pii.Pipeline".requests_a_minute', "narrower"),
        ("purpose_required", "wider"),
    }
    assert 'gained "service.operate"' in run("policy", "diff", POLICY, policy).text


def test_diff_needs_two_policies(run: Run, policy: Path) -> None:
    """A policy with a mistake means nothing, so it is compared with nothing."""
    change(policy, "version: 1", "version: 2")
    assert run("policy", "diff", POLICY, policy).code == 3


def test_explain_says_what_is_decided(run: Run) -> None:
    """Both spellings of the command, by the service's own decision, with the line of the rule."""
    for words in (("explain",), ("policy", "explain")):
        ran = run(*words, "Pii.Reidentifier", "pii.deanonymize", "--json")
        assert ran.code == 0
        told = ran.json
        assert (told["answer"], list(told["needs"])) == ("yes, with", ["purpose"])
        name, _, line = told["line"].rpartition(":")
        assert Path(name) == POLICY
        assert "pii.deanonymize" in TEXT.splitlines()[int(line) - 1]
        assert told["intent_first"]


def test_explain_for_every_role(run: Run) -> None:
    """`all` tells who may; each answer is that of the decision."""
    told = run("explain", "all", "pii.analyze", "US_SSN", "--json").json
    assert {entry["role"]: entry["answer"] != "no" for entry in told} == {
        role.name: explain(default_policy(), role.name, "pii.analyze", "US_SSN").decision.allowed
        for role in default_policy().roles
    }


def test_explain_no(run: Run) -> None:
    """Exit status 1, the reason, and the line of the list that forbids it."""
    ran = run("explain", "Pii.Pipeline", "pii.analyze", "US_SSN")
    assert ran.code == 1
    line = next(number for number, text in enumerate(TEXT.splitlines(), 1) if text.strip() == "- US_SSN")
    assert f"policy.yaml:{line} (sensitive_entities[" in ran.text
    assert run("explain", "Pii.Analyst", "pii.analyze", "--as", "app").code == 0
    assert run("explain", "Pii.BreakGlass", "pii.analyze", "--as", "app").code == 1


def test_the_commands_of_the_page(run: Run) -> None:
    """docs/operations/policy.md shows commands that there are."""
    page = (ROOT / "docs" / "operations" / "policy.md").read_text("utf-8")
    shown = re.findall(r"`python -m auditor ([^`]+)`", page)
    assert len(shown) >= 4
    words = {
        "OLD": str(POLICY),
        "NEW": str(POLICY),
        "ROLE": "Pii.Analyst",
        "OPERATION": "pii.analyze",
        "[ENTITY]": "URL",
    }
    for command in shown:
        assert run(*(words.get(word, word) for word in command.split())).code == 0, command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Pii.Analist", "pii.analyze"), "did you mean 'Pii.Analyst'"),
        (("Pii.Analyst", "pii.analise"), "did you mean 'pii.analyze'"),
        (("Pii.Analyst", "pii.analyze", "US_SNN"), "did you mean 'US_SSN'"),
    ],
)
def test_explain_slips(run: Run, words: tuple[str, ...], said: str) -> None:
    """A name that is not there is not answered with no, but with the name that was meant."""
    ran = run("explain", *words)
    assert ran.code == 3
    assert said in ran.error
