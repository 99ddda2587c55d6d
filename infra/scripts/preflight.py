"""Before anything is made: which rights, registrations, quotas or settings are missing, all of them at once.

Reads azd's environment and asks the Azure CLI; changes nothing. Exit code 0: nothing is missing; 1: the lines
above say what is. What could not be asked is said too: it is not the same as being in order.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ZERO_ID = "00000000-0000-0000-0000-000000000000"

PROVIDERS = (
    "Microsoft.App",  # the delegation of Flex Consumption's subnets
    "Microsoft.Authorization",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
    "Microsoft.Web",
)

CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"

ACTIONS = {
    "Microsoft.Resources/subscriptions/resourceGroups/write": "make the resource group",
    "Microsoft.Web/sites/write": "make the function apps",
    "Microsoft.Storage/storageAccounts/write": "make the storage accounts",
    f"{CONTAINERS}/immutabilityPolicies/write": "set the retention",
    "Microsoft.KeyVault/vaults/write": "make the vault",
    "Microsoft.Authorization/roleDefinitions/write": "make the roles that cannot delete",
    "Microsoft.Authorization/roleAssignments/write": "give the service its roles",
    "Microsoft.Authorization/locks/write": "lock evidence against deletion",
    "Microsoft.Insights/diagnosticSettings/write": "send access logs to the workspace",
}
"""What the deployment does, by the right that it needs. Owner has them; so do Contributor and User Access
Administrator together."""

STORAGE_ACCOUNTS = 2


@dataclass
class Report:
    """What was found: `missing` stops the deployment, `unknown` could not be asked, `fine` is in order."""

    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    fine: list[str] = field(default_factory=list)


class AzureUnavailable(Exception):
    """The Azure CLI did not answer a question."""


def ask(*arguments: str) -> Any:
    """The parsed JSON answer of an `az` command. Raises AzureUnavailable with the first line of its error."""
    subscription = os.environ.get("AZURE_SUBSCRIPTION_ID")
    scope = (
        ["--subscription", subscription] if subscription and arguments[0] not in ("account", "rest") else []
    )
    command = ["az", *arguments, *scope, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise AzureUnavailable(lines[0][:200])
    return json.loads(done.stdout or "null")


def ask_arm(path: str) -> Any:
    """The answer of Azure Resource Manager to a GET. Raises AzureUnavailable."""
    return ask("rest", "--method", "get", "--url", path)


def is_allowed(action: str, permissions: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of a caller's permissions covers a management action (Azure RBAC: wildcards, no case)."""

    def covers(patterns: Iterable[str]) -> bool:
        return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)

    return any(covers(entry["actions"]) and not covers(entry.get("notActions", [])) for entry in permissions)


def check_settings(environment: Mapping[str, str], report: Report) -> None:
    """Values of azd's environment that have no default that could be right."""
    addresses = environment.get("ALERT_ADDRESSES", "")
    if "@" not in addresses or "example.com" in addresses:
        report.missing.append("nobody gets the alerts: azd env set ALERT_ADDRESSES '[\"security@your.org\"]'")
    if environment.get("ENTRA_CLIENT_ID", "") == ZERO_ID:
        report.missing.append("ENTRA_CLIENT_ID is the zero id: azd env set ENTRA_CLIENT_ID ''")
    kind = environment.get("DEPLOYMENT_KIND", "production")
    if kind not in ("production", "development"):
        report.missing.append(f"DEPLOYMENT_KIND: expected production or development, got {kind!r}")
    name = environment.get("AZURE_ENV_NAME", "")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
        report.missing.append("AZURE_ENV_NAME: expected up to 32 lower-case letters, digits and dashes")


def check_rights(subscription: str, report: Report) -> None:
    """Rights of whoever is signed in, on the subscription."""
    url = (
        f"/subscriptions/{subscription}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
    )
    permissions = ask_arm(url)["value"]
    lacking = [action for action in ACTIONS if not is_allowed(action, permissions)]
    report.missing.extend(f"no right to {ACTIONS[action]}: {action}" for action in lacking)
    if lacking:
        report.missing.append(
            "ask for Owner, or Contributor and User Access Administrator, on the subscription"
        )
    else:
        report.fine.append("rights on the subscription")


