"""Rules of the network and of the gateway, where there is one."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # our own files, not a stranger's

from shared.identity.policy import Policy, parse_policy
from shared.identity.rates import rate_of
from tests.support.bicep import POLICY, TENANT, Edit
from tests.support.deployment import Deployment, every, holds, logs
from tests.support.hardening import Rule

FILE = "modules/network.bicep"
GATEWAY_FILE = "modules/gateway.bicep"
POLICY_FILE = "gateway/guarded.xml"
GATED = {"GATEWAY": "apiManagement"}
ENDPOINT = "Network/privateEndpoints"
GROUP = "Network/networkSecurityGroups"
STRANGERS_HEADERS = {
    "X-MS-CLIENT-PRINCIPAL",
    "X-MS-CLIENT-PRINCIPAL-ID",
    "X-MS-CLIENT-PRINCIPAL-NAME",
    "X-MS-CLIENT-PRINCIPAL-IDP",
}


def private_endpoints(deployment: Deployment) -> list[str]:
    """Both accounts and the vault are reached by private endpoints, with names in private zones."""
    targets = [
        link["properties"]["privateLinkServiceId"].rsplit("/", 1)[-1]
        for endpoint in deployment.of(ENDPOINT)
        for link in endpoint["properties"]["privateLinkServiceConnections"]
    ]
    for name in ("staudit", "sthost", "kv-"):
        if not any(target.startswith(name) for target in targets):
            return [f"private endpoints lead to {targets}, none to {name}…"]
    zones = len(deployment.of("Network/privateEndpoints/privateDnsZoneGroups"))
    return [] if zones == len(targets) else [f"{zones} zone groups for {len(targets)} endpoints"]


def guarded_subnets(deployment: Deployment) -> list[str]:
    """Every subnet has rules, and those refuse what comes from the internet."""
    network = deployment.one("Network/virtualNetworks")
    problems = [
        f"{subnet['name']} has no rules"
        for subnet in network["properties"]["subnets"]
        if "networkSecurityGroup" not in subnet["properties"]
    ]
    return problems + [
        f"{group['name']} admits the internet"
        for group in deployment.of(GROUP)
        if not _denies(group["properties"]["securityRules"], "Inbound", "sourceAddressPrefix")
    ]


def _denies(rules: list[dict[str, dict[str, str]]], direction: str, side: str) -> bool:
    return any(
        rule["properties"]["direction"] == direction
        and rule["properties"]["access"] == "Deny"
        and rule["properties"][side] == "Internet"
        for rule in rules
    )


def apps_in_network(deployment: Deployment) -> list[str]:
    """Each app sends from a subnet of its own."""
    subnets = [site["properties"].get("virtualNetworkSubnetId", "") for site in deployment.of("Web/sites")]
    names = sorted(subnet.rsplit("/", 1)[-1] for subnet in subnets)
    return [] if names == ["keeper", "service"] else [f"subnets {names}"]


def no_way_out(deployment: Deployment) -> list[str]:
    """With EGRESS=azureOnly the apps' subnets reach four service tags and no internet."""
    rules = deployment.one(GROUP, "nsg-apps")["properties"]["securityRules"]
    allowed = {
        r["properties"]["destinationAddressPrefix"] for r in rules if r["properties"]["access"] == "Allow"
    }
    if not _denies(rules, "Outbound", "destinationAddressPrefix"):
        return ["the internet can be reached"]
    wanted = {"AzureActiveDirectory", "Storage", "AzureKeyVault", "AzureMonitor"}
    return [] if allowed == wanted else [f"allowed: {sorted(allowed)}"]


def _inbound(deployment: Deployment) -> ET.Element:
    policy = deployment.one("ApiManagement/service/apis/policies")
    root = ET.fromstring(policy["properties"]["value"])  # noqa: S314
    inbound = root.find("inbound")
    if inbound is None:
        raise LookupError("the policy has no inbound part")
    return inbound


def gateway_checks_tokens(deployment: Deployment) -> list[str]:
    """validate-azure-ad-token with the tenant and the API's audiences."""
    validate = _inbound(deployment).find("validate-azure-ad-token")
    if validate is None:
        return ["tokens are not checked"]
    audiences = [audience.text for audience in validate.iter("audience")]
    wrong = validate.get("tenant-id") != TENANT or len(audiences) != 2 or not all(audiences)
    return [f"tenant {validate.get('tenant-id')}, audiences {audiences}"] if wrong else []


def gateway_limits(deployment: Deployment) -> dict[str, tuple[int, str]]:
    """Path -> calls a minute and the expression of the counter's key; `other` for all other paths."""
    found = {}
    for choice in _inbound(deployment).iter("choose"):
        for case in choice:
            limit, path = case.find("rate-limit-by-key"), "other"
            if limit is None:
                continue
            if case.tag == "when":
                path = case.get("condition", "").partition('StartsWith("')[2].partition('"')[0]
            assert limit.get("renewal-period") == "60"
            found[path] = (int(limit.get("calls", "0")), limit.get("counter-key", ""))
    return found


def gateway_limits_callers(deployment: Deployment) -> list[str]:
    """A limit for each principal, by tenant and object id, on every path; after the token was checked."""
    inbound = list(_inbound(deployment))
    steps = [step.tag for step in inbound]
    places = [number for number, step in enumerate(inbound) if step.find(".//rate-limit-by-key") is not None]
    if not places or "other" not in gateway_limits(deployment):
        return ["callers are not limited"]
    if min(places) < steps.index("validate-azure-ad-token"):
        return ["the limit does not count a checked principal"]
    caller = next((step.get("value", "") for step in inbound if step.get("name") == "caller"), "")
    if not ('"tid"' in caller and '"oid"' in caller):
        return ["the limit does not count a checked principal"]
    keys = {key for _, key in gateway_limits(deployment).values()}
    return [f"{key} does not count a caller" for key in sorted(keys) if 'Variables["caller"]' not in key]


