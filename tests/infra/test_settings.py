"""The infrastructure, the code and the documents say the same: settings, functions, retention, roles."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from shared.errors import SettingsError
from shared.settings import load_settings, variables
from tests.infra.conftest import Evaluate
from tests.support.bicep import INFRA, ROOT
from tests.support.deployment import Deployment
from tests.support.functions import trigger_types

LOCAL_ONLY = {
    "AUDIT_STORAGE_CONNECTION_STRING": "a laptop's storage; in Azure there is an identity",
    "AzureWebJobsStorage": "the same, for the host's own storage",
    "LEDGER_KEY_FILE": "a laptop's key; in Azure it is in the vault",
}
"""Settings that Bicep must not set, and why."""

HOST_SETTINGS = {
    "AzureWebJobsStorage__clientId": "who the host is there",
    "AzureWebJobsStorage__credential": "by identity",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "how the host sends its own telemetry",
    "PYTHON_ENABLE_OPENTELEMETRY": "the worker's traces",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID": "App Service Authentication without a client secret",
}
"""Settings that the Functions host, its worker or the platform read."""


def app_settings(deployment: Deployment, app: str) -> dict[str, str]:
    """The settings of one of the two apps."""
    return dict(deployment.one("Web/sites/config", f"/func-{app}.*/appsettings")["properties"])


@pytest.mark.parametrize("app", ["service", "keeper"])
def test_every_setting_that_the_code_reads_is_set_and_no_other(app: str, deployments: Evaluate) -> None:
    """shared/settings.py and the app settings hold the same names."""
    read = set(variables().values()) - LOCAL_ONLY.keys()
    written = set(app_settings(deployments({}, None), app)) - HOST_SETTINGS.keys()
    functions = {name for name in written if name.startswith("AzureWebJobs.")}
    assert written - functions == read


def test_the_code_accepts_the_settings(deployments: Evaluate) -> None:
    """With the values that the platform fills in at run time, they load."""
    values = app_settings(deployments({}, None), "service")
    values["AUDIT_STORAGE_ACCOUNT_URL"] = "https://account.blob.example.net"
    values["AUDIT_IDENTITY_CLIENT_ID"] = "44444444-4444-4444-4444-444444444444"
    values["LEDGER_KEY_ID"] = "https://vault.example.net/keys/ledger/1"
    values["DIGEST_KEY"] = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    for name in ("ANALYZER_CONF_FILE", "NLP_CONF_FILE", "RECOGNIZER_REGISTRY_CONF_FILE"):
        assert (ROOT / values[name]).is_file(), f"{name} names {values[name]}, which is not in the package"
    settings = load_settings(values)
    assert settings.engine_threads >= 1
    with pytest.raises(SettingsError):
        load_settings({**values, "AUDIT_STORAGE_CONNECTION_STRING": "both"})


def test_the_first_digest_key_is_long_enough(deployments: Evaluate) -> None:
    """Four GUIDs of 122 random bits each, in base64."""
    secret = deployments({}, None).one("KeyVault/vaults/secrets")["properties"]["value"]
    assert secret.startswith("[base64(") and secret.count("newGuid()") == 4


def test_timers_run_in_the_keeper_alone(deployments: Evaluate) -> None:
    """Every function that is not an HTTP door is switched off in the app that callers reach.

    A new timer needs a line `'AzureWebJobs.<name>.Disabled': runsTimers ? 'false' : 'true'` in
    infra/modules/function-app.bicep.
    """
    timers = {
        name for name, trigger in trigger_types().items() if trigger not in ("httpTrigger", "warmupTrigger")
    }
    deployment = deployments({}, None)
    off = {
        name.split(".")[1]
        for name, value in app_settings(deployment, "service").items()
        if is_off(name, value)
    }
    kept = {
        name.split(".")[1]
        for name, value in app_settings(deployment, "keeper").items()
        if is_off(name, value)
    }
    assert off == timers
    assert kept == set()


def is_off(name: str, value: str) -> bool:
    """Whether a setting switches a function off."""
    return bool(re.fullmatch(r"AzureWebJobs\..+\.Disabled", name)) and value.lower() == "true"


def documented(page: str, row: str) -> str:
    """The second cell of a table's row of a page in docs/."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    found = re.search(rf"^\| {re.escape(row)} \| ([^|]+) \|", text, re.MULTILINE)
    assert found, f"docs/{page} has no row {row!r}"
    return found.group(1).strip()


@pytest.mark.parametrize(
    ("container", "kind"),
    [
        ("audit", "production"),
        ("archive", "production"),
        ("audit", "development"),
        ("archive", "development"),
    ],
)
def test_the_documented_retention_is_the_deployed_one(
    container: str, kind: str, deployments: Evaluate
) -> None:
    """docs/operations/retention.md, for both sets of choices."""
    variables = {} if kind == "production" else {"DEPLOYMENT_KIND": kind}
    part = f"/containers/{container}/"
    policy = deployments(variables, None).one(
        "Storage/storageAccounts/blobServices/containers/immutabilityPolicies", part
    )
    said = documented("operations/retention.md", f"`{container}`, {kind}")
    assert said == f"{policy['properties']['immutabilityPeriodSinceCreationInDays']} days"


