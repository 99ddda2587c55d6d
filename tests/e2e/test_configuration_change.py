"""A changed score threshold is in the ledger, in the alert and in the history; a comment is nowhere."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devstack.alerts.evaluation import evaluate
from devstack.alerts.rules import load_rule
from devstack.layout import ROOT
from devstack.processes import wait_until
from devstack.watching import find_workspace
from tests.support.cloud import Cloud, running_cloud
from tests.support.source_repositories import SourceRepository, make_repository

RULE = load_rule("configuration-changed")
PATH = "recognizers.EmployeeNumberRecognizer.patterns.employee number.score"
SCORE = {"part": "recognizers", "path": PATH, "action": "changed", "old": "0.6", "new": "0.85"}
WORKERS = 2
AUTHOR = "Ann@example.com"


@contextlib.contextmanager
def _deployed(folder: Path, source: SourceRepository, commit: str) -> Iterator[Cloud]:
    """The service with the repository's files, as a deployment of that commit would start it."""
    with running_cloud(
        folder,
        WORKERS=str(WORKERS),
        POLICY_FILE=str(source.path / "config" / "policy.yaml"),
        RECOGNIZER_REGISTRY_CONF_FILE=str(source.recognizers),
        SERVICE_COMMIT=commit,
        SERVICE_COMMIT_AUTHOR=AUTHOR,
        SERVICE_COMMIT_SIGNED="unsigned",
    ) as cloud:
        answer = cloud.call(
            "POST", "/analyze", {"text": "badge E-123456", "language": "en"}, persona="engineer"
        )
        assert answer.status == 200
        yield cloud


