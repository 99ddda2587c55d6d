"""The example workflow: each of its commands is run here, as a runner would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.identities import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "policy.yml"
POLICY = ROOT / "config" / "policy.yaml"


def steps() -> dict[str, dict[str, Any]]:
    """The steps of the example workflow, by name."""
    job = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["check"]
    return {step["name"]: step for step in job["steps"]}


def run_step(
    name: str, tmp_path: Path, more: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """A step's script as the runner runs it (bash -e), with this Python in the place of its own."""
    script = str(steps()[name]["run"]).replace(".venv/bin/python", sys.executable).rstrip() + more
    variables = {
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        **environment,
    }
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_workflow_checks(tmp_path: Path) -> None:
    """The check passes for the default policy, and annotates a mistake and fails."""
    assert run_step("Check the policy", tmp_path).returncode == 0
    text = POLICY.read_text("utf-8")
    line = text[: text.index("held_by: apps")].count("\n") + 1
    wrong = tmp_path / "policy.yaml"
    wrong.write_text(text.replace("held_by: apps", "held_by: robots"), "utf-8")
    failed = run_step("Check the policy", tmp_path, POLICY_FILE=str(wrong))
    assert failed.returncode == 1
    assert f",line={line},title=mistake::roles.Pii.Pipeline.held_by" in failed.stdout


def test_the_workflow_tells_what_changes(tmp_path: Path) -> None:
    """The summary of the run has the difference by meaning; a difference does not fail the job."""
    commits = subprocess.run(
        ["git", "log", "--format=%H", "--diff-filter=A", "--", "config/policy.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not commits:
        pytest.skip("NOT RUN: this copy has no history to compare with")
    told = run_step("Tell what changes", tmp_path, BASE=commits[-1])
    assert told.returncode == 0, told.stderr
    summary = (tmp_path / "summary.md").read_text("utf-8")
    assert "requests_a_minute" in summary


def test_the_workflow_tests_the_configuration(tmp_path: Path) -> None:
    """The tests that it names are there and pass (those of the default policy, here)."""
    ran = run_step("Test the configuration", tmp_path, more=" -k test_default -p no:cacheprovider")
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout


def test_the_workflow_can_do_nothing_else() -> None:
    """It reads the code, keeps no credentials, and runs no text of a pull request."""
    workflow = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in WORKFLOW.read_text("utf-8")
    assert steps()["Check out"]["with"]["persist-credentials"] is False
    assert steps()["Set up"]["run"] == "make setup"
    assert [step["uses"] for step in steps().values() if "uses" in step] == ["actions/checkout@v4"]
    assert not any("${{" in step.get("run", "") for step in steps().values())
