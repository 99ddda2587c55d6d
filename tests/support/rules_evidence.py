"""Rules of the two storage accounts: the evidence, and what the Functions host keeps for itself."""

from __future__ import annotations

from tests.support.bicep import Edit
from tests.support.deployment import Deployment, every, exists, holds, logs, look_up
from tests.support.hardening import Rule

AUDIT = "/staudit"
HOST = "/sthost"
ACCOUNT = "Storage/storageAccounts"
BLOBS = "Storage/storageAccounts/blobServices"
CONTAINER = "Storage/storageAccounts/blobServices/containers"
POLICY = "Storage/storageAccounts/blobServices/containers/immutabilityPolicies"
TIERS = "Storage/storageAccounts/managementPolicies"
DEVELOPMENT = {"DEPLOYMENT_KIND": "development"}

EVIDENCE_FILE = "modules/audit-storage.bicep"
HOST_FILE = "modules/host-storage.bicep"


def only_own_subnets(deployment: Deployment) -> list[str]:
    """Where the account has a public address, it admits the two subnets of the apps and no address."""
    problems = []
    for account in deployment.of(ACCOUNT):
        rules = account["properties"]["networkAcls"]
        subnets = {rule["id"].rsplit("/", 1)[-1] for rule in rules["virtualNetworkRules"]}
        if rules["defaultAction"] != "Deny" or subnets != {"service", "keeper"} or rules["ipRules"]:
            problems.append(f"{account['name']} admits {rules}")
    return problems


def tiers_in_order(deployment: Deployment) -> list[str]:
    """Block blobs of the archive go hot, cool, cold."""
    rule = deployment.one(TIERS, AUDIT)["properties"]["policy"]["rules"][0]
    filters, actions = rule["definition"]["filters"], rule["definition"]["actions"]["baseBlob"]
    cool = look_up(actions, "tierToCool.daysAfterModificationGreaterThan")
    cold = look_up(actions, "tierToCold.daysAfterModificationGreaterThan")
    if not isinstance(cool, int) or not isinstance(cold, int) or not 0 < cool < cold:
        return [f"cool after {cool}, cold after {cold} days"]
    if rule["enabled"] is not True or filters != {"blobTypes": ["blockBlob"], "prefixMatch": ["archive/"]}:
        return [f"the rule is for {filters}"]
    return []


def nothing_deleted_by_rule(deployment: Deployment) -> list[str]:
    """No lifecycle rule deletes, or moves to the archive tier, where a verifier could not read for hours."""
    actions = [
        name
        for policy in deployment.of(TIERS)
        for rule in policy["properties"]["policy"]["rules"]
        for kind in rule["definition"]["actions"].values()
        for name in kind
    ]
    return [f"a lifecycle rule does {name}" for name in actions if name not in ("tierToCool", "tierToCold")]


def nothing_else_beside_evidence(deployment: Deployment) -> list[str]:
    """The audit account holds the two containers, and no other."""
    names = {container["name"].rsplit("/", 1)[-1] for container in deployment.of(CONTAINER, AUDIT)}
    return [] if names == {"audit", "archive"} else [f"containers {sorted(names)}"]


def days(container: str, wanted: int) -> Rule:
    """The retention of one container."""
    field = f"{container}RetentionDays"
    return Rule(
        f"retention-{container}",
        f"the container `{container}` cannot be changed or deleted for {wanted} days",
        holds(
            POLICY, "properties.immutabilityPeriodSinceCreationInDays", wanted, f"/containers/{container}/"
        ),
        Edit(
            EVIDENCE_FILE,
            f"immutabilityPeriodSinceCreationInDays: {field}",
            f"immutabilityPeriodSinceCreationInDays: min({field}, 1)",
        ),
    )


def account(name: str, says: str, setting: str, safe: str, weak: str, value: object) -> list[Rule]:
    """One property of both accounts: a rule each."""
    return [
        Rule(
            f"{prefix}-{name}",
            f"{title}: {says}",
            holds(ACCOUNT, f"properties.{setting}", value, part),
            Edit(file, f"{setting}: {safe}", f"{setting}: {weak}"),
        )
        for prefix, title, part, file in (
            ("audit", "audit account", AUDIT, EVIDENCE_FILE),
            ("host", "host account", HOST, HOST_FILE),
        )
    ]


