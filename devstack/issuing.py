"""The local cloud's side of the token issuer: how it is started, and tokens from it."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from devstack.graph.tokens import API_VERSION, IDENTITY_CLIENT_ID, IDENTITY_HEADER
from devstack.personas import API_CLIENT_ID, PERSONAS
from devstack.state import Graph, Persona

TOKEN_LIFETIME_S = 24 * 3600


def issuer_command(port: int, folder: Path) -> list[str]:
    """Serves discovery documents, key sets and tokens on the loopback address."""
    return [sys.executable, "-m", "devstack.issuer", "--port", str(port), "--folder", str(folder)]


def fetch_token(issuer_url: str, persona: str) -> str:
    """A fresh token, valid for a day. Raises OSError where the issuer does not answer with one."""
    return _fetch(issuer_url, "POST", f"/token/{quote(persona)}?lifetime_s={TOKEN_LIFETIME_S}", {}, persona)


def fetch_personas(issuer_url: str) -> dict[str, Persona]:
    """Every persona with a token of its own."""
    return {
        name: Persona(token=fetch_token(issuer_url, name), oid=persona.oid, roles=list(persona.roles))
        for name, persona in PERSONAS.items()
    }


def fetch_graph(issuer_url: str) -> Graph:
    """The local directory, with a token for it that is valid for a day. Raises OSError as `fetch_token`."""
    path = f"/msi/token?api-version={API_VERSION}&resource={quote(issuer_url, safe='')}"
    headers = {"X-IDENTITY-HEADER": IDENTITY_HEADER}
    token = _fetch(issuer_url, "GET", path, headers, "the managed identity")
    return Graph(url=issuer_url, app_id=API_CLIENT_ID, token=token)


def directory_environment(issuer_url: str) -> dict[str, str]:
    """What a worker needs to read the local directory as it reads Microsoft Graph in Azure."""
    return {
        "GRAPH_URL": issuer_url,
        "REVIEW_APP_ID": API_CLIENT_ID,
        "AUDIT_IDENTITY_CLIENT_ID": IDENTITY_CLIENT_ID,
        "IDENTITY_ENDPOINT": f"{issuer_url}/msi/token",
        "IDENTITY_HEADER": IDENTITY_HEADER,
    }


def _fetch(issuer_url: str, method: str, path: str, headers: Mapping[str, str], whose: str) -> str:
    connection = http.client.HTTPConnection(urlsplit(issuer_url).netloc, timeout=10)
    try:
        connection.request(method, path, headers=dict(headers))
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise OSError(f"the token issuer answered {response.status} for {whose}")
        token: str = json.loads(body)["access_token"]
        return token
    finally:
        connection.close()
