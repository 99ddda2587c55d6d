"""What carries revocations out: deletions at Graph as a script that may be run twice, and nothing else."""

from __future__ import annotations

import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.review.findings import Finding, Review
from shared.review.revocations import Revocation, plan_revocations, render_script
from shared.review.standing import Decision, Standing
from tests.support.reviews import MADE, principal, sample_finding, sample_review

APP, GRAPH = "b7c1d9e2-3f4a-4b5c-8d6e-7f8091a2b3c4", "https://graph.example.com"
WORDS = "Left the team in May"


def revoked(
    finding: Finding, justification: str = WORDS, **changes: Any
) -> tuple[Review, dict[str, Standing]]:
    """A review of one finding, and its revocation."""
    decision = Decision(finding.id, "revoke", principal(7), justification, MADE, "01KB/3")
    review = sample_review(0, 3, findings=(replace(finding, **changes),))
    return review, {finding.id: Standing("revoked", decision)}


def plan(finding: Finding, **changes: Any) -> tuple[Revocation, ...]:
    return plan_revocations(*revoked(finding, **changes), APP)


def run(script: str, folder: Path, answers: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a script with an `az` that notes its arguments, one a line, and answers as told."""
    az, log = folder / "az", folder / "log"
    az.write_text(f'#!/bin/sh\nfor each in "$@"; do printf "%s\\n" "$each" >> {log}; done\n{answers}\n')
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    ended = subprocess.run(
        ["sh"], input=script, env={"PATH": f"{folder}:/usr/bin:/bin"}, cwd=folder,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ended, log.read_text().splitlines() if log.exists() else []


def test_only_what_stands_as_revoked_is_carried_out() -> None:
    review = sample_review(4, 3)
    states: list[Any] = ["undecided", "approved", "deferred", "applied"]
    standings = {each.id: Standing(state) for each, state in zip(review.findings, states, strict=True)}
    assert plan_revocations(review, standings, APP) == ()


def test_an_own_assignment_is_deleted_and_a_membership_is_ended() -> None:
    """Deleting a group's assignment would take the role from all of its members."""
    [each] = plan(sample_finding(1), assignments=("a-1",), groups=("g-1",))
    assert [deletion.path for deletion in each.deletions] == [
        f"/servicePrincipals(appId='{APP}')/appRoleAssignedTo/a-1",
        f"/groups/g-1/members/{principal(1)[1]}/$ref",
    ]


def test_the_script_deletes_what_is_there(tmp_path: Path) -> None:
    script = render_script(plan(sample_finding(1), assignments=("a-1",)), "2026-12", GRAPH)
    ended, asked = run(script, tmp_path, "exit 0")
    assert ended.returncode == 0 and "deleted: f-0000000000000001" in ended.stdout
    url = f"{GRAPH}/v1.0/servicePrincipals(appId='{APP}')/appRoleAssignedTo/a-1"
    assert [asked[place + 1] for place, each in enumerate(asked) if each == "--method"] == ["GET", "DELETE"]
    assert [asked[place + 1] for place, each in enumerate(asked) if each == "--url"] == [url, url]


def test_what_is_gone_already_is_no_failure(tmp_path: Path) -> None:
    """Run a second time, it deletes nothing and succeeds."""
    script = render_script(plan(sample_finding(1), assignments=("a-1",)), "2026-12", GRAPH)
    ended, asked = run(script, tmp_path, 'case "$*" in *GET*) exit 1;; esac')
    assert ended.returncode == 0 and "gone already" in ended.stdout
    assert "DELETE" not in asked


def test_a_refused_deletion_fails_the_script_and_stops_none_of_the_others(tmp_path: Path) -> None:
    script = render_script(plan(sample_finding(1), assignments=("a-1", "a-2")), "2026-12", GRAPH)
    ended, asked = run(script, tmp_path, 'case "$*" in *DELETE*a-1*) exit 1;; esac')
    assert ended.returncode == 1 and "FAILED" in ended.stderr
    assert asked.count("DELETE") == 2


HOSTILE = (
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "x\ntouch pwned\n",
    "a b/../../users",
    "é\u202e'",
)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_is_obeyed_by_the_shell(tmp_path: Path, value: str) -> None:
    """Ids, roles, words of reviewers and proposals are quoted or commented, whatever stands in them."""
    finding = sample_finding(
        1, id=value, role=value, proposal=value, explanation=value, principal=(value, value)
    )
    review, _ = revoked(finding, assignments=(value,), groups=(value,))
    decision = Decision(value, "revoke", (value, value), value, MADE, value)
    script = render_script(
        plan_revocations(review, {value: Standing("revoked", decision)}, value), value, GRAPH
    )
    ended, asked = run(script, tmp_path, "exit 0")
    assert ended.returncode == 0, ended.stderr
    assert not (tmp_path / "pwned").exists()
    urls = [asked[place + 1] for place, each in enumerate(asked) if each == "--url"]
    assert len(urls) == 4 and all(url.startswith(f"{GRAPH}/v1.0/") and " " not in url for url in urls)
    assert not any("/../" in url for url in urls)


def test_what_is_no_assignment_is_said_and_not_deleted(tmp_path: Path) -> None:
    finding = sample_finding(3, "role_unheld", assignments=(), groups=())
    script = render_script(plan(finding), "2026-12", GRAPH)
    assert f"# Nothing to delete at Graph: {finding.proposal}" in script
    assert run(script, tmp_path, "exit 0")[1] == []


def test_who_decided_and_why_stands_above_each_command() -> None:
    script = render_script(plan(sample_finding(1), assignments=("a-1",)), "2026-12", GRAPH)
    assert f"#   {WORDS}" in script and principal(7)[1] in script and "01KB/3" in script
