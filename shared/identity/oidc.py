"""Access tokens of other OpenID Connect providers: RFC 9068, and the habits of those that came before it."""

from __future__ import annotations

import re

from shared.errors import AuthenticationError
from shared.identity.caller import Caller
from shared.identity.claims import (
    Claims,
    as_opaque_id,
    find_claim,
    malformed,
    read_list,
    read_roles,
    read_text,
    require_text,
)
from shared.identity.issuers import Issuer

ID_TOKEN_CLAIMS = frozenset({"at_hash", "c_hash", "s_hash"})
"""Claims that only ID tokens carry (OpenID Connect Core section 2, FAPI 1.0 part 2)."""

_CLIENT_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")


def read_oidc_caller(claims: Claims, issuer: Issuer, expires_at: int) -> Caller:
    """The caller of a token whose signature, issuer, audience and times hold. Raises AuthenticationError."""
    _check_access_token(claims)
    subject = require_text(claims, issuer.principal_claim)
    client = read_text(claims, issuer.app_claim)
    is_app = _is_app(claims, subject, client, issuer)
    if not is_app:
        _check_scope(claims, issuer)
    token_id = read_text(claims, "jti")
    return Caller(
        kind="app" if is_app else "person",
        issuer=issuer.name,
        tenant=issuer.tenant,
        principal=as_opaque_id(subject, issuer),
        app=_name_client(client, issuer),
        roles=read_roles(claims, issuer),
        token_id=None if token_id is None else as_opaque_id(token_id, issuer),
        expires_at=expires_at,
    )


def _check_access_token(claims: Claims) -> None:
    """RFC 9068 section 5 warns of ID tokens in an access token's place; Keycloak says it in `typ`."""
    kind = claims.get("typ", "Bearer")
    # Keycloak before 25 copied the nonce into access tokens, which it marks as `typ: Bearer`.
    has_nonce = "nonce" in claims and "typ" not in claims
    if kind != "Bearer" or has_nonce or ID_TOKEN_CLAIMS & claims.keys():
        raise AuthenticationError("id_token", "expected an access token, got an ID token")
    if "events" in claims:
        raise AuthenticationError("wrong_type", "expected an access token, got a security event token")


def _is_app(claims: Claims, subject: str, client: str | None, issuer: Issuer) -> bool:
    if client is not None and subject == client:
        return True
    wanted = issuer.app_when
    return bool(wanted) and all(find_claim(claims, name) == value for name, value in wanted.items())


def _check_scope(claims: Claims, issuer: Issuer) -> None:
    if not issuer.scopes:
        return
    scopes = _read_scopes(claims)
    if not scopes:
        raise AuthenticationError("missing_scope", "expected a scope in a person's token, got none")
    if not scopes & set(issuer.scopes):
        raise AuthenticationError("wrong_scope", f"expected one of the scopes {', '.join(issuer.scopes)}")


def _read_scopes(claims: Claims) -> set[str]:
    """`scope` is text with spaces (RFC 8693 section 4.2); Okta gives a list in `scp`."""
    if "scope" in claims:
        text = claims["scope"]
        if not isinstance(text, str):
            raise malformed("scope", "text")
        return set(text.split(" ")) - {""}
    return set(read_list(claims, "scp"))


def _name_client(client: str | None, issuer: Issuer) -> str | None:
    """Client ids are given by administrators and may stand in records where they look like names of code."""
    if client is None or _CLIENT_ID.fullmatch(client):
        return client
    return as_opaque_id(client, issuer)
