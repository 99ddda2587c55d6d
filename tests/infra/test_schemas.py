"""azure.yaml and host.json are what azd and the Functions host read, by their published schemas.

The schemas (azd's, MIT, and SchemaStore's) are not part of this project: where they are not at hand, the
test says so, and only the facts below are held.
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.bicep import ROOT

SCHEMAS = ROOT.parent / "shared" / "data" / "schemas"


def schema(name: str) -> dict[str, Any]:
    """A published schema; skipped, loudly, where it is not here."""
    file = SCHEMAS / name
    if not file.is_file():
        pytest.skip(f"NOT VALIDATED: the published schema {name} is not at hand")
    return dict(json.loads(file.read_text("utf-8")))


def azure_yaml() -> dict[str, Any]:
    """The project file of azd."""
    return dict(yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8")))


def host_json() -> dict[str, Any]:
    """The configuration of the Functions host."""
    return dict(json.loads((ROOT / "host.json").read_text("utf-8")))


def test_azure_yaml_fits_its_schema() -> None:
    """As azd and editors check it."""
    published = schema("azure.yaml.schema.json")
    jsonschema.validators.validator_for(published)(published).validate(azure_yaml())


def test_host_json_fits_its_schema() -> None:
    """As editors check it."""
    published = schema("host.schema.json")
    jsonschema.validators.validator_for(published)(published).validate(host_json())


def test_a_wrong_project_file_would_be_noticed() -> None:
    """The schema is not one that takes everything."""
    published = schema("azure.yaml.schema.json")
    validator = jsonschema.validators.validator_for(published)(published)
    wrong = {**azure_yaml(), "hooks": {"preprovisions": {"shell": "sh", "run": "a.sh"}}}
    assert list(validator.iter_errors(wrong))


def test_both_apps_are_deployed_from_one_package() -> None:
    """Each service of azure.yaml is a function app of the Bicep, by its azd tag."""
    services = azure_yaml()["services"]
    text = (ROOT / "infra" / "main.bicep").read_text("utf-8")
    assert set(services) == {"service", "keeper"}
    for name, service in services.items():
        assert service == {"project": ".", "host": "function", "language": "python"}
        assert f"azdService: '{name}'" in text


def test_hooks_are_scripts_that_can_run() -> None:
    """Each is here and executable; an error stops azd."""
    for name, hook in azure_yaml()["hooks"].items():
        script = ROOT / hook["run"]
        assert script.is_file() and script.stat().st_mode & 0o111, name
        assert not hook.get("continueOnError")
        assert "set -eu" in script.read_text("utf-8")


def test_routes_have_no_prefix() -> None:
    """Presidio's clients call /analyze, not /api/analyze; and telemetry goes by OpenTelemetry."""
    host = host_json()
    assert host["extensions"]["http"]["routePrefix"] == ""
    assert host["telemetryMode"] == "OpenTelemetry"
