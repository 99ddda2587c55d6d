"""One fetch of an issuer's key set: bounded in time and size, and only keys that may verify its tokens.

PyJWT makes keys of JSON Web Keys. Its `PyJWKClient` is not used: it reads answers of any size, holds one
lock during every fetch and has nothing to fall back on while an issuer is down (see keysets.py).
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from shared.errors import KeysUnavailable
from shared.identity.issuers import Issuer
from shared.identity.tokens import PublicKey

TIMEOUT_S = 5.0
"""For each wait on the network, and for the body as a whole."""

MAX_BYTES = 512 * 1024
MAX_KEYS = 100
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
CHUNK_BYTES = 16 * 1024

type Jwk = dict[str, Any]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key set is where the operator said, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects())


def fetch_keys(issuer: Issuer) -> Mapping[str, PublicKey]:
    """The issuer's keys by key id. Raises KeysUnavailable where the set cannot be read or has none that fits.

    A set without a usable key counts as a failure: one bad answer must not lock everybody out. Keys that
    were withdrawn for good stop working when the cached set is too old.
    """
    document = _fetch_json(issuer.jwks_uri)
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise KeysUnavailable(f"expected a key set of at most {MAX_KEYS} keys")
    keys = select_keys(members, issuer)
    if not keys:
        raise KeysUnavailable("the key set has no key that may sign tokens")
    return keys


def select_keys(members: Iterable[object], issuer: Issuer) -> dict[str, PublicKey]:
    """The keys that may verify tokens of this issuer, by key id. An id that two keys share names neither."""
    keys: dict[str, PublicKey] = {}
    ambiguous: set[str] = set()
    for member in members:
        if not isinstance(member, dict):
            continue
        key = _read_key(member, issuer)
        if key is None:
            continue
        kid: str = member["kid"]
        if kid in keys and keys[kid].public_numbers() != key.public_numbers():
            ambiguous.add(kid)
        keys[kid] = key
    return {kid: key for kid, key in keys.items() if kid not in ambiguous}


def _read_key(member: Jwk, issuer: Issuer) -> PublicKey | None:
    """The key of one JWK: `use` must say signature, `alg` (if any) must fit, and it must be strong enough."""
    if not isinstance(member.get("kid"), str) or member.get("use") != "sig":
        return None
    algorithm = member.get("alg", _usual_algorithm(member, issuer))
    if algorithm not in issuer.algorithms:
        return None
    if issuer.kind != "oidc" and not _is_of_tenant(member.get("issuer"), issuer.tenant):
        return None
    try:
        key = PyJWK(member, algorithm).key
    except (PyJWTError, TypeError, ValueError):
        return None  # a key that cannot be read is a key that is not there
    if isinstance(key, RSAPublicKey):
        return key if MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS else None
    is_fit = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    return key if is_fit else None


def _usual_algorithm(member: Jwk, issuer: Issuer) -> str | None:
    """`alg` is optional, and Entra leaves it out: then the key is for what the issuer signs with its kind."""
    kind = "ES" if member.get("kty") == "EC" else ("RS", "PS")
    return next((algorithm for algorithm in issuer.algorithms if algorithm.startswith(kind)), None)


def _is_of_tenant(key_issuer: object, tenant: str) -> bool:
    """Entra's key sets say of each key for which issuer it signs; `{tenantid}` stands for every tenant.

    Source: "Access tokens in the Microsoft identity platform", validate the signing key issuer.
    """
    if key_issuer is None:
        return True
    return isinstance(key_issuer, str) and bool({tenant, "{tenantid}"} & set(key_issuer.split("/")))


def _fetch_json(url: str) -> object:
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - https, or http to this machine: see Issuer
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as response:
            return json.loads(_read_bounded(response))
    except urllib.error.HTTPError as error:
        error.close()
        raise KeysUnavailable(f"the key set's address answered {error.code}") from None
    except (OSError, http.client.HTTPException):
        raise KeysUnavailable("the key set's address cannot be reached") from None
    except (ValueError, RecursionError):
        raise KeysUnavailable("the key set is not JSON") from None


def _read_bounded(response: http.client.HTTPResponse) -> bytes:
    ends_at = time.monotonic() + TIMEOUT_S
    data = bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        data += chunk
        if len(data) > MAX_BYTES:
            raise KeysUnavailable(f"the key set has more than {MAX_BYTES} bytes")
        if time.monotonic() > ends_at:
            raise KeysUnavailable(f"the key set took longer than {TIMEOUT_S:.0f} s")
    return bytes(data)
