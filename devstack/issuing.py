"""The local cloud's side of the token issuer: how it is started, and tokens from it."""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

from devstack.personas import PERSONAS
from devstack.state import Persona

TOKEN_LIFETIME_S = 24 * 3600


def issuer_command(port: int, folder: Path) -> list[str]:
    """Serves discovery documents, key sets and tokens on the loopback address."""
    return [sys.executable, "-m", "devstack.issuer", "--port", str(port), "--folder", str(folder)]


def fetch_token(issuer_url: str, persona: str) -> str:
    """A fresh token, valid for a day. Raises OSError where the issuer does not answer with one."""
    connection = http.client.HTTPConnection(urlsplit(issuer_url).netloc, timeout=10)
    try:
        connection.request("POST", f"/token/{quote(persona)}?lifetime_s={TOKEN_LIFETIME_S}")
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise OSError(f"the token issuer answered {response.status} for {persona}")
        token: str = json.loads(body)["access_token"]
        return token
    finally:
        connection.close()


def fetch_personas(issuer_url: str) -> dict[str, Persona]:
    """Every persona with a token of its own."""
    return {
        name: Persona(token=fetch_token(issuer_url, name), oid=persona.oid, roles=list(persona.roles))
        for name, persona in PERSONAS.items()
    }
