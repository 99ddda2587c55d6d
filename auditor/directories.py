"""The tenant's directory, read as the person at the command line, or as the local cloud's identity."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential

from auditor.errors import AuditorError
from auditor.locating import read_state
from shared.cloud.graph.app import ReviewedApp, choose_app
from shared.cloud.graph.reader import open_graph
from shared.errors import SettingsError
from shared.identity.issuers import parse_issuers
from shared.usecases.ports import DirectoryReader

GRAPH_URL = "https://graph.microsoft.com"


class HeldToken:
    """A token that is at hand: the local cloud's."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """The same, whatever is asked for."""
        return AccessToken(self._token, int(time.time()) + 3_600)


def open_directory(
    tenant: str | None, app_id: str | None, environment: Mapping[str, str] | None = None
) -> DirectoryReader:
    """The directory that the options name; where they name none, the local cloud's. Raises AuditorError."""
    env = os.environ if environment is None else environment
    graph = read_state(env).get("graph")
    if tenant is None and app_id is None and isinstance(graph, dict):
        url, token = str(graph.get("url")), str(graph.get("token"))
        app = ReviewedApp(str(graph.get("app_id")), _tenant_of(token))
        return open_graph(url, app, lambda: HeldToken(token))
    app = _named_app(tenant, app_id, env)
    return open_graph(env.get("GRAPH_URL") or GRAPH_URL, app, person_credential)


def person_credential() -> TokenCredential:
    """Whoever is signed in here: az login, a managed identity, or what azure-identity's variables name."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _named_app(tenant: str | None, app_id: str | None, env: Mapping[str, str]) -> ReviewedApp:
    if issuers := env.get("TRUSTED_ISSUERS"):
        try:
            return choose_app(parse_issuers(issuers), app_id or env.get("REVIEW_APP_ID"))
        except SettingsError as error:
            raise AuditorError(error.message) from error
    if not tenant or not app_id:
        raise AuditorError(
            "which directory? give --tenant and --app-id (the API's client id), set TRUSTED_ISSUERS as the"
            " service has it, give --directory FILE, or start the local cloud (make up)"
        )
    return ReviewedApp(app_id.lower(), tenant.lower())


def _tenant_of(token: str) -> str:
    """The tenant of the local cloud, as its own token says it; nothing is decided by it."""
    try:
        payload = token.split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["tid"])
    except (IndexError, KeyError, ValueError, TypeError):
        raise AuditorError("the local cloud's token names no tenant") from None
