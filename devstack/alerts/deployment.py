"""The rules as the deployment has them: evaluated by Microsoft's Bicep compiler, where one is found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from devstack.alerts.rules import Rule, load_rules, rules_of_deployment
from devstack.layout import ROOT

PARAMETERS = ROOT / "devstack" / "alerts" / "local.bicepparam"
TIMEOUT_S = 120
_SCOPE = ("--subscription-id", "00000000-0000-0000-0000-000000000000", "--resource-group", "local")


def find_compiler(environment: Mapping[str, str]) -> str | None:
    """BICEP, `bicep` on PATH, the one that the Azure CLI installed, or one beside the checkout."""
    for candidate in (
        environment.get("BICEP"),
        shutil.which("bicep"),
        str(Path.home() / ".azure" / "bin" / "bicep"),
        str(ROOT.parent / "shared" / "tools" / "bicep"),
    ):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    return None


def deployed_rules(compiler: str) -> list[Rule]:
    """The rules of `infra/alerts.bicep`, evaluated offline. Raises CalledProcessError where that fails."""
    with tempfile.TemporaryDirectory(prefix="rules-") as folder:
        infra = Path(folder) / "infra"
        infra.mkdir()
        shutil.copy(ROOT / "infra" / "alerts.bicep", infra)
        for name in ("alerts", "workbook"):
            shutil.copytree(ROOT / "infra" / name, infra / name)
        parameters = Path(folder) / "local.bicepparam"
        text = PARAMETERS.read_text("utf-8").replace("../../infra/alerts.bicep", "infra/alerts.bicep")
        parameters.write_text(text, "utf-8")
        subprocess.run(
            [compiler, "snapshot", str(parameters), "--mode", "overwrite", *_SCOPE],
            check=True,
            capture_output=True,
            timeout=TIMEOUT_S,
        )
        snapshot = json.loads(parameters.with_suffix(".snapshot.json").read_text("utf-8"))
    return rules_of_deployment(snapshot["predictedResources"])


def current_rules(environment: Mapping[str, str]) -> tuple[list[Rule], str]:
    """The rules to evaluate, and whence they come in words."""
    compiler = find_compiler(environment)
    if compiler is None:
        return load_rules(), "infra/alerts (no Bicep compiler was found)"
    return deployed_rules(compiler), "the evaluated deployment of infra/alerts.bicep"
