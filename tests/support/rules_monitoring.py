"""Rules of the workspace, the alerts and the options that watch cost and change."""

from __future__ import annotations

from tests.support.bicep import Edit
from tests.support.deployment import Deployment, enabled, every, holds, logs
from tests.support.hardening import Rule

FILE = "modules/monitoring.bicep"
HEALTH_FILE = "modules/platform-alerts.bicep"
WORKSPACE = "OperationalInsights/workspaces"
COMPONENT = "Insights/components"

BASELINE_METRICS = {
    ("vaults", "Availability", "LessThan", 90),
    ("vaults", "SaturationShoebox", "GreaterThan", 75),
    ("storageAccounts", "Availability", "LessThan", 100),
    ("storageAccounts", "Transactions", "GreaterThan", 0),
    ("sites", "Http5xx", "GreaterThan", 10),
    ("sites", "HttpResponseTime", "GreaterThan", 10),
}
BASELINE_OPERATIONS = {
    "Microsoft.KeyVault/vaults/delete",
    "Microsoft.OperationalInsights/workspaces/delete",
    "Microsoft.OperationalInsights/workspaces/regenerateSharedKey/action",
}


def activity_log_exported(deployment: Deployment) -> list[str]:
    """AzureActivity has what the rules retention-weakened and access-changed read."""
    for setting in deployment.of("Insights/diagnosticSettings"):
        if "/resourceGroups/" not in setting["id"]:
            sent = {entry["category"] for entry in enabled(setting["properties"]["logs"])}
            return [
                f"{name} is not sent" for name in ("Administrative", "Security", "Policy") if name not in sent
            ]
    return ["the subscription's activity log goes nowhere"]


def rules_tied(deployment: Deployment) -> list[str]:
    """Each alert rule of infra/alerts is enabled and calls the action group."""
    rules = deployment.of("Insights/scheduledQueryRules")
    problems = [] if rules else ["there are no alert rules"]
    for rule in rules:
        groups = rule["properties"].get("actions", {}).get("actionGroups", [])
        if rule["properties"].get("enabled") is not True:
            problems.append(f"{rule['name']} is not enabled")
        if not groups or not all("/actionGroups/ag-" in str(group) for group in groups):
            problems.append(f"{rule['name']} tells nobody")
    return problems


def health_tied(deployment: Deployment) -> list[str]:
    """Each alert on the platform is enabled and calls the action group."""
    problems = []
    for alert in deployment.of("Insights/metricAlerts") + deployment.of("Insights/activityLogAlerts"):
        actions = alert["properties"]["actions"]
        targets = actions if isinstance(actions, list) else actions["actionGroups"]
        if alert["properties"]["enabled"] is not True or not targets:
            problems.append(f"{alert['name']} is off or tells nobody")
        problems += [
            f"{alert['name']} tells a stranger"
            for t in targets
            if "/actionGroups/ag-" not in t["actionGroupId"]
        ]
    return problems


def baseline_metrics(deployment: Deployment) -> list[str]:
    """Microsoft's baseline for vault, storage and function apps."""
    found = set()
    for alert in deployment.of("Insights/metricAlerts"):
        criterion = alert["properties"]["criteria"]["allOf"][0]
        kind = criterion["metricNamespace"].rsplit("/", 1)[-1]
        found.add((kind, criterion["metricName"], criterion["operator"], criterion["threshold"]))
    return [f"no alert on {item}" for item in sorted(BASELINE_METRICS - found, key=str)]


def baseline_operations(deployment: Deployment) -> list[str]:
    """Deletion of vault and workspace, its key, and service health."""
    values = {
        condition.get("equals")
        for alert in deployment.of("Insights/activityLogAlerts")
        for condition in alert["properties"]["condition"]["allOf"]
    }
    return [f"no alert on {name}" for name in sorted((BASELINE_OPERATIONS | {"ServiceHealth"}) - values)]


def receivers(deployment: Deployment) -> list[str]:
    """Somebody gets the alerts."""
    group = deployment.one("Insights/actionGroups")["properties"]
    return [] if group["enabled"] is True and group["emailReceivers"] else ["nobody gets the alerts"]


def policies_deny(deployment: Deployment) -> list[str]:
    """Six built-in policies refuse what would weaken the deployment."""
    assigned = deployment.of("Authorization/policyAssignments")
    effects = {a["properties"]["parameters"]["effect"]["value"] for a in assigned}
    modes = {a["properties"]["enforcementMode"] for a in assigned}
    if len(assigned) == 6 and effects == {"Deny"} and modes == {"Default"}:
        return []
    return [f"{len(assigned)} policies, {effects}, {modes}"]