def gateway_limits_operations(deployment: Deployment) -> list[str]:
    """Each operation's limit is the largest rate that the policy gives any role, and is counted apart."""
    policy = parse_policy(POLICY.read_text("utf-8"), POLICY.name)
    problems = []
    for path, (calls, key) in gateway_limits(deployment).items():
        operation = key.rpartition("/")[2].rstrip('")')
        wanted = largest_rate(policy, operation)
        if path != "other" and calls != wanted:
            problems.append(f"{path} admits {calls} calls a minute, the policy {wanted} of {operation}")
    return problems


def largest_rate(policy: Policy, operation: str) -> int | None:
    """The highest rate of any role that permits the operation; None where one of them has none."""
    if operation == "identity.read":
        return policy.refused_a_minute
    rates = [
        rate_of(role.requests_a_minute, role.burst, operation)
        for role in policy.roles
        if operation in (*role.permissions, "catalog.read")
    ]
    numbers = [rate.a_minute for rate in rates if rate is not None]
    return max(numbers) if numbers and len(numbers) == len(rates) else None


def gateway_headers(deployment: Deployment) -> list[str]:
    """Calls are numbered by the gateway, and the platform's own headers are not taken from callers."""
    actions = {
        step.get("name", ""): step.get("exists-action") for step in _inbound(deployment).iter("set-header")
    }
    problems = [f"{name} gets through" for name in sorted(STRANGERS_HEADERS) if actions.get(name) != "delete"]
    if actions.get("X-Request-Id") != "override":
        problems.append("a caller may choose the gateway's number of the call")
    return problems


RULES = [
    Rule(
        "network-private",
        "evidence, host storage and vault are reached by private endpoints",
        private_endpoints,
        Edit("main.bicep", "    targetId: ids.vault\n", "    targetId: ids.hostStorage\n"),
    ),
    Rule(
        "network-apps",
        "each app sends from a subnet of its own",
        apps_in_network,
        Edit("main.bicep", "subnetId: ids.keeperSubnet", "subnetId: ids.serviceSubnet"),
    ),
    Rule(
        "network-inbound",
        "every subnet refuses what comes from the internet",
        guarded_subnets,
        Edit(FILE, "concat(denyInbound, denyInternet)", "denyInternet"),
    ),
    Rule(
        "network-egress",
        "on request, the apps reach Entra, storage, vault and telemetry alone",
        no_way_out,
        Edit(FILE, "concat(allowAzure, denyInternet)", "allowAzure"),
        {"EGRESS": "azureOnly"},
    ),
    Rule(
        "gateway-tokens",
        "the gateway checks tokens",
        gateway_checks_tokens,
        Edit(POLICY_FILE, 'tenant-id="__TENANT__"', 'tenant-id="common"'),
        GATED,
    ),
    Rule(
        "gateway-limits",
        "the gateway limits each principal",
        gateway_limits_callers,
        Edit(
            POLICY_FILE,
            "GetValueOrDefault(&quot;oid&quot;,&quot;&quot;)",
            "GetValueOrDefault(&quot;name&quot;,&quot;&quot;)",
        ),
        GATED,
    ),
    Rule(
        "gateway-rates",
        "the gateway's limit of an operation is the policy's highest rate for it",
        gateway_limits_operations,
        Edit("gateway/limit.xml", 'calls="__CALLS__"', 'calls="1000000"'),
        GATED,
    ),
    Rule(
        "gateway-headers",
        "the gateway numbers calls and drops headers that only the platform may write",
        gateway_headers,
        Edit(POLICY_FILE, '<set-header name="X-MS-CLIENT-PRINCIPAL" exists-action="delete" />', ""),
        GATED,
    ),
    Rule(
        "gateway-old-tls",
        "the gateway speaks no old TLS",
        holds(
            "ApiManagement/service",
            "properties.customProperties",
            lambda values: len(values) >= 5 and set(values.values()) == {"False"},
        ),
        Edit(GATEWAY_FILE, "Protocols.Tls10': 'False'", "Protocols.Tls10': 'True'"),
        GATED,
    ),
    Rule(
        "gateway-only-way",
        "with a gateway, the doors answer the gateway alone, by a private endpoint",
        every(
            holds(
                "Web/sites",
                "properties.siteConfig.ipSecurityRestrictionsDefaultAction",
                "Deny",
                "func-service",
            ),
            holds(
                ENDPOINT,
                "properties.privateLinkServiceConnections",
                lambda links: len(links) == 1,
                "pe-service",
            ),
        ),
        Edit("main.bicep", "reachable: !gated", "reachable: true"),
        GATED,
    ),
    Rule(
        "gateway-hops",
        "with a gateway, the code believes one more entry of X-Forwarded-For, and no more",
        holds("Web/sites/config", "properties.TRUSTED_PROXY_HOPS", "2", "/func-service.*/appsettings"),
        Edit("main.bicep", "trustedProxyHops: gated ? 2 : 1", "trustedProxyHops: 1"),
        GATED,
    ),
    Rule(
        "gateway-logs",
        "the gateway's own count of calls is kept",
        logs("/service/apim-", "GatewayLogs"),
        Edit(GATEWAY_FILE, "'GatewayLogs', enabled: true", "'GatewayLogs', enabled: false"),
        GATED,
    ),
]
