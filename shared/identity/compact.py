"""The outside of a token: `Authorization: Bearer …` and the compact serialization of RFC 7515.

Nothing here is verified yet. What is read serves only to choose the issuer and the key, so whatever is
ambiguous, unusual or tries to steer that choice is refused before a key is touched (RFC 8725).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from shared.errors import AuthenticationError
from shared.identity.strict_json import DuplicateMember, parse_json

MAX_TOKEN_CHARS = 16 * 1024
"""Entra stays below this: its group lists stop at 200 ids, and front ends cut headers off sooner."""

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "ES256"})
TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""RFC 7519 section 5.1 and RFC 9068 section 2.1; compared without case, as media types are."""

KEY_BRINGERS = frozenset({"jwk", "jku", "x5c", "x5u"})
"""Header members by which a token would bring its own key."""

CHANGES_MEANING = frozenset({"b64", "zip", "enc", "epk", "apu", "apv", "p2s", "p2c"})
"""Header members that change what the payload is (RFC 7797, RFC 7516): never in an access token."""

_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Compact:
    """The parsed, unverified parts of a token whose header passed every rule below.

    `signed` is what `signature` must cover: the first two parts with their dot, as they came.
    """

    algorithm: str
    key_id: str
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def parse_bearer(authorization: str | None) -> str:
    """The token of an Authorization header (RFC 6750 section 2.1; the scheme's case does not matter).

    Raises AuthenticationError: `missing` where no bearer token was tried (no header, another scheme: RFC
    6750 section 3.1 treats them alike), `too_large`, or `malformed`.
    """
    if not authorization:
        raise AuthenticationError("missing", "expected an Authorization header with a bearer token, got none")
    if len(authorization) > MAX_TOKEN_CHARS + len("Bearer "):
        raise AuthenticationError("too_large", f"expected a token of at most {MAX_TOKEN_CHARS} characters")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise AuthenticationError("missing", "expected the authentication scheme Bearer, got another")
    if not _B64TOKEN.fullmatch(token):
        raise AuthenticationError("malformed", "expected one token after Bearer and one space")
    return token


def parse_compact(token: str) -> Compact:
    """Header and claims of a signed token in compact form; nothing is verified.

    Raises AuthenticationError with the reason `too_large`, `encrypted`, `malformed`, `duplicate_member`, or
    one of the reasons of the header's rules.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise AuthenticationError("too_large", f"expected a token of at most {MAX_TOKEN_CHARS} characters")
    parts = token.split(".")
    if len(parts) == 5:
        raise AuthenticationError("encrypted", "expected a signed token (JWS), got an encrypted one (JWE)")
    if len(parts) != 3:
        raise AuthenticationError("malformed", f"expected a token of three parts, got {len(parts)}")
    header = _parse_object(parts[0], "header")
    algorithm = _check_algorithm(header)
    _check_members(header)
    key_id = _check_key_id(header)
    return Compact(
        algorithm=algorithm,
        key_id=key_id,
        claims=_parse_object(parts[1], "payload"),
        signed=f"{parts[0]}.{parts[1]}".encode("ascii"),
        signature=_decode_segment(parts[2], "signature"),
    )


def _parse_object(segment: str, name: str) -> dict[str, Any]:
    try:
        value = parse_json(_decode_segment(segment, name).decode("utf-8"))
    except DuplicateMember:
        raise AuthenticationError("duplicate_member", f"the {name} has a member twice") from None
    except ValueError:
        raise AuthenticationError("malformed", f"the {name} is not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise AuthenticationError("malformed", f"the {name} is not a JSON object")
    return value


def _decode_segment(segment: str, name: str) -> bytes:
    """Base64url without padding, and only its one canonical spelling: a token has one form of text."""
    if not _SEGMENT.fullmatch(segment) or len(segment) % 4 == 1:
        raise AuthenticationError("malformed", f"the {name} is not base64url")
    data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != segment:
        raise AuthenticationError("malformed", f"the {name} is not canonical base64url")
    return data


def _check_algorithm(header: dict[str, Any]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise AuthenticationError("wrong_algorithm", "expected a signature with a public key")
    return algorithm


def _check_members(header: dict[str, Any]) -> None:
    """Members that nobody knows are ignored, as RFC 7515 section 4 asks; those that would matter are not."""
    if KEY_BRINGERS & header.keys():
        raise AuthenticationError("embedded_key", "a token may not bring the key that it is checked with")
    if "crit" in header:
        raise AuthenticationError("critical_header", "no critical header extension is understood here")
    if "cty" in header:
        raise AuthenticationError("nested", "expected claims as payload, got another content type")
    if CHANGES_MEANING & header.keys():
        raise AuthenticationError("unsupported_header", "the header has a member that is not served here")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise AuthenticationError("wrong_type", "expected an access token, got another type of token")


def _check_key_id(header: dict[str, Any]) -> str:
    key_id = header.get("kid")
    if key_id is None:
        raise AuthenticationError("missing_key_id", "expected the header member kid, got none")
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise AuthenticationError(
            "malformed_key_id", "expected a kid of letters, digits, dashes, underscores"
        )
    return key_id
