"""The README's commands, as they stand there, against a running local cloud."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.layout import ROOT
from devstack.processes import wait_until
from tests.support.cloud import Cloud

README = (ROOT / "README.md").read_text("utf-8")


def shell_of(heading: str) -> str:
    """The shell block under a heading, without the lines that set up what the test has already."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None, heading
    kept = [line for line in block[1].splitlines() if not line.startswith(("git ", "make "))]
    return "\n".join(kept).replace(".venv/bin/python", sys.executable)


def run(script: str, cloud: Cloud, cwd: Path, codes: tuple[int, ...] = (0,)) -> str:
    """Run as a newcomer would, but in the test's own cloud; `codes` are the exit codes that are expected."""
    environment = {**os.environ, "DEVSTACK_DIR": str(cloud.layout.folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


def test_the_first_call_is_answered_with_a_receipt(cloud: Cloud, tmp_path: Path) -> None:
    """The copy-paste call gets Presidio's findings and the two receipt headers."""
    told = run(shell_of("The first call"), cloud, tmp_path).lower()
    assert "200 ok" in told
    assert "x-audit-record: " in told
    assert "x-audit-checkpoint: " in told
    assert '"entity_type":"person"' in told


def test_an_auditor_gets_a_verdict_from_the_words_alone(cloud: Cloud, tmp_path: Path) -> None:
    """Verify, tail, query and pull, without an option."""
    cloud.call("GET", "/whoami", persona="engineer")
    told = run(shell_of("Prove it"), cloud, tmp_path)
    assert "INTACT" in told
    assert "identity.read" in told
    assert any((tmp_path / "evidence").rglob("*.seg"))


def test_who_governs_gets_a_review_a_history_and_answers(cloud: Cloud, tmp_path: Path) -> None:
    """The commands run from the project's folder; the history may end with 1: something to look at."""
    cloud.call("GET", "/whoami", persona="engineer")
    assert wait_until(lambda: cloud.call("GET", "/audit/checkpoint", persona="auditor").status == 200, 60.0)
    commands = shell_of("Govern it").replace("--to review", f"--to {tmp_path / 'review'}").splitlines()
    review, history, check, explain = commands
    assert "orphaned_principal" in run(review, cloud, ROOT)
    assert (tmp_path / "review" / "report.html").is_file()
    assert "in_force" in run(history, cloud, ROOT, codes=(0, 1))
    assert "0 findings" in run(check, cloud, ROOT)
    assert "yes" in run(explain, cloud, ROOT)


def test_every_make_target_of_the_readme_exists() -> None:
    """`make help` lists what the README names."""
    named = set(re.findall(r"make ([a-z]+)", README))
    listed = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named <= listed


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_links_lead_somewhere(link: str) -> None:
    """Every relative link of the README is a file or folder."""
    assert (ROOT / link).exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[a-z0-9_/.]+)`", README))))
def test_what_holds_a_claim_is_there(path: str) -> None:
    """Every test that the README names for a claim exists."""
    assert (ROOT / path).exists()
