"""Tokens of the local cloud's managed identity, and how the local directory checks them.

The identity's endpoint is that of App Service, so azure-identity asks it as it does in Azure:
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import jwt
from jwt import PyJWTError

from devstack.keyring import Keyring
from devstack.personas import TENANT
from devstack.tokens import BACKDATED_S, issuer_address, mint

IDENTITY_CLIENT_ID = "3f4e5d6c-7b8a-4990-8a1b-2c3d4e5f6071"
"""The client id of the local cloud's managed identity."""

IDENTITY_OID = "a1b2c3d4-e5f6-4718-8293-a4b5c6d7e8f9"
IDENTITY_HEADER = "local"
"""What App Service keeps secret. Here it only shows that the protocol was kept."""

API_VERSION = "2019-08-01"
LIFETIME_S = 24 * 3600
PERMISSIONS = ("Application.Read.All", "AuditLog.Read.All", "GroupMember.Read.All", "User.Read.All")
"""What infra/entra.bicep gives the keeper, and the optional one that it can be given."""


def identity_answer(keyring: Keyring, base_url: str, resource: str, now_s: int) -> Mapping[str, Any]:
    """A token for a resource, in the shape of App Service's answer."""
    claims = {
        "aud": resource,
        "iss": issuer_address(base_url, TENANT, 1),
        "iat": now_s - BACKDATED_S,
        "nbf": now_s - BACKDATED_S,
        "exp": now_s + LIFETIME_S,
        "appid": IDENTITY_CLIENT_ID,
        "idtyp": "app",
        "oid": IDENTITY_OID,
        "roles": list(PERMISSIONS),
        "tid": TENANT,
        "ver": "1.0",
    }
    return {
        "access_token": mint(keyring.current, claims),
        "client_id": IDENTITY_CLIENT_ID,
        "expires_on": str(now_s + LIFETIME_S),
        "resource": resource,
        "token_type": "Bearer",
    }


def permissions_of(token: str, keyring: Keyring, base_url: str) -> Collection[str] | None:
    """The application permissions of a token for this directory, None where it is none."""
    for key in keyring.published:
        try:
            claims = jwt.decode(
                token,
                key.private.public_key(),
                algorithms=["RS256"],
                audience=base_url,
                issuer=issuer_address(base_url, TENANT, 1),
                options={"require": ["exp", "aud", "iss"]},
            )
        except PyJWTError:
            continue
        return tuple(claims.get("roles", ()))
    return None
