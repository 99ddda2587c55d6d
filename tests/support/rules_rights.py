"""Rules of role assignments: who may do what, and on how little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.bicep import Edit
from tests.support.deployment import Check, Deployment
from tests.support.hardening import Rule

FILE = "modules/roles.bicep"
MARK = "/providers/Microsoft.Authorization/roleAssignments/"

BLOB = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"

TOO_MUCH = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": "Storage Account Contributor",
}

DATA_ACTIONS = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": ("Storage Blob Data Owner", ["Microsoft.Storage/*"]),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": ("Storage Blob Data Reader", [f"{BLOB}/read"]),
    "4633458b-17de-408a-b874-0445c86b69e6": (
        "Key Vault Secrets User",
        ["Microsoft.KeyVault/vaults/secrets/getSecret/action"],
    ),
    "3913510d-42f4-4e42-8a64-420c390055eb": (
        "Monitoring Metrics Publisher",
        ["Microsoft.Insights/Telemetry/Write"],
    ),
    "3b03c2da-16b3-4a49-8834-0f8130efdd3b": ("Log Analytics Data Reader", []),
}
"""The built-in roles that are assigned, and what they may do with data, as Microsoft's reference says."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One assignment: who, which role, what it allows with data, on what."""

    principal: str
    role: str
    allows: tuple[str, ...]
    scope: str


def grants(deployment: Deployment) -> Iterator[Grant]:
    """All assignments. A role that nobody listed here allows everything."""
    custom = {
        definition["name"]: tuple(definition["properties"]["permissions"][0]["dataActions"])
        for definition in deployment.of("Authorization/roleDefinitions")
    }
    for assignment in deployment.of("Authorization/roleAssignments"):
        properties = assignment["properties"]
        role = properties["roleDefinitionId"].rsplit("/", 1)[-1]
        principal = properties["principalId"]
        for name in ("id-service", "id-keeper"):
            if name in principal:
                principal = name
        known = tuple(DATA_ACTIONS[role][1]) if role in DATA_ACTIONS else ("*",)
        yield Grant(principal, role, custom.get(role, known), assignment["id"].split(MARK)[0])


def never(says: str, is_wrong: object) -> Check:
    """A check: there are assignments, and none is wrong."""

    def check(deployment: Deployment) -> list[str]:
        found = list(grants(deployment))
        if not found:
            return ["nothing is assigned at all"]
        assert callable(is_wrong)
        return [f"{says}: {grant.principal} on {grant.scope[-60:]}" for grant in found if is_wrong(grant)]

    return check


def in_evidence(grant: Grant) -> bool:
    """On the audit account or below."""
    return "/staudit" in grant.scope


def can(grant: Grant, *verbs: str) -> bool:
    """Whether it allows an action that ends in one of these (a wildcard allows all)."""
    return any(action.endswith("*") or action.endswith(verbs) for action in grant.allows)


def is_wide(grant: Grant) -> bool:
    """On a resource group or more, where it would cover what is not made yet."""
    return grant.scope.count("/providers/") == 0


def custom_roles_are_narrow(deployment: Deployment) -> list[str]:
    """No custom role has rights on resources themselves, or a wildcard."""
    definitions = deployment.of("Authorization/roleDefinitions")
    problems = [] if len(definitions) == 4 else [f"{len(definitions)} custom roles"]
    for definition in definitions:
        permission = definition["properties"]["permissions"][0]
        name = definition["properties"]["roleName"]
        if permission["actions"]:
            problems.append(f"{name} may {permission['actions']}")
        problems += [f"{name} may {action}" for action in permission["dataActions"] if "*" in action]
    return problems


def own_identities(deployment: Deployment) -> list[str]:
    """The doors and the timers are two identities, each of one app."""
    used = [
        str(next(iter(site["identity"]["userAssignedIdentities"]))) for site in deployment.of("Web/sites")
    ]
    kinds = {site["identity"]["type"] for site in deployment.of("Web/sites")}
    if len(used) != 2 or len(set(used)) != 2 or kinds != {"UserAssigned"}:
        return [f"identities {used}, {kinds}"]
    return []


def keys_one_by_one(deployment: Deployment) -> list[str]:
    """In the vault, each right is on one key or one secret."""
    wrong = [
        g
        for g in grants(deployment)
        if "/vaults/" in g.scope and not g.scope.endswith(("/ledger", "/digest-key"))
    ]
    found = any("/vaults/" in grant.scope for grant in grants(deployment))
    return [f"{grant.principal} on {grant.scope[-40:]}" for grant in wrong] or (
        [] if found else ["no right at all"]
    )


SWEEPS = (
    "keeper.id, sweeper.id)\n  scope: auditStorage::blobs::audit\n  properties: {{\n    principalId: {who}."
)
"""The assignment of the sweeper's role, up to its principal."""