def test_the_documented_rights_are_the_deployed_ones(deployments: Evaluate) -> None:
    """docs/operations/rights.md lists each assignment: who, role, on what."""
    deployment = deployments({}, None)
    titles = {
        d["name"]: d["properties"]["roleName"].split(" (")[0]
        for d in deployment.of("Authorization/roleDefinitions")
    }
    titles |= {
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
        "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
        "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    }
    page = (ROOT / "docs" / "operations" / "rights.md").read_text("utf-8")
    said = set(re.findall(r"^\| (service|keeper) \| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE))
    deployed = set()
    for assignment in deployment.of("Authorization/roleAssignments"):
        who = "service" if "id-service" in assignment["properties"]["principalId"] else "keeper"
        role = titles[assignment["properties"]["roleDefinitionId"].rsplit("/", 1)[-1]]
        deployed.add((who, role, scope_title(assignment["id"])))
    assert {tuple(cell.strip() for cell in row) for row in said} == deployed


def scope_title(identifier: str) -> str:
    """What an assignment is on, in the page's words."""
    scope = identifier.split("/providers/Microsoft.Authorization/roleAssignments/")[0]
    kind, name = scope.split("/")[-2:]
    words = {"containers": f"container `{name}`", "keys": "key `ledger`", "secrets": "secret `digest-key`"}
    return words.get(
        kind, {"storageAccounts": "host storage", "components": "Application Insights"}.get(kind, kind)
    )


def test_every_role_of_the_policy_is_an_app_role() -> None:
    """infra/app-roles.json is generated from config/policy.yaml, and both registrations use it."""
    roles = json.loads((INFRA / "app-roles.json").read_text("utf-8"))
    policy: dict[str, Any] = yaml.safe_load((ROOT / "config" / "policy.yaml").read_text("utf-8"))["roles"]
    assert [role["value"] for role in roles] == list(policy)
    assert len({role["id"] for role in roles}) == len(roles)
    members = {"apps": ["Application"], "people": ["User"], "anyone": ["User", "Application"]}
    for role in roles:
        assert role["allowedMemberTypes"] == members[policy[role["value"]].get("held_by", "anyone")]
        assert role["isEnabled"] is True
    for user in ("entra.bicep", "scripts/entra.sh"):
        assert "app-roles.json" in (INFRA / user).read_text("utf-8")


def test_both_registrations_say_the_same() -> None:
    """What Bicep sets in Entra, the script for other tenants sets too."""
    bicep = (INFRA / "entra.bicep").read_text("utf-8")
    script = (INFRA / "scripts" / "entra.sh").read_text("utf-8")
    for word in (
        "requestedAccessTokenVersion",
        "idtyp",
        "include_user_token",
        "access_as_user",
        "groupMembershipClaims",
        "servicePrincipalLockConfiguration",
        "appRoleAssignmentRequired",
        "api://AzureADTokenExchange",
        "service-identity",
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "AzureADMyOrg",
    ):
        assert word in bicep and word in script, word


def test_alert_rules_and_their_files_are_the_same(deployments: Evaluate) -> None:
    """Each query in infra/alerts is deployed as a rule of that name, and no other rule is."""
    files = {file.stem for file in (INFRA / "alerts").glob("*.kql")}
    rules = {rule["name"] for rule in deployments({}, None).of("Insights/scheduledQueryRules")}
    assert rules == files


def test_deployed_queries_keep_azure_monitors_limits(deployments: Evaluate) -> None:
    """64 KB, six dimensions, no operator that log alerts refuse; and the text is that of the file."""
    shown = 0
    for rule in deployments({}, None).of("Insights/scheduledQueryRules"):
        criterion = rule["properties"]["criteria"]["allOf"][0]
        query = criterion["query"]
        words = set(re.findall(r"\w+", re.sub(r"//.*", "", query)))
        assert len(query.encode()) <= 64 * 1024
        assert len(criterion.get("dimensions", [])) <= 6
        assert words.isdisjoint({"bag_unpack", "pivot", "narrow"}), rule["name"]
        if rule["properties"]["evaluationFrequency"] == "PT1M":
            assert words.isdisjoint({"search", "union", "take", "ingestion_time"}), rule["name"]
        if not query.startswith("["):  # its writers' ids are known only when it is deployed
            file = (INFRA / "alerts" / f"{rule['name']}.kql").read_text("utf-8")
            assert re.sub(r'"[^"]*"|\d+', "", query) == re.sub(r'"[^"]*"|\d+', "", file)
            shown += 1
    assert shown >= 15
