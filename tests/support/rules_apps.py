"""Rules of the two function apps: the doors, which callers reach, and the timers, which nobody does."""

from __future__ import annotations

import json

from shared.errors import SettingsError
from shared.identity.issuers import parse_issuers
from tests.support.bicep import TENANT, Edit
from tests.support.deployment import Deployment, every, holds, logs
from tests.support.hardening import Rule

FILE = "modules/function-app.bicep"
SITE = "Web/sites"
CONFIG = "Web/sites/config"
LOGIN = "Web/sites/basicPublishingCredentialsPolicies"
AUTH = "/config/authsettingsV2"
SETTINGS = "/config/appsettings"
FORBIDDEN = ("AccountKey=", "SharedAccessSignature", "sig=", "DefaultEndpointsProtocol", "-----BEGIN")


def no_secret_in_settings(deployment: Deployment) -> list[str]:
    """No connection string, key or shared signature;

    the host's storage and telemetry are used by identity.
    """
    problems = []
    for settings in deployment.of(CONFIG, SETTINGS):
        values = settings["properties"]
        problems += [f"{name} of {settings['name']}" for name in values if name == "AzureWebJobsStorage"]
        problems += [name for name, value in values.items() if any(mark in value for mark in FORBIDDEN)]
        problems += [
            n
            for n in values
            if n.endswith(("_CONNECTION_STRING", "_KEY_FILE")) and "APPLICATIONINSIGHTS" not in n
        ]
        if values.get("AzureWebJobsStorage__credential") != "managedidentity":
            problems.append(f"{settings['name']}: the host's storage is not used by identity")
    return problems


def no_client_secret(deployment: Deployment) -> list[str]:
    """The registration's credential is the assertion of the managed identity."""
    name = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
    problems = []
    for auth in deployment.of(CONFIG, AUTH):
        registration = auth["properties"]["identityProviders"]["azureActiveDirectory"]["registration"]
        if registration.get("clientSecretSettingName") != name:
            problems.append(f"{auth['name']} has a secret of its own")
    for settings in deployment.of(CONFIG, SETTINGS):
        if ".clientId" not in settings["properties"].get(name, ""):
            problems.append(f"{settings['name']}: {name} is no identity's client id")
    return problems