AUDITORS = {"AUDITOR_PRINCIPAL_IDS": '["33333333-3333-3333-3333-333333333333"]'}


RULES = [
    Rule(
        "rights-none-big",
        "nobody is made owner, contributor, access administrator or administrator of vault or storage",
        never("far too much", lambda grant: grant.role in TOO_MUCH),
        Edit(FILE, "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
    ),
    Rule(
        "rights-none-wide",
        "no right is given on a resource group or a subscription",
        never("too wide", is_wide),
        Edit(FILE, "  scope: auditStorage::blobs::archive\n", ""),
    ),
    Rule(
        "rights-known-roles",
        "only roles are assigned whose rights are listed in the test",
        never("unknown role", lambda grant: grant.allows == ("*",)),
        Edit(FILE, "4633458b-17de-408a-b874-0445c86b69e6", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"),
    ),
    Rule(
        "rights-custom-narrow",
        "custom roles are lists of data actions, without wildcards, without rights on resources",
        custom_roles_are_narrow,
        Edit(FILE, "dataActions: ['${blob}/read', '${blob}/delete']", "dataActions: ['${blob}/*']"),
    ),
    Rule(
        "rights-doors-delete",
        "the identity that callers' input reaches cannot delete evidence",
        never(
            "can delete",
            lambda g: in_evidence(g) and g.principal == "id-service" and can(g, "/delete", "/move/action"),
        ),
        Edit(
            FILE,
            "['${blob}/read', '${blob}/add/action']",
            "['${blob}/read', '${blob}/add/action', '${blob}/delete']",
        ),
    ),
    Rule(
        "rights-doors-overwrite",
        "it cannot overwrite evidence either: it creates and appends",
        never(
            "can overwrite",
            lambda g: in_evidence(g) and g.principal == "id-service" and can(g, "/write", "/tags/write"),
        ),
        Edit(
            FILE,
            "['${blob}/read', '${blob}/add/action']",
            "['${blob}/read', '${blob}/add/action', '${blob}/write']",
        ),
    ),
    Rule(
        "rights-no-writer-deletes",
        "no role can both write and delete evidence",
        never(
            "writes and deletes",
            lambda g: in_evidence(g) and can(g, "/delete") and can(g, "/write", "/add/action"),
        ),
        Edit(
            FILE,
            "dataActions: ['${blob}/read', '${blob}/delete']",
            "dataActions: ['${blob}/read', '${blob}/delete', '${blob}/write']",
        ),
    ),
    Rule(
        "rights-only-keeper-deletes",
        "only the timers' identity may delete what has expired",
        never("deletes", lambda g: in_evidence(g) and can(g, "/delete") and g.principal != "id-keeper"),
        Edit(FILE, SWEEPS.format(who="keeper"), SWEEPS.format(who="service")),
    ),
    Rule(
        "rights-containers",
        "rights on evidence are on single containers",
        never("the whole account", lambda g: in_evidence(g) and "/containers/" not in g.scope),
        Edit(FILE, "scope: auditStorage::blobs::archive\n", "scope: auditStorage\n"),
    ),
    Rule(
        "rights-owner-host-only",
        "Blob Data Owner is given on the host's account only",
        never("owner of data", lambda g: g.allows == ("Microsoft.Storage/*",) and "/sthost" not in g.scope),
        Edit(FILE, "    scope: hostStorage\n", "    scope: auditStorage\n"),
    ),
    Rule(
        "rights-keys",
        "rights in the vault are on one key or one secret each",
        keys_one_by_one,
        Edit(FILE, "    scope: vault::ledgerKey\n", "    scope: vault\n"),
    ),
    Rule(
        "rights-signer",
        "the service may sign with its key and read its public half; not change, back up or decrypt with it",
        never(
            "too much on the key",
            lambda g: (
                g.scope.endswith("/ledger")
                and set(g.allows)
                != {"Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys/sign/action"}
            ),
        ),
        Edit(
            FILE,
            "'Microsoft.KeyVault/vaults/keys/sign/action']",
            "'Microsoft.KeyVault/vaults/keys/sign/action', 'Microsoft.KeyVault/vaults/keys/backup/action']",
        ),
    ),
    Rule(
        "rights-auditors",
        "auditors read evidence and query events, and nothing else",
        never(
            "more than reading",
            lambda g: (
                g.principal.startswith("33333333")
                and can(g, "/write", "/delete", "/add/action", "/sign/action")
            ),
        ),
        Edit(
            FILE,
            "builtIn.storageBlobDataReader)\n      description: 'Auditors",
            "builtIn.storageBlobDataOwner)\n      description: 'Auditors",
        ),
        AUDITORS,
    ),
    Rule(
        "rights-identities",
        "the doors and the timers are two identities, of one app each",
        own_identities,
        Edit("main.bicep", "identityName: names.keeperIdentity", "identityName: names.serviceIdentity"),
    ),
]