RULES = [
    *account("shared-keys", "no shared keys", "allowSharedKeyAccess", "false", "true", False),
    *account("public-blobs", "no public blobs", "allowBlobPublicAccess", "false", "true", False),
    *account("tls", "TLS 1.2 at least", "minimumTlsVersion", "'TLS1_2'", "'TLS1_0'", "TLS1_2"),
    *account("https", "HTTPS only", "supportsHttpsTrafficOnly", "true", "false", True),
    *account("entra", "Entra is the default", "defaultToOAuthAuthentication", "true", "false", True),
    *account("local-users", "no local users", "isLocalUserEnabled", "false", "true", False),
    *account(
        "tenants", "no replication to other tenants", "allowCrossTenantReplication", "false", "true", False
    ),
    Rule(
        "audit-encryption",
        "audit account: a second layer of encryption",
        holds(ACCOUNT, "properties.encryption.requireInfrastructureEncryption", True, AUDIT),
        Edit(
            EVIDENCE_FILE, "requireInfrastructureEncryption: true", "requireInfrastructureEncryption: false"
        ),
    ),
    Rule(
        "audit-copies",
        "audit account: copies to accounts behind its own private links only",
        holds(ACCOUNT, "properties.allowedCopyScope", "PrivateLink", AUDIT),
        Edit(EVIDENCE_FILE, "    allowedCopyScope: privateOnly ? 'PrivateLink' : 'AAD'\n", ""),
    ),
    Rule(
        "audit-zones",
        "audit account: copies in three zones at least",
        holds(ACCOUNT, "sku.name", lambda value: "ZRS" in value, AUDIT),
        Edit("main.bicepparam", "redundancy: 'Standard_ZRS'", "redundancy: 'Standard_LRS'"),
    ),
    Rule(
        "audit-alone",
        "audit account: nothing beside the two containers of evidence",
        nothing_else_beside_evidence,
        Edit(EVIDENCE_FILE, "  name: archiveContainer\n", "  name: 'misc'\n"),
    ),
    Rule(
        "audit-network",
        "audit account: closed to every network, Microsoft's own services included",
        every(
            holds(ACCOUNT, "properties.networkAcls.defaultAction", "Deny", AUDIT),
            holds(ACCOUNT, "properties.networkAcls.bypass", "None", AUDIT),
        ),
        Edit(EVIDENCE_FILE, "bypass: 'None'", "bypass: 'AzureServices'"),
    ),
    Rule(
        "audit-no-address",
        "audit account: no public address",
        holds(ACCOUNT, "properties.publicNetworkAccess", "Disabled", AUDIT),
        Edit(
            EVIDENCE_FILE,
            "publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'",
            "publicNetworkAccess: 'Enabled'",
        ),
    ),
    Rule(
        "audit-subnets",
        "without private endpoints, both accounts admit the apps' subnets only",
        only_own_subnets,
        Edit(EVIDENCE_FILE, "defaultAction: 'Deny'", "defaultAction: 'Allow'"),
        DEVELOPMENT,
    ),
    Rule(
        "audit-immutable",
        "both containers have an immutability policy",
        every(exists(POLICY, "/containers/audit/"), exists(POLICY, "/containers/archive/")),
        Edit("main.bicepparam", "'RETENTION_LOCKED', 'false'", "'RETENTION_LOCKED', 'true'"),
    ),
    days("audit", 90),
    days("archive", 2557),
    Rule(
        "audit-appends",
        "both containers let append blobs grow and change in no other way",
        every(
            holds(POLICY, "properties.allowProtectedAppendWrites", True, "/containers/audit/"),
            holds(POLICY, "properties.allowProtectedAppendWrites", True, "/containers/archive/"),
        ),
        Edit(EVIDENCE_FILE, "allowProtectedAppendWrites: true", "allowProtectedAppendWrites: false"),
    ),
    Rule(
        "audit-private",
        "both containers admit no anonymous reader",
        holds(CONTAINER, "properties.publicAccess", "None", AUDIT),
        Edit(EVIDENCE_FILE, "publicAccess: 'None'", "publicAccess: 'Blob'"),
    ),
    Rule(
        "archive-tiers",
        "archived objects go from hot to cool to cold by a lifecycle rule",
        tiers_in_order,
        Edit(EVIDENCE_FILE, "blobTypes: ['blockBlob']", "blobTypes: ['appendBlob']"),
    ),
    Rule(
        "archive-online",
        "no lifecycle rule deletes evidence or takes it offline",
        nothing_deleted_by_rule,
        Edit(EVIDENCE_FILE, "tierToCold: {", "tierToArchive: {"),
    ),
    Rule(
        "audit-soft-delete",
        "a deleted object can be brought back for 30 days",
        every(
            holds(BLOBS, "properties.deleteRetentionPolicy.enabled", True, AUDIT),
            holds(BLOBS, "properties.deleteRetentionPolicy.days", 30, AUDIT),
        ),
        Edit(
            EVIDENCE_FILE,
            "deleteRetentionPolicy: { enabled: true, days",
            "deleteRetentionPolicy: { enabled: false, days",
        ),
    ),
    Rule(
        "audit-soft-delete-containers",
        "a deleted container can be brought back for 30 days",
        holds(BLOBS, "properties.containerDeleteRetentionPolicy.days", 30, AUDIT),
        Edit(
            EVIDENCE_FILE, "    containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays }\n", ""
        ),
    ),
    Rule(
        "audit-no-permanent-delete",
        "nobody can delete a soft-deleted object for good",
        holds(BLOBS, "properties.deleteRetentionPolicy.allowPermanentDelete", False, AUDIT),
        Edit(EVIDENCE_FILE, "allowPermanentDelete: false", "allowPermanentDelete: true"),
    ),
    Rule(
        "audit-lock",
        "a lock keeps the audit account from being deleted",
        holds("Authorization/locks", "properties.level", "CanNotDelete", AUDIT),
        Edit(EVIDENCE_FILE, "level: 'CanNotDelete'", "level: 'ReadOnly'"),
    ),
    *(
        Rule(
            f"audit-logs-{what.lower()}",
            f"every {what.lower()} of evidence is logged with the identity behind it",
            logs(AUDIT, f"Storage{what}"),
            Edit(
                EVIDENCE_FILE,
                f"{{ category: 'Storage{what}', enabled: true }}",
                f"{{ category: 'Storage{what}', enabled: false }}",
            ),
        )
        for what in ("Read", "Write", "Delete")
    ),
    Rule(
        "host-network",
        "host account: closed to every network",
        every(
            holds(ACCOUNT, "properties.networkAcls.defaultAction", "Deny", HOST),
            holds(ACCOUNT, "properties.publicNetworkAccess", "Disabled", HOST),
        ),
        Edit(HOST_FILE, "defaultAction: 'Deny'", "defaultAction: 'Allow'"),
    ),
    Rule(
        "host-code-changes",
        "who replaced the code is logged, and the code before it is kept",
        every(logs(HOST, "StorageWrite"), holds(BLOBS, "properties.isVersioningEnabled", True, HOST)),
        Edit(HOST_FILE, "isVersioningEnabled: true", "isVersioningEnabled: false"),
    ),
]
