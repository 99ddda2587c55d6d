"""A token issuer for one machine, with the paths, keys and tokens of Microsoft Entra ID.

    GET  /<tenant>/v2.0/.well-known/openid-configuration     GET /<tenant>/.well-known/openid-configuration
    GET  /<tenant>/discovery/v2.0/keys                       GET /<tenant>/discovery/keys
    POST /token/<persona>?version=1|2&lifetime_s=N           a token, by query or form
    POST /rotate?drop=1                                      a new signing key; drop withdraws the old one now
    GET  /health    GET /counters                            how often the key sets were fetched
    GET  /v1.0/...                                           the tenant's directory (devstack/graph)
    GET  /msi/token                                          a token of the managed identity for it

Run it with `python -m devstack.issuer --port N --folder DIR`. It gives a token for any persona to whoever
asks: it listens on the loopback address, answers only under the names of this machine, and is never deployed.
"""

from __future__ import annotations

import argparse
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from devstack.graph.routes import graph_routes
from devstack.keyring import Keyring, load_or_create_keyring, save_keyring
from devstack.personas import OTHER_TENANT, PERSONAS, TENANT
from devstack.tokens import (
    DEFAULT_LIFETIME_S,
    SCOPE,
    Version,
    issuer_address,
    issuers_setting,
    persona_token,
)

__all__ = ["Issuer", "create_app", "issuers_setting", "main"]

MAX_LIFETIME_S = 48 * 3600


class Issuer:
    """The issuer's state: its keys and its counters. One process holds a folder."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.base_url = base_url
        self.counters: Counter[str] = Counter(key_set_fetches=0, tokens=0, rotations=0)
        self._folder = folder
        self._keyring = load_or_create_keyring(folder)
        self._rotating = threading.Lock()

    @property
    def keyring(self) -> Keyring:
        """The keys now."""
        return self._keyring

    def rotate(self, *, drop: bool) -> Keyring:
        """Make a new signing key and keep it in the folder."""
        with self._rotating:
            self._keyring = self._keyring.rotate(drop=drop)
            save_keyring(self._folder, self._keyring)
            self.counters["rotations"] += 1
            return self._keyring


def create_app(issuer: Issuer) -> Starlette:
    """The issuer's HTTP face."""

    def show_configuration(request: Request) -> Response:
        return JSONResponse(_configuration(issuer.base_url, *_tenant_and_version(request)))

    def show_keys(request: Request) -> Response:
        tenant, _ = _tenant_and_version(request)
        issuer.counters["key_set_fetches"] += 1
        key_issuer = issuer_address(issuer.base_url, tenant, 2)
        return JSONResponse({"keys": [key.public_jwk(key_issuer) for key in issuer.keyring.published]})

    async def give_token(request: Request) -> Response:
        form = parse_qsl((await request.body()).decode("ascii", "replace"))
        fields = {**request.query_params, **dict(form)}
        return JSONResponse(_give_token(issuer, request.path_params["persona"], fields))

    def rotate(request: Request) -> Response:
        keyring = issuer.rotate(drop=request.query_params.get("drop") == "1")
        published = [key.kid for key in keyring.published]
        return JSONResponse({"current": keyring.current.kid, "published": published})

    def show_health(_: Request) -> Response:
        return PlainTextResponse("ok")

    def show_counters(_: Request) -> Response:
        return JSONResponse(dict(issuer.counters))

    routes = [
        Route("/health", show_health),
        Route("/counters", show_counters),
        Route("/rotate", rotate, methods=["POST"]),
        *graph_routes(lambda: issuer.keyring, issuer.base_url),
        Route("/token/{persona}", give_token, methods=["POST"]),
        Route("/{tenant}/v2.0/.well-known/openid-configuration", show_configuration),
        Route("/{tenant}/.well-known/openid-configuration", show_configuration),
        Route("/{tenant}/discovery/v2.0/keys", show_keys),
        Route("/{tenant}/discovery/keys", show_keys),
    ]
    # A page in a browser that points a name of its own at this machine gets nothing (DNS rebinding).
    local_names = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return Starlette(routes=routes, middleware=[local_names])


def _tenant_and_version(request: Request) -> tuple[str, Version]:
    tenant: str = request.path_params["tenant"]
    if tenant not in (TENANT, OTHER_TENANT):
        raise HTTPException(404, "no such tenant")
    return tenant, 2 if "/v2.0/" in request.url.path else 1


def _configuration(base_url: str, tenant: str, version: Version) -> dict[str, Any]:
    """The members of Entra's discovery document that a resource server or a test may look at."""
    keys = "discovery/v2.0/keys" if version == 2 else "discovery/keys"
    return {
        "issuer": issuer_address(base_url, tenant, version),
        "jwks_uri": f"{base_url}/{tenant}/{keys}",
        "token_endpoint": f"{base_url}/token",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", SCOPE],
        "subject_types_supported": ["pairwise"],
    }


def _give_token(issuer: Issuer, name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    persona = PERSONAS.get(name)
    if persona is None:
        raise HTTPException(404, f"no such persona; expected one of: {', '.join(PERSONAS)}")
    version, lifetime_s = fields.get("version", "2"), fields.get("lifetime_s", str(DEFAULT_LIFETIME_S))
    if version not in ("1", "2"):
        raise HTTPException(400, "version: expected 1 or 2")
    if not re.fullmatch(r"-?[0-9]{1,6}", lifetime_s) or abs(int(lifetime_s)) > MAX_LIFETIME_S:
        raise HTTPException(400, f"lifetime_s: expected whole seconds, at most {MAX_LIFETIME_S}")
    issuer.counters["tokens"] += 1
    token = persona_token(
        issuer.keyring.current,
        persona,
        issuer.base_url,
        int(time.time()),
        version=1 if version == "1" else 2,
        lifetime_s=int(lifetime_s),
    )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(lifetime_s),
        "oid": persona.oid,
        "tenant": persona.tenant,
        "roles": list(persona.roles),
    }


def main(arguments: list[str] | None = None) -> None:
    """Serve until the process is told to stop."""
    parser = argparse.ArgumentParser(prog="devstack.issuer", description="A token issuer for one machine.")
    parser.add_argument("--port", type=int, required=True, help="the port on 127.0.0.1")
    parser.add_argument("--folder", type=Path, required=True, help="where the signing keys are kept")
    chosen = parser.parse_args(arguments)
    issuer = Issuer(chosen.folder, f"http://127.0.0.1:{chosen.port}")
    uvicorn.run(create_app(issuer), host="127.0.0.1", port=chosen.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
