"""checkov, a scanner that knows nothing of this project, over the evaluated deployment; what it minds is
justified.

checkov's own Bicep parser reads a few of these files and none of the newer syntax, and a compiled
template with modules is opaque to it: both pass with nothing checked. So it is given the predicted
resources, as one flat template.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep import ROOT, SNAPSHOT
from tests.support.packaging import find_uv

PINS = Path(__file__).with_name("checkov.txt")
ENVIRONMENTS = ROOT / ".devstack" / "checkov-env"
MIN_CHECKS = 60

NOT_A_SITE = "a child resource (settings, authentication) that the check takes for a whole site"

JUSTIFIED = {
    "CKV_AZURE_13": f"authentication is on (rule app-authentication); {NOT_A_SITE}",
    "CKV_AZURE_17": "callers have Entra tokens; client certificates would shut drop-in clients out",
    "CKV_AZURE_36": "trusted Microsoft services have no business in evidence: bypass is None on purpose",
    "CKV_AZURE_40": "a signing key that expires by itself would stop the service; it is rotated by runbook",
    "CKV_AZURE_41": "the same for the digest key; a rotation changes what digests can be compared",
    "CKV_AZURE_63": f"Flex Consumption has no such log; requests are telemetry. {NOT_A_SITE}",
    "CKV_AZURE_65": f"detailed error pages tell strangers more, not us. {NOT_A_SITE}",
    "CKV_AZURE_66": f"failed request tracing is a feature of IIS. {NOT_A_SITE}",
    "CKV_AZURE_80": f"no .NET in this app. {NOT_A_SITE}",
    "CKV_AZURE_88": f"no file share: a package is read from a blob container. {NOT_A_SITE}",
    "CKV_AZURE_112": "hardware is the option VAULT_SKU=premium (rule vault-key-hsm)",
    "CKV_AZURE_206": "three zones by default; AUDIT_REDUNDANCY chooses geo-redundancy where laws allow",
    "CKV_AZURE_212": "Flex Consumption scales by itself; ALWAYS_READY_INSTANCES keeps some warm",
    "CKV_AZURE_213": "Flex Consumption replaces instances by itself; /ready is for gateways and probes",
    "CKV_AZURE_222": "callers come from outside unless GATEWAY is chosen; the keeper refuses all",
    "CKV_AZURE_225": "ZONE_REDUNDANT chooses it; it needs two warm instances, which cost money",
}
"""Each check that fails, and why that is right."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What checkov says about the committed snapshot (which another test holds to the Bicep)."""
    uv = find_uv()
    if uv is None:
        pytest.skip("NOT SCANNED: there is no uv to make checkov's environment with")
    python = checkov_python(uv)
    folder = tmp_path_factory.mktemp("checkov")
    template = folder / "flat.json"
    resources = json.loads(SNAPSHOT.read_text("utf-8"))["predictedResources"]
    template.write_text(
        json.dumps(
            {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "parameters": {},
                "resources": [{k: v for k, v in resource.items() if k != "id"} for resource in resources],
            }
        )
    )
    command = [str(python), str(python.with_name("checkov")), "-f", str(template), "--framework", "arm"]
    command += ["--output", "json", "--compact", "--quiet", "--skip-download"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300, check=False)
    assert done.stdout.strip(), done.stderr[-2000:]
    said = json.loads(done.stdout)
    return dict(said[0] if isinstance(said, list) else said)


def checkov_python(uv: str) -> Path:
    """checkov, pinned by hash, in an environment of its own: its dependencies fit nobody else's."""
    folder = ENVIRONMENTS / hashlib.sha256(PINS.read_bytes()).hexdigest()[:16]
    python = folder / "bin" / "python"
    if not (folder / "complete").is_file():
        shutil.rmtree(ENVIRONMENTS, ignore_errors=True)
        ENVIRONMENTS.mkdir(parents=True)
        for command in (
            [uv, "venv", "--quiet", "--no-project", "--python", "3.13", str(folder)],
            [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(python), "-r", str(PINS)],
        ):
            done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
            if done.returncode != 0:
                pytest.skip(f"NOT SCANNED: checkov could not be installed: {done.stderr.strip()[:200]}")
        (folder / "complete").touch()
    return python


def test_everything_was_read(report: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """No file that it could not parse, and enough that it did check: silence is not success."""
    summary = report["summary"]
    passed, failed = summary["passed"], summary["failed"]
    with capsys.disabled():
        print(f"\n  checkov {summary['checkov_version']}: {passed} passed, {failed} justified")
    assert summary["parsing_errors"] == 0
    assert not report["results"].get("parsing_errors")
    resources = json.loads(SNAPSHOT.read_text("utf-8"))["predictedResources"]
    # it counts what has one type and one name once
    assert summary["resource_count"] >= len({(r["type"], r["name"]) for r in resources})
    assert summary["passed"] >= MIN_CHECKS


def test_every_finding_is_justified(report: dict[str, Any]) -> None:
    """A check that fails and is not in the list fails this test."""
    failed = {check["check_id"]: check["check_name"] for check in report["results"]["failed_checks"]}
    assert {number: name for number, name in failed.items() if number not in JUSTIFIED} == {}


def test_no_justification_is_left_over(report: dict[str, Any]) -> None:
    """What does not fail any more is taken off the list."""
    failed = {check["check_id"] for check in report["results"]["failed_checks"]}
    assert set(JUSTIFIED) - failed == set()