def check_providers(report: Report) -> None:
    """Resource providers must be registered once a subscription."""
    states = {entry["namespace"]: entry["registrationState"] for entry in ask("provider", "list")}
    lacking = [name for name in PROVIDERS if states.get(name) != "Registered"]
    report.missing.extend(
        f"not registered: az provider register --wait --namespace {name}" for name in lacking
    )
    if not lacking:
        report.fine.append("resource providers")


def check_region(location: str, report: Report) -> None:
    """Flex Consumption and Python 3.13 in the region."""
    offered = {
        entry["name"].lower().replace(" ", "")
        for entry in ask("functionapp", "list-flexconsumption-locations")
    }
    if location.lower() not in offered:
        near = ", ".join(sorted(offered)) or "none"
        report.missing.append(f"Flex Consumption is not offered in {location}; it is in {near}")
        return
    runtimes = ask(
        "functionapp", "list-flexconsumption-runtimes", "--location", location, "--runtime", "python"
    )
    if "3.13" not in {str(entry.get("version")) for entry in runtimes}:
        report.missing.append(f"Flex Consumption in {location} does not offer Python 3.13 yet")
        return
    report.fine.append(f"Flex Consumption with Python 3.13 in {location}")


def check_quota(subscription: str, location: str, report: Report) -> None:
    """Storage accounts that may still be made in the region (250 a subscription unless it was raised)."""
    url = (
        f"/subscriptions/{subscription}/providers/Microsoft.Storage/locations/{location}/usages"
        "?api-version=2025-06-01"
    )
    for usage in ask_arm(url)["value"]:
        if usage["name"]["value"] == "StorageAccounts":
            left = usage["limit"] - usage["currentValue"]
            if left < STORAGE_ACCOUNTS:
                report.missing.append(
                    f"{left} more storage accounts fit into {location}; {STORAGE_ACCOUNTS} are needed"
                )
            else:
                report.fine.append(f"quota of storage accounts ({left} left)")


def check_deleted_vault(environment: Mapping[str, str], report: Report) -> None:
    """A vault with purge protection keeps its name for 90 days after a tear-down."""
    name = environment.get("AZURE_ENV_NAME", "")
    vaults = ask("keyvault", "list-deleted", "--resource-type", "vault")
    mine = [v["name"] for v in vaults if (v["properties"].get("tags") or {}).get("azd-env-name") == name]
    if mine and environment.get("RECOVER_VAULT", "false") != "true":
        report.missing.append(
            f"the vault {mine[0]} of an earlier deployment is deleted but kept: azd env set"
            " RECOVER_VAULT true brings it back with its keys; another environment name starts afresh"
        )


def run_checks(environment: Mapping[str, str]) -> Report:
    """All checks; one that cannot be asked does not keep the others from being asked."""
    report = Report()
    check_settings(environment, report)
    for tool in ("az", "azd", "git", "python3"):
        if shutil.which(tool) is None:
            report.missing.append(f"{tool} is not on PATH")
    if shutil.which("az") is None:
        return report
    try:
        account = ask("account", "show")
    except AzureUnavailable:
        report.missing.append("not signed in: az login, and azd auth login")
        return report
    subscription = environment.get("AZURE_SUBSCRIPTION_ID") or account["id"]
    location = environment.get("AZURE_LOCATION", "")
    questions: dict[str, Callable[[], None]] = {
        "rights": lambda: check_rights(subscription, report),
        "resource providers": lambda: check_providers(report),
        "region": lambda: check_region(location, report),
        "quota": lambda: check_quota(subscription, location, report),
        "deleted vaults": lambda: check_deleted_vault(environment, report),
    }
    for name, question in questions.items():
        try:
            question()
        except (AzureUnavailable, KeyError, TypeError, subprocess.TimeoutExpired) as error:
            report.unknown.append(f"{name}: could not be checked ({type(error).__name__}: {error})")
    return report


def main() -> int:
    """Print what was found; the exit code."""
    report = run_checks(os.environ)
    for line in report.fine:
        print(f"  in order   {line}")
    for line in report.unknown:
        print(f"  not known  {line}")
    for line in report.missing:
        print(f"  MISSING    {line}")
    if report.missing:
        print("Nothing was deployed. docs/azure-quickstart.md lists what is needed.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