def tagged(deployment: Deployment) -> list[str]:
    """Whatever can have tags says what it belongs to."""
    kinds = (
        "Storage/storageAccounts",
        "KeyVault/vaults",
        "Web/sites",
        "Web/serverfarms",
        WORKSPACE,
        COMPONENT,
    )
    return [
        resource["name"]
        for kind in kinds
        for resource in deployment.of(kind)
        if resource.get("tags", {}).get("workload") != "presidio-access-audit"
    ]


RULES = [
    Rule(
        "logs-identity",
        "the workspace takes and gives rows by Entra identity only",
        holds(WORKSPACE, "properties.features.disableLocalAuth", True),
        Edit(FILE, "disableLocalAuth: true", "disableLocalAuth: false"),
    ),
    Rule(
        "events-identity",
        "Application Insights takes events by identity only",
        holds(COMPONENT, "properties.DisableLocalAuth", True),
        Edit(FILE, "DisableLocalAuth: true", "DisableLocalAuth: false"),
    ),
    Rule(
        "events-all",
        "no event is sampled away",
        holds(COMPONENT, "properties.SamplingPercentage", 100),
        Edit(FILE, "SamplingPercentage: 100", "SamplingPercentage: 5"),
    ),
    Rule(
        "events-addresses",
        "the platform masks addresses; the audit event has them on purpose",
        holds(COMPONENT, "properties.DisableIpMasking", False),
        Edit(FILE, "DisableIpMasking: false", "DisableIpMasking: true"),
    ),
    Rule(
        "logs-no-cap",
        "no daily cap silences the alarm wire",
        holds(WORKSPACE, "properties.workspaceCapping.dailyQuotaGb", -1),
        Edit(FILE, "dailyQuotaGb: -1", "dailyQuotaGb: 1"),
    ),
    Rule(
        "logs-retention",
        "rows are kept for 90 days",
        holds(WORKSPACE, "properties.retentionInDays", 90),
        Edit("main.bicepparam", "workspaceDays: '90'", "workspaceDays: '30'"),
    ),
    Rule(
        "logs-queries",
        "who queried the events is logged",
        logs("/workspaces/log-", "Audit"),
        Edit(FILE, "{ category: 'Audit', enabled: true }", "{ category: 'Audit', enabled: false }"),
    ),
    Rule(
        "logs-activity",
        "the activity log goes to the workspace",
        activity_log_exported,
        Edit(
            "modules/activity-log.bicep",
            "{ category: 'Administrative', enabled: true }",
            "{ category: 'Administrative', enabled: false }",
        ),
    ),
    Rule(
        "logs-lock",
        "a lock keeps the workspace from being deleted",
        holds("Authorization/locks", "properties.level", "CanNotDelete", "/workspaces/log-"),
        Edit(FILE, "if (lockResources)", "if (!lockResources)"),
    ),
    Rule(
        "alerts-receivers",
        "somebody gets the alerts",
        receivers,
        Edit(FILE, "for (address, i) in alertAddresses", "for (address, i) in skip(alertAddresses, 1)"),
    ),
    Rule(
        "alerts-tied",
        "every alert rule is enabled and calls the action group",
        rules_tied,
        Edit("alerts.bicep", "actionGroups: [actionGroupId]", "actionGroups: skip([actionGroupId], 1)"),
    ),
    Rule(
        "health-tied",
        "every alert on the platform is enabled and calls the action group",
        health_tied,
        Edit(HEALTH_FILE, "actions: [{ actionGroupId: actionGroupId }]", "actions: []"),
    ),
    Rule(
        "health-metrics",
        "availability, saturation, throttling, errors and response times are watched",
        baseline_metrics,
        Edit(HEALTH_FILE, "metric: 'SaturationShoebox'", "metric: 'ServiceApiHit'"),
    ),
    Rule(
        "health-operations",
        "deletion of vault or workspace and service health are watched",
        baseline_operations,
        Edit(
            HEALTH_FILE,
            "'Microsoft.OperationalInsights/workspaces/delete'",
            "'Microsoft.OperationalInsights/workspaces/write'",
        ),
    ),
    Rule(
        "option-policies",
        "on request, Azure Policy refuses changes by hand that weaken the deployment",
        policies_deny,
        Edit("modules/policies.bicep", "effect: { value: 'Deny' }", "effect: { value: 'Audit' }"),
        {"ASSIGN_POLICIES": "true"},
    ),
    Rule(
        "option-budget",
        "on request, a budget warns at 80 % and before it is passed",
        every(
            holds("Consumption/budgets", "properties.notifications.actual80.enabled", True),
            holds("Consumption/budgets", "properties.notifications.forecast100.thresholdType", "Forecasted"),
        ),
        Edit("modules/budget.bicep", "thresholdType: 'Forecasted'", "thresholdType: 'Actual'"),
        {"MONTHLY_BUDGET": "500"},
    ),
    Rule(
        "tags",
        "resources say what they belong to",
        tagged,
        Edit("main.bicep", "workload: 'presidio-access-audit'", "workload: 'other'"),
    ),
]
