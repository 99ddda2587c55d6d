"""Access tokens as Microsoft Entra ID makes them, signed with a local key.

Source of the shapes: "Access token claims reference" of the Microsoft identity platform, with the optional
claim `idtyp` configured for apps. `mint` and `sign` sign anything, for tests that forge.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from devstack.personas import API_CLIENT_ID, TENANT, Persona

type Version = Literal[1, 2]

SCOPE = "access_as_user"
BACKDATED_S = 300
"""Entra's tokens start five minutes before they are made, for clocks that go slow."""

DEFAULT_LIFETIME_S = 12 * 3600


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key with its id, which is its thumbprint (RFC 7638)."""

    private: RSAPrivateKey
    kid: str

    @classmethod
    def of(cls, private: RSAPrivateKey) -> SigningKey:
        """The key with its id."""
        members = _public_members(private)
        canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
        return cls(private, encode_base64url(hashlib.sha256(canonical).digest()))

    def public_jwk(self, issuer: str | None = None) -> dict[str, str]:
        """The public half as a JSON Web Key, with the issuer that Entra writes beside it."""
        jwk = {**_public_members(self.private), "use": "sig", "kid": self.kid}
        return jwk if issuer is None else {**jwk, "issuer": issuer}


def issuer_address(base_url: str, tenant: str, version: Version) -> str:
    """The claim `iss`: as in Entra, v1 ends in a slash and v2 does not."""
    return f"{base_url}/{tenant}/v2.0" if version == 2 else f"{base_url}/{tenant}/"


def issuers_setting(base_url: str) -> str:
    """The value of TRUSTED_ISSUERS for a local issuer: both token versions of its one trusted tenant."""
    common: dict[str, Any] = {"tenant": TENANT, "scopes": [SCOPE]}
    v2 = {
        "name": "local-v2",
        "kind": "entra-v2",
        "issuer": issuer_address(base_url, TENANT, 2),
        "audiences": [API_CLIENT_ID],
        "jwks_uri": f"{base_url}/{TENANT}/discovery/v2.0/keys",
    }
    v1 = {
        "name": "local-v1",
        "kind": "entra-v1",
        "issuer": issuer_address(base_url, TENANT, 1),
        "audiences": [f"api://{API_CLIENT_ID}"],
        "jwks_uri": f"{base_url}/{TENANT}/discovery/keys",
    }
    return json.dumps([common | v2, common | v1])


def persona_token(
    key: SigningKey,
    persona: Persona,
    base_url: str,
    now_s: int,
    *,
    version: Version = 2,
    lifetime_s: int = DEFAULT_LIFETIME_S,
) -> str:
    """A token for a persona; a negative lifetime makes one that has expired."""
    return mint(key, persona_claims(persona, base_url, now_s, version=version, lifetime_s=lifetime_s))


def persona_claims(
    persona: Persona,
    base_url: str,
    now_s: int,
    *,
    version: Version = 2,
    lifetime_s: int = DEFAULT_LIFETIME_S,
) -> dict[str, Any]:
    """The claims of a persona's access token."""
    claims: dict[str, Any] = {
        "aud": API_CLIENT_ID if version == 2 else f"api://{API_CLIENT_ID}",
        "iss": issuer_address(base_url, persona.tenant, version),
        "iat": now_s - BACKDATED_S,
        "nbf": now_s - BACKDATED_S,
        "exp": now_s + lifetime_s,
        "aio": secrets.token_urlsafe(48),
        "oid": persona.oid,
        "rh": f"1.{secrets.token_urlsafe(30)}.",
        "sub": persona.subject,
        "tid": persona.tenant,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0" if version == 2 else "1.0",
    }
    if persona.roles:
        claims["roles"] = list(persona.roles)
    specific = _app_claims if persona.kind == "app" else _person_claims
    return {**claims, **specific(persona, version)}


def mint(key: SigningKey, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
    """Sign any claims. `header` replaces members of the usual header; a member set to None is left out."""
    usual = {"typ": "JWT", "alg": "RS256", "kid": key.kid}
    members = {name: value for name, value in {**usual, **(header or {})}.items() if value is not None}
    return sign(key.private, json.dumps(members).encode(), json.dumps(claims).encode())


def sign(private: RSAPrivateKey, header: bytes, payload: bytes) -> str:
    """The compact form of any two byte strings with an RS256 signature (RFC 7515 section 7.1)."""
    signed = f"{encode_base64url(header)}.{encode_base64url(payload)}"
    return f"{signed}.{encode_base64url(private.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def encode_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _person_claims(persona: Persona, version: Version) -> dict[str, Any]:
    name = f"{persona.given_name} {persona.family_name}"
    if version == 2:
        return {
            "azp": persona.app_id,
            "azpacr": "0",
            "name": name,
            "preferred_username": persona.mail,
            "scp": SCOPE,
        }
    return {
        "acr": "1",
        "amr": ["pwd", "mfa"],
        "appid": persona.app_id,
        "appidacr": "0",
        "family_name": persona.family_name,
        "given_name": persona.given_name,
        "ipaddr": "192.0.2.10",
        "name": name,
        "scp": SCOPE,
        "unique_name": persona.mail,
        "upn": persona.mail,
    }


def _app_claims(persona: Persona, version: Version) -> dict[str, Any]:
    if version == 2:
        return {"azp": persona.app_id, "azpacr": "1", "idtyp": "app"}
    return {
        "appid": persona.app_id,
        "appidacr": "1",
        "idp": f"https://sts.windows.net/{persona.tenant}/",
        "idtyp": "app",
    }


def _public_members(private: RSAPrivateKey) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    return {"e": _encode_number(numbers.e), "kty": "RSA", "n": _encode_number(numbers.n)}


def _encode_number(number: int) -> str:
    return encode_base64url(number.to_bytes((number.bit_length() + 7) // 8))
