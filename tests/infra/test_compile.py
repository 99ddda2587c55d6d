"""Every Bicep file compiles without a message, is formatted, and predicts what was committed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep import (
    INFRA,
    LOCATION,
    ROOT,
    SNAPSHOT,
    SUBSCRIPTION,
    TENANT,
    Bicep,
    evaluate,
    find_compiler,
)

FILES = sorted(INFRA.rglob("*.bicep"))
OF_GRAPH = ("entra.bicep", "directory.bicep")
WITHOUT_GRAPH = [file for file in FILES if file.name not in OF_GRAPH]
GRAPH_TYPES = ROOT.parent / "shared" / "data" / "msgraph-bicep-v1.0.0"
NO_TYPES = (
    "NOT COMPILED: infra/entra.bicep and infra/directory.bicep need the Microsoft Graph extension, which "
    "comes from a registry; its types are not at hand"
)
ids = [str(file.relative_to(INFRA)) for file in WITHOUT_GRAPH]


@pytest.mark.parametrize("file", WITHOUT_GRAPH, ids=ids)
def test_a_file_compiles_without_a_message(file: Path, bicep: Bicep) -> None:
    """Neither the compiler nor its linter (infra/bicepconfig.json) has anything to say."""
    template, messages = bicep.compile(file)
    assert [str(message) for message in messages] == []
    assert template


@pytest.mark.parametrize("file", [*FILES, INFRA / "main.bicepparam"], ids=lambda file: file.name)
def test_a_file_is_formatted(file: Path, bicep: Bicep, tmp_path: Path) -> None:
    """`bicep format` would change nothing. (In a folder of its own: beside bicepconfig.json the compiler
    would look for the Graph extension in its registry.)
    """
    copy = tmp_path / file.name
    copy.write_bytes(file.read_bytes())
    assert bicep.format(copy) == file.read_text("utf-8")


def test_the_linter_wants_recent_versions() -> None:
    """`use-recent-api-versions` is on, and each line that is excepted says why."""
    config = json.loads((INFRA / "bicepconfig.json").read_text("utf-8"))
    assert config["analyzers"]["core"]["rules"]["use-recent-api-versions"]["level"] in ("warning", "error")
    for file in FILES:
        for line in file.read_text("utf-8").splitlines():
            if line.lstrip().startswith("#disable"):
                assert re.fullmatch(r"\s*#disable-next-line [\w-]+ // .{20,}", line), f"{file.name}: {line}"


def test_every_parameter_and_output_is_described(bicep: Bicep) -> None:
    """Of the entry file and of every module."""
    for file in WITHOUT_GRAPH:
        template = json.loads(bicep.compile(file)[0])
        for kind in ("parameters", "outputs"):
            for name, entry in template.get(kind, {}).items():
                assert entry.get("metadata", {}).get("description"), f"{file.name}: {kind} {name}"


def test_secrets_are_secure_parameters(bicep: Bicep) -> None:
    """What is random or secret never stands in the history of deployments."""
    for name in ("main.bicep", "modules/vault.bicep"):
        template = json.loads(bicep.compile(INFRA / name)[0])
        assert template["parameters"]["digestSeed"]["type"] == "securestring"


def test_a_second_deployment_leaves_the_digest_key_alone(bicep: Bicep) -> None:
    """The secret is made only where there is none."""
    template = json.loads(bicep.compile(INFRA / "modules" / "vault.bicep")[0])
    assert template["resources"]["digestKey"]["@options"].keys() == {"onlyIfNotExists"}


def test_the_committed_snapshot_is_what_the_deployment_predicts() -> None:
    """`bicep snapshot --mode validate` with no variable of azd set; a change of it is seen in review."""
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("NOT VALIDATED: there is no Bicep compiler")
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
    where = ["--subscription-id", SUBSCRIPTION, "--tenant-id", TENANT, "--location", LOCATION]
    command = [compiler, "snapshot", str(INFRA / "main.bicepparam"), "--mode", "validate", *where]
    done = subprocess.run(command, env=plain, capture_output=True, text=True, check=False, timeout=120)
    changed = [line[:120] for line in done.stdout.splitlines() if line.lstrip().startswith(("+", "-", "~"))][
        :12
    ]
    assert done.returncode == 0, "write it anew: infra/scripts/snapshot.sh\n" + "\n".join(changed)


def test_the_committed_snapshot_has_no_message() -> None:
    """Nothing was reported when it was made, and it holds a whole deployment."""
    snapshot = json.loads(SNAPSHOT.read_text("utf-8"))
    assert snapshot["diagnostics"] == []
    assert len(snapshot["predictedResources"]) > 80


@pytest.mark.parametrize(
    "variables",
    [
        {"DEPLOYMENT_KIND": "development"},
        {"GATEWAY": "apiManagement", "ASSIGN_POLICIES": "true", "MONTHLY_BUDGET": "200"},
        {"NETWORK_MODE": "serviceEndpoints", "AUDITOR_ADDRESSES": '["203.0.113.7"]'},
        {"VAULT_SKU": "premium", "INSTANCE_MEMORY_MB": "4096", "EGRESS": "azureOnly"},
        {"RETENTION_LOCKED": "true"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_each_choice_evaluates(variables: dict[str, str], bicep: Bicep) -> None:
    """Options of main.bicepparam lead to a deployment without a message."""
    assert evaluate(bicep, variables)["diagnostics"] == []


def compile_with_graph(name: str, folder: Path) -> dict[str, Any]:
    """A file that needs the Graph extension, against Microsoft's own types of it; no message is allowed."""
    compiler = find_compiler()
    if compiler is None or not GRAPH_TYPES.is_dir():
        pytest.skip(NO_TYPES)
    for file in GRAPH_TYPES.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    run(compiler, "publish-extension", str(folder / "index.json"), "--target", str(folder / "graph.tgz"))
    config = json.loads((INFRA / "bicepconfig.json").read_text("utf-8"))
    config["extensions"]["microsoftGraphV1"] = str(folder / "graph.tgz")
    (folder / "bicepconfig.json").write_text(json.dumps(config))
    options = ("--stdout", "--config", str(folder / "bicepconfig.json"))
    done = run(compiler, "build", str(INFRA / name), *options)
    messages = [line for line in done.stderr.splitlines() if name in line or ": Error" in line]
    assert messages == []
    template: dict[str, Any] = json.loads(done.stdout)
    return template


def test_the_registration_compiles_without_a_message(tmp_path: Path) -> None:
    """infra/entra.bicep: version 2 tokens, idtyp, a federated credential."""
    template = compile_with_graph("entra.bicep", tmp_path)
    application = template["resources"]["api"]["properties"]
    assert application["api"]["requestedAccessTokenVersion"] == 2
    assert [claim["name"] for claim in application["optionalClaims"]["accessToken"]] == ["idtyp"]
    assert "federatedIdentityCredentials" in json.dumps(template["resources"]["federated"])


def test_the_review_s_rights_compile_without_a_message(tmp_path: Path) -> None:
    """infra/directory.bicep: permissions of Microsoft Graph for one identity, and nothing else."""
    template = compile_with_graph("directory.bicep", tmp_path)
    made = {name: one for name, one in template["resources"].items() if not one.get("existing")}
    assert {one["type"].split("@")[0] for one in made.values()} == {"Microsoft.Graph/appRoleAssignedTo"}
    assert [one["properties"]["principalId"] for one in made.values()] == [
        "[parameters('keeperPrincipalId')]"
    ]
    assert set(template["parameters"]) == {"keeperPrincipalId", "signIns", "hiddenMembers"}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done
