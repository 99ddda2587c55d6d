"""Rules of the vault and its two keys."""

from __future__ import annotations

from tests.support.bicep import Edit
from tests.support.deployment import Deployment, every, holds, logs
from tests.support.hardening import Rule

FILE = "modules/vault.bicep"
VAULT = "KeyVault/vaults"
KEY = "KeyVault/vaults/keys"


def digest_key_by_reference(deployment: Deployment) -> list[str]:
    """The setting DIGEST_KEY names the secret; its value stands in no setting."""
    problems = []
    for settings in deployment.of("Web/sites/config", "/config/appsettings"):
        value = settings["properties"]["DIGEST_KEY"]
        if not value.startswith("@Microsoft.KeyVault(") or "SecretName=digest-key" not in value:
            problems.append(f"{settings['name']}: DIGEST_KEY does not refer to the vault")
    return problems or (
        [] if deployment.of("KeyVault/vaults/secrets", "/digest-key") else ["there is no secret"]
    )


RULES = [
    Rule(
        "vault-purge",
        "a deleted vault, key or secret cannot be purged",
        holds(VAULT, "properties.enablePurgeProtection", True),
        Edit(FILE, "    enablePurgeProtection: true\n", ""),
    ),
    Rule(
        "vault-soft-delete",
        "a deleted vault, key or secret can be brought back for 90 days",
        every(
            holds(VAULT, "properties.enableSoftDelete", True),
            holds(VAULT, "properties.softDeleteRetentionInDays", 90),
        ),
        Edit(FILE, "softDeleteRetentionInDays: 90", "softDeleteRetentionInDays: 7"),
    ),
    Rule(
        "vault-rbac",
        "rights on keys are role assignments, each on one key or secret",
        holds(VAULT, "properties.enableRbacAuthorization", True),
        Edit(FILE, "enableRbacAuthorization: true", "enableRbacAuthorization: false"),
    ),
    Rule(
        "vault-network",
        "the vault is closed to every network",
        every(
            holds(VAULT, "properties.networkAcls.defaultAction", "Deny"),
            holds(VAULT, "properties.networkAcls.bypass", "None"),
        ),
        Edit(FILE, "defaultAction: 'Deny'", "defaultAction: 'Allow'"),
    ),
    Rule(
        "vault-no-address",
        "the vault has no public address",
        holds(VAULT, "properties.publicNetworkAccess", "Disabled"),
        Edit(
            FILE,
            "publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'",
            "publicNetworkAccess: 'Enabled'",
        ),
    ),
    Rule(
        "vault-no-templates",
        "neither machines nor templates read secrets out of the vault",
        every(
            holds(VAULT, "properties.enabledForTemplateDeployment", False),
            holds(VAULT, "properties.enabledForDeployment", False),
            holds(VAULT, "properties.enabledForDiskEncryption", False),
        ),
        Edit(FILE, "enabledForTemplateDeployment: false", "enabledForTemplateDeployment: true"),
    ),
    Rule(
        "vault-key",
        "the service's key is EC P-256 (ES256)",
        every(holds(KEY, "properties.kty", "EC"), holds(KEY, "properties.curveName", "P-256")),
        Edit(FILE, "curveName: 'P-256'", "curveName: 'P-256K'"),
    ),
    Rule(
        "vault-key-hsm",
        "with the premium vault it is kept in hardware",
        holds(KEY, "properties.kty", "EC-HSM"),
        Edit(FILE, "sku == 'premium' ? 'EC-HSM' : 'EC'", "'EC'"),
        {"VAULT_SKU": "premium"},
    ),
    Rule(
        "vault-key-signs",
        "the key signs and verifies, and does nothing else",
        holds(KEY, "properties.keyOps", ["sign", "verify"]),
        Edit(FILE, "keyOps: ['sign', 'verify']", "keyOps: ['sign', 'verify', 'import']"),
    ),
    Rule(
        "vault-key-stays",
        "the key cannot be exported",
        holds(KEY, "properties.attributes.exportable", False),
        Edit(FILE, "exportable: false", "exportable: true"),
    ),
    Rule(
        "vault-digest-key",
        "the key of digests is a secret of the vault; settings hold a reference",
        digest_key_by_reference,
        Edit(
            "modules/function-app.bicep",
            "'@Microsoft.KeyVault(VaultName=${vaultName};SecretName=${digestSecretName})'",
            "base64('${vaultName}-${digestSecretName}-0123456789')",
        ),
    ),
    Rule(
        "vault-logs",
        "every use of a key and every change of the vault is logged",
        logs("/vaults/kv-", "audit"),
        Edit(FILE, "{ categoryGroup: 'audit', enabled: true }", "{ categoryGroup: 'audit', enabled: false }"),
    ),
    Rule(
        "vault-lock",
        "a lock keeps the vault from being deleted",
        holds("Authorization/locks", "properties.level", "CanNotDelete", "/vaults/kv-"),
        Edit("main.bicepparam", "lock: 'true'", "lock: 'false'"),
    ),
]
