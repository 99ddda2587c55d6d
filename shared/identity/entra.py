"""Access tokens of Microsoft Entra ID, versions 1.0 and 2.0.

Source: "Access token claims reference" and "Secure applications and APIs by validating claims" of the
Microsoft identity platform. A person's token has `scp`; an app's has none, and says `idtyp: app` where that
optional claim is configured (infra/entra.bicep does). Where it is not, an app is known by its subject being
itself (`sub` equals `oid`) and by having proved that it is a confidential client (`azpacr`, `appidacr`).
"""

from __future__ import annotations

import re

from shared.errors import AuthenticationError
from shared.identity.caller import Caller
from shared.identity.claims import Claims, malformed, read_roles, read_text, require_text
from shared.identity.issuers import GUID, Issuer

VERSIONS = {"entra-v1": "1.0", "entra-v2": "2.0"}
ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash"})
"""Claims that only ID tokens carry (OpenID Connect Core section 2)."""

_TOKEN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_entra_caller(claims: Claims, issuer: Issuer, expires_at: int) -> Caller:
    """The caller of a token whose signature, issuer, audience and times hold. Raises AuthenticationError."""
    _check_version(claims, issuer)
    if require_text(claims, "tid") != issuer.tenant:
        raise AuthenticationError("wrong_tenant", "the token's tenant is not its issuer's")
    principal = _require_guid(claims, "oid")
    scope = claims.get("scp")
    if scope is not None and not isinstance(scope, str):
        raise malformed("scp", "text")
    _check_access_token(claims, issuer)
    app = _require_guid(claims, issuer.app_claim)
    is_app = _is_app(claims, principal, issuer)
    _check_scope(is_app, scope, issuer)
    token_id = read_text(claims, "uti")
    if token_id is not None and not _TOKEN_ID.fullmatch(token_id):
        raise malformed("uti", "letters, digits, dashes and underscores")
    return Caller(
        kind="app" if is_app else "person",
        issuer=issuer.name,
        tenant=issuer.tenant,
        principal=principal,
        app=app,
        roles=read_roles(claims, issuer),
        token_id=token_id,
        expires_at=expires_at,
    )


def _check_version(claims: Claims, issuer: Issuer) -> None:
    if claims.get("ver") != VERSIONS[issuer.kind]:
        raise AuthenticationError("wrong_version", f"expected the claim ver to be {VERSIONS[issuer.kind]!r}")


def _check_access_token(claims: Claims, issuer: Issuer) -> None:
    """An ID token proves a login to a client, not a right to call: it has no client and no scope."""
    if ID_TOKEN_CLAIMS & claims.keys() or (issuer.app_claim not in claims and "scp" not in claims):
        raise AuthenticationError("id_token", "expected an access token, got an ID token")


def _is_app(claims: Claims, principal: str, issuer: Issuer) -> bool:
    kind = read_text(claims, "idtyp")
    if kind in ("app", "user"):
        return kind == "app"
    if kind is not None:
        raise AuthenticationError("wrong_identity", "expected a person or an app, got another identity type")
    proof = claims.get("azpacr" if issuer.kind == "entra-v2" else "appidacr")
    return "scp" not in claims and claims.get("sub") == principal and proof in ("1", "2")


def _check_scope(is_app: bool, scope: str | None, issuer: Issuer) -> None:
    if is_app:
        if scope is not None:
            raise AuthenticationError("app_with_scope", "an app's token has no scope, this one has")
        return
    if not scope:
        raise AuthenticationError("missing_scope", "expected a scope in a person's token, got none")
    if not set(scope.split(" ")) & set(issuer.scopes):
        raise AuthenticationError("wrong_scope", f"expected one of the scopes {', '.join(issuer.scopes)}")


def _require_guid(claims: Claims, name: str) -> str:
    value = require_text(claims, name)
    if not GUID.fullmatch(value):
        raise malformed(name, "a GUID in lower case")
    return value