def _auditor(cloud: Cloud, *arguments: str, exit_code: int = 0) -> Any:
    ran = subprocess.run(
        [sys.executable, "-m", "auditor", *arguments, "--json"],
        cwd=ROOT,
        env={**os.environ, "DEVSTACK_DIR": str(cloud.layout.folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == exit_code, f"{ran.stdout}\n{ran.stderr}"
    return json.loads(ran.stdout)


def _recorded(cloud: Cloud) -> list[dict[str, Any]]:
    """The ledger's records of configurations, by time: of two processes that said the same, one."""
    query = (
        'AuditRecords | where RecordType == "config" | project RecordTime, ConfigState, ConfigDigest,'
        " PreviousConfig, Changes, CommitId, CommitSigned, CommitAuthor | order by RecordTime asc"
    )
    rows = _auditor(cloud, "query", query)
    return list({(row["ConfigDigest"], row["PreviousConfig"]): row for row in rows}.values())


def _history(cloud: Cloud, source: SourceRepository, exit_code: int = 0) -> list[dict[str, Any]]:
    arguments = ("config-history", "--git", str(source.path))
    return list(_auditor(cloud, *arguments, exit_code=exit_code)["changes"])


def _alerts(cloud: Cloud, starts: int) -> list[dict[str, str]]:
    """What the deployed rule raises, once so many starts have told of themselves; the last one's come last.

    The rule looks back a quarter of an hour, so it still sees what earlier starts told.
    """
    workspace = find_workspace(cloud.layout)
    assert workspace is not None
    begun = 'AppEvents | where tostring(Properties.RecordType) == "genesis" | count'
    assert wait_until(lambda: workspace.query(begun).rows[0][0] == starts * WORKERS, 30)
    return [dict(violation.dimensions) for violation in evaluate(RULE, workspace, datetime.now(UTC))]


def test_a_changed_score_is_everywhere_and_a_comment_nowhere(tmp_path: Path) -> None:
    """Four deployments: the first, a changed score, comments and order, and one without a commit.

    The last one's edit is seen while the third still runs.
    """
    source = make_repository(tmp_path / "source")
    first = source.git("rev-parse", "HEAD")
    with _deployed(tmp_path / "cloud", source, first) as cloud:
        (baseline,) = _recorded(cloud)
        assert (baseline["ConfigState"], baseline["PreviousConfig"]) == ("in_force", None)
        assert _alerts(cloud, 1) == []

    source.edit("score: 0.6", "score: 0.85")
    second = source.commit("Trust employee numbers more")
    with _deployed(tmp_path / "cloud", source, second) as cloud:
        _, changed = _recorded(cloud)
        assert json.loads(changed["Changes"]) == [SCORE]
        assert changed["PreviousConfig"] == baseline["ConfigDigest"]
        assert (changed["CommitId"], changed["CommitSigned"]) == (second, "unsigned")
        assert "example.com" not in json.dumps(changed)
        alert = {"State": "in_force", "Part": "recognizers", "Path": PATH, "Old": "0.6", "New": "0.85"}
        assert _alerts(cloud, 2) == [{**alert, "Commit": second}]
        begun, step = _history(cloud, source)
        assert begun["commit"]["id"] == first
        assert step["changes"] == [SCORE]
        assert {name: step["commit"][name] for name in ("id", "author", "signed")} == {
            "id": second,
            "author": "Ann Example",
            "signed": "unsigned",
        }
        assert step["flags"] == ["unsigned"]

    _rewrite_without_meaning(source)
    third = source.commit("Explain the recognizer")
    with _deployed(tmp_path / "cloud", source, third) as cloud:
        assert len(_recorded(cloud)) == 2
        assert _alerts(cloud, 3) == [{**alert, "Commit": second}]
        assert [each["configuration"] for each in _history(cloud, source)] == [
            begun["configuration"],
            step["configuration"],
        ]
        # Somebody edits the file on the machine: seen within a minute, and not in force.
        source.edit("score: 0.85", "score: 0.01")
        assert wait_until(lambda: len(_recorded(cloud)) == 3, 90, 5.0)
        drift = _recorded(cloud)[-1]
        assert (drift["ConfigState"], drift["CommitId"]) == ("on_disk", None)
        assert [(each["old"], each["new"]) for each in json.loads(drift["Changes"])] == [("0.85", "0.01")]
        assert _history(cloud, source, exit_code=1)[-1]["flags"] == ["no-commit", "on-disk"]
        assert _score(cloud) == 0.85

    with _deployed(tmp_path / "cloud", source, third) as cloud:
        fresh = [each for each in _alerts(cloud, 4) if each["Old"] == "0.85"]
        assert sorted((each["State"], each["New"], each["Commit"]) for each in fresh) == [
            ("in_force", "0.01", third),
            ("on_disk", "0.01", ""),
        ]
        assert _score(cloud) == 0.01
        *_, last = _history(cloud, source, exit_code=1)
        assert last["commit"] is None
        assert "no-commit" in last["flags"]
        assert _auditor(cloud, "verify")["findings"] == []


def _score(cloud: Cloud) -> float:
    """The score that the service gives now."""
    body = {"text": "E-123456", "language": "en", "entities": ["EMPLOYEE_NUMBER"]}
    (found,) = cloud.call("POST", "/analyze", body, persona="engineer").json
    return float(found["score"])


def _rewrite_without_meaning(source: SourceRepository) -> None:
    """Comments, layout, the order of keys, of recognizers and of words."""
    text = source.recognizers.read_text("utf-8")
    text = text.replace("supported_languages:\n  - en\n", "", 1) + "\nsupported_languages: ['en']\n"
    text = text.replace("context: [credit, card,", "context: [card, credit,")
    text = text.replace("        score: 0.85\n", "").replace(
        "      - name: employee number\n",
        "      - score: 0.85  # since the audit\n        name: employee number\n",
    )
    moved = "  - name: IbanRecognizer\n    type: predefined\n"
    assert moved in text
    text = text.replace(moved, "").replace("  - name: UuidRecognizer\n", moved + "  - name: UuidRecognizer\n")
    source.recognizers.write_text("# Reviewed.\n" + text, "utf-8")