def telemetry_by_identity(deployment: Deployment) -> list[str]:
    """Events are sent with a token, not with the key of the connection string."""
    values = [
        s["properties"].get("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "")
        for s in deployment.of(CONFIG, SETTINGS)
    ]
    return [] if values and all("Authorization=AAD" in value for value in values) else [f"{values}"]


def trusts_own_tenant_only(deployment: Deployment) -> list[str]:
    """TRUSTED_ISSUERS is what the code can read: one issuer, Entra v2, of the tenant of the deployment."""
    problems = []
    for settings in deployment.of(CONFIG, SETTINGS):
        try:
            issuers = parse_issuers(settings["properties"]["TRUSTED_ISSUERS"])
        except SettingsError as error:
            return [str(error)]
        if [(i.kind, i.tenant, i.algorithms) for i in issuers] != [("entra-v2", TENANT, ("RS256",))]:
            problems.append(f"{settings['name']} trusts {[i.issuer for i in issuers]}")
    return problems


def package_by_identity(deployment: Deployment) -> list[str]:
    """Each app reads its own package container, as itself."""
    storages = [s["properties"]["functionAppConfig"]["deployment"]["storage"] for s in deployment.of(SITE)]
    kinds = {storage["authentication"]["type"] for storage in storages}
    places = {storage["value"] for storage in storages}
    if kinds == {"UserAssignedIdentity"} and len(places) == len(storages) == 2:
        return []
    return [f"packages {places} by {kinds}"]


def concurrency_is_set(deployment: Deployment) -> list[str]:
    """Presidio is bound by the processor: calls an instance, instances and memory are numbers of ours."""
    problems = []
    for site in deployment.of(SITE):
        scale = site["properties"]["functionAppConfig"]["scaleAndConcurrency"]
        calls = scale.get("triggers", {}).get("http", {}).get("perInstanceConcurrency", 0)
        if not 1 <= calls <= 16 or scale.get("instanceMemoryMB") not in (2048, 4096):
            problems.append(f"{site['name']}: {json.dumps(scale)}")
    return problems


RULES = [
    Rule(
        "app-https",
        "the apps speak HTTPS only",
        holds(SITE, "properties.httpsOnly", True),
        Edit(FILE, "httpsOnly: true", "httpsOnly: false"),
    ),
    Rule(
        "app-tls",
        "TLS 1.2 at least, at the doors and at the deployment endpoint",
        every(
            holds(SITE, "properties.siteConfig.minTlsVersion", "1.2"),
            holds(SITE, "properties.siteConfig.scmMinTlsVersion", "1.2"),
        ),
        Edit(FILE, "scmMinTlsVersion: '1.2'", "scmMinTlsVersion: '1.0'"),
    ),
    Rule(
        "app-ftp",
        "no FTP",
        holds(SITE, "properties.siteConfig.ftpsState", "Disabled"),
        Edit(FILE, "ftpsState: 'Disabled'", "ftpsState: 'FtpsOnly'"),
    ),
    Rule(
        "app-ftp-login",
        "no publishing password for FTP",
        holds(LOGIN, "properties.allow", False, "/ftp"),
        Edit(FILE, "allow: false", "allow: true"),
    ),
    Rule(
        "app-scm-login",
        "no publishing password for the deployment endpoint",
        holds(LOGIN, "properties.allow", False, "/scm"),
        Edit(
            FILE, "name: 'scm'\n  properties: { allow: false }", "name: 'scm'\n  properties: { allow: true }"
        ),
    ),
    Rule(
        "app-debugging",
        "no remote debugging",
        holds(SITE, "properties.siteConfig.remoteDebuggingEnabled", False),
        Edit(FILE, "remoteDebuggingEnabled: false", "remoteDebuggingEnabled: true"),
    ),
    Rule(
        "app-cors",
        "no browser of another site may call",
        holds(SITE, "properties.siteConfig", lambda config: "cors" not in config),
        Edit(FILE, "http20Enabled: true", "http20Enabled: true\n      cors: { allowedOrigins: ['*'] }"),
    ),
    Rule(
        "app-authentication",
        "App Service Authentication refuses calls without a token of the tenant",
        every(
            holds(CONFIG, "properties.platform.enabled", True, AUTH),
            holds(CONFIG, "properties.globalValidation.requireAuthentication", True, AUTH),
            holds(CONFIG, "properties.globalValidation.unauthenticatedClientAction", "Return401", AUTH),
        ),
        Edit(FILE, "requireAuthentication: requirePlatformAuthentication", "requireAuthentication: false"),
    ),
    Rule(
        "app-authentication-audience",
        "it admits tokens for this API only",
        holds(
            CONFIG,
            "properties.identityProviders.azureActiveDirectory.validation.allowedAudiences",
            lambda audiences: (
                len(audiences) == 2 and all("00000000-0000" in a or "presidio-" in a for a in audiences)
            ),
            AUTH,
        ),
        Edit(
            FILE,
            "allowedAudiences: [entraClientId, appIdUri]",
            "allowedAudiences: [entraClientId, appIdUri, 'api://another']",
        ),
    ),
    Rule(
        "app-authentication-open",
        "only health, readiness and the description are open",
        holds(
            CONFIG, "properties.globalValidation.excludedPaths", ["/health", "/ready", "/openapi.json"], AUTH
        ),
        Edit(FILE, "'/openapi.json']", "'/openapi.json', '/audit/*']"),
    ),
    Rule(
        "app-no-client-secret",
        "the API's registration has no client secret",
        no_client_secret,
        Edit(
            FILE,
            "clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'",
            "clientSecretSettingName: 'CLIENT_SECRET'",
        ),
    ),
    Rule(
        "app-token-store",
        "the platform keeps no tokens",
        holds(CONFIG, "properties.login.tokenStore.enabled", False, AUTH),
        Edit(FILE, "tokenStore: { enabled: false }", "tokenStore: { enabled: true }"),
    ),
    Rule(
        "app-no-secrets",
        "no setting holds a connection string, key or signature",
        no_secret_in_settings,
        Edit(
            FILE,
            "AzureWebJobsStorage__credential: 'managedidentity'",
            "AzureWebJobsStorage: 'DefaultEndpointsProtocol=https;AccountName=a'",
        ),
    ),
    Rule(
        "app-telemetry",
        "telemetry is sent by identity",
        telemetry_by_identity,
        Edit(FILE, ";Authorization=AAD'", "'"),
    ),
    Rule(
        "app-issuers",
        "tokens are trusted of one issuer: Entra v2 of the own tenant, RS256",
        trusts_own_tenant_only,
        Edit("main.bicep", "kind: 'entra-v2'", "kind: 'oidc'"),
    ),
    Rule(
        "app-package",
        "each app reads its package from its own container, by identity",
        package_by_identity,
        Edit("main.bicep", "packageContainer: 'package-keeper'", "packageContainer: 'package-service'"),
    ),
    Rule(
        "app-concurrency",
        "calls an instance are bounded by a number of ours",
        concurrency_is_set,
        Edit(FILE, "perInstanceConcurrency: httpConcurrency", "perInstanceConcurrency: httpConcurrency * 10"),
    ),
    Rule(
        "app-python",
        "Python 3.13",
        holds(SITE, "properties.functionAppConfig.runtime", {"name": "python", "version": "3.13"}),
        Edit(FILE, "version: '3.13'", "version: '3.10'"),
    ),
    Rule(
        "keeper-unreachable",
        "the app of the timers, which may delete, answers nobody",
        holds(SITE, "properties.siteConfig.ipSecurityRestrictionsDefaultAction", "Deny", "func-keeper"),
        Edit("main.bicep", "reachable: false", "reachable: true"),
    ),
    Rule(
        "app-login-logs",
        "refusals of the platform's lock are logged",
        logs("/sites/func-service", "AppServiceAuthenticationLogs"),
        Edit(
            FILE,
            "'AppServiceAuthenticationLogs', enabled: true",
            "'AppServiceAuthenticationLogs', enabled: false",
        ),
    ),
]
