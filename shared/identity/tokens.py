"""From the Authorization header to a Caller, in the order in which a token may be believed.

    parse_bearer    the header is one bearer token of bearable size
    read_header     the token's form is strict, and it names one configured issuer and a key id
                    (the caller of this module finds that key; nothing in the token says where)
    verify_token    1. the signature holds, by an algorithm of that issuer
                    2. iss is exactly the issuer, aud is one of its audiences
                    3. exp, nbf and iat are whole seconds and make sense now
                    4. the token is bound to no key (a stolen bound token is no bearer token)
                    5. the claims are those of an access token of a person or an app (entra.py, oidc.py)

Every refusal is an AuthenticationError whose `reason` is a stable word. Names and mail addresses in a token
are never read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import InvalidKeyError, get_algorithm_by_name

from shared.errors import AuthenticationError
from shared.identity.caller import Caller
from shared.identity.claims import Claims, malformed, read_list
from shared.identity.compact import Compact, parse_bearer, parse_compact
from shared.identity.entra import read_entra_caller
from shared.identity.issuers import Issuer
from shared.identity.oidc import read_oidc_caller

__all__ = ["LEEWAY_S", "PublicKey", "TokenHeader", "parse_bearer", "read_header", "verify_token"]

PublicKey = RSAPublicKey | EllipticCurvePublicKey

LEEWAY_S = 60
"""How far the issuer's clock and ours may differ."""

MAX_TIME = 2**40
"""Seconds since 1970 that a claim may give at most (the year 36812): arithmetic stays exact."""


@dataclass(frozen=True, slots=True)
class TokenHeader:
    """Which key to look for: one of this issuer's, with this id. Both are unverified claims."""

    issuer: Issuer
    kid: str


def read_header(token: str, issuers: Iterable[Issuer]) -> TokenHeader:
    """The configured issuer that the token names, and the id of its key. Verifies nothing.

    Raises AuthenticationError for every token whose form is not strict, whose issuer is not configured
    (compared byte for byte) or whose algorithm is not one of that issuer's.
    """
    compact = parse_compact(token)
    named = compact.claims.get("iss")
    issuer = next((known for known in issuers if isinstance(named, str) and known.issuer == named), None)
    if issuer is None:
        raise AuthenticationError("unknown_issuer", "the token's issuer is not trusted here")
    _check_algorithm(compact.algorithm, issuer)
    return TokenHeader(issuer, compact.key_id)


def verify_token(token: str, key: PublicKey, issuer: Issuer, now: datetime) -> Caller:
    """The caller whom a valid token names.

    `key` is the key of the token's `kid` in the key set of `issuer`. `now` is an aware datetime. Raises
    AuthenticationError. Holds by itself: nothing that `read_header` checked is taken for granted.
    """
    compact = parse_compact(token)
    _check_algorithm(compact.algorithm, issuer)
    _verify_signature(compact, key)
    claims = compact.claims
    if claims.get("iss") != issuer.issuer:
        raise AuthenticationError("unknown_issuer", "the token's issuer is not the one whose key signed it")
    _check_audience(claims, issuer)
    expires_at = _check_times(claims, issuer, int(now.timestamp()))
    if "cnf" in claims:
        raise AuthenticationError("bound_token", "expected a bearer token, got one bound to a client's key")
    read_caller = read_oidc_caller if issuer.kind == "oidc" else read_entra_caller
    return read_caller(claims, issuer, expires_at)


def _check_algorithm(algorithm: str, issuer: Issuer) -> None:
    if algorithm not in issuer.algorithms:
        expected = " or ".join(issuer.algorithms)
        raise AuthenticationError("wrong_algorithm", f"expected a token signed with {expected}")


def _verify_signature(compact: Compact, key: PublicKey) -> None:
    """PyJWT verifies, over the very bytes that were parsed: no second parser reads the token another way."""
    algorithm = get_algorithm_by_name(compact.algorithm)
    try:
        prepared = algorithm.prepare_key(key)
    except (InvalidKeyError, TypeError):
        raise AuthenticationError(
            "wrong_key", "the issuer's key does not fit the token's algorithm"
        ) from None
    if algorithm.check_key_length(prepared) is not None:
        raise AuthenticationError("wrong_key", "the issuer's key is too short")
    if not algorithm.verify(compact.signed, prepared, compact.signature):
        raise AuthenticationError("bad_signature", "the token's signature does not hold")


def _check_audience(claims: Claims, issuer: Issuer) -> None:
    """`aud` is text, and for other providers than Entra also a list (RFC 7519 section 4.1.3)."""
    audience = claims.get("aud")
    named = {audience} if isinstance(audience, str) else set()
    if isinstance(audience, list) and issuer.kind == "oidc":
        named = set(read_list(claims, "aud"))
    if not named & set(issuer.audiences):
        raise AuthenticationError("wrong_audience", "the token was made for another service")


def _check_times(claims: Claims, issuer: Issuer, now_s: int) -> int:
    """The expiry in Unix seconds, once exp, nbf and iat are there and sane.

    exp and iat are required everywhere (RFC 9068 section 2.2), nbf for Entra, which always gives it.
    """
    expires_at = _require_time(claims, "exp")
    issued_at = _require_time(claims, "iat")
    starts_at = _require_time(claims, "nbf") if "nbf" in claims or issuer.kind != "oidc" else issued_at
    if now_s >= expires_at + LEEWAY_S:
        raise AuthenticationError("expired", "the token has expired")
    if now_s < max(starts_at, issued_at) - LEEWAY_S:
        raise AuthenticationError("not_yet_valid", "the token is not valid yet")
    if expires_at <= max(starts_at, issued_at) or expires_at - now_s > issuer.max_lifetime_s + LEEWAY_S:
        raise AuthenticationError(
            "implausible_times", f"expected a token that lives at most {issuer.max_lifetime_s} s"
        )
    return expires_at


def _require_time(claims: Claims, name: str) -> int:
    """Whole seconds since 1970. RFC 7519 allows fractions; no provider sends them, so nor may anybody."""
    value = claims.get(name)
    if value is None:
        raise AuthenticationError(f"missing_{name}", f"expected the claim {name}, got none")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < MAX_TIME:
        raise malformed(name, "whole seconds since 1970")
    return value
