"""Claims by name and type. A claim of another type than its specification gives is refused, not coerced."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from shared.errors import AuthenticationError
from shared.identity.issuers import Issuer

type Claims = dict[str, Any]

MAX_LISTED = 256
"""The most values of a list claim. Entra lists at most 200 groups in a token."""

MAX_VALUE_CHARS = 256

_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,119}")
_OPAQUE = re.compile(
    r"(?:[a-z0-9-]{1,32}\|)?"  # a connection's name, as Auth0 puts before its ids
    r"(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{16,128}|[0-9]{16,40})"
)


def read_text(claims: Claims, name: str) -> str | None:
    """A text claim of 1 to 256 printable characters, or None where the token has none."""
    value = find_claim(claims, name)
    if value is None:
        return None
    # Control characters and lone surrogates have no place in an identifier and none in UTF-8.
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_VALUE_CHARS or not value.isprintable():
        raise malformed(name, "text")
    return value


def require_text(claims: Claims, name: str) -> str:
    """A text claim that must be there."""
    value = read_text(claims, name)
    if value is None:
        raise AuthenticationError("missing_claim", f"expected the claim {name}, got none")
    return value


def read_list(claims: Claims, name: str) -> tuple[str, ...]:
    """A claim that is a list of text; empty where the token has none. A lone text is not a list."""
    value = find_claim(claims, name)
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_LISTED:
        raise malformed(name, f"a list of at most {MAX_LISTED}")
    if not all(isinstance(item, str) and len(item) <= MAX_VALUE_CHARS for item in value):
        raise malformed(name, f"a list of texts of at most {MAX_VALUE_CHARS} characters")
    return tuple(value)


def find_claim(claims: Claims, name: str) -> Any:
    """A claim by name, or by JSON Pointer (RFC 6901) where the name starts with `/`; None if absent."""
    if not name.startswith("/"):
        return claims.get(name)
    value: Any = claims
    for step in name[1:].split("/"):
        if not isinstance(value, dict):
            return None
        value = value.get(step.replace("~1", "/").replace("~0", "~"))
    return value


def read_roles(claims: Claims, issuer: Issuer) -> tuple[str, ...]:
    """The caller's roles, sorted. Values that cannot be a role's name grant nothing and are not kept.

    Where a token says that its groups are listed elsewhere (Entra's overage, `_claim_names`), groups grant
    nothing: what is in the token is then not the whole list, and nothing is fetched on a token's word.
    """
    values = read_list(claims, issuer.roles_claim)
    named = [issuer.role_map.get(value, "") for value in values] if issuer.role_map else list(values)
    groups = read_list(claims, issuer.groups_claim) if issuer.group_map else ()
    if "_claim_names" not in claims:
        named += [issuer.group_map[group] for group in groups if group in issuer.group_map]
    return tuple(sorted({role for role in named if _ROLE.fullmatch(role)}))


def as_opaque_id(value: str, issuer: Issuer) -> str:
    """The value where it is a GUID or a long number, else a digest of it.

    Providers may put a login name or a mail address into `sub`, and neither may stand in a record. The
    digest is SHA-256 over the issuer's address, a newline and the value: stable, and an auditor who
    knows the value finds its records.
    """
    if _OPAQUE.fullmatch(value):
        return value
    return "sha256:" + hashlib.sha256(f"{issuer.issuer}\n{value}".encode()).hexdigest()


def malformed(name: str, expected: str) -> AuthenticationError:
    """The error for a claim of the wrong type. `name` is the issuer's configuration, never the token's."""
    return AuthenticationError("malformed_claim", f"expected the claim {name} to be {expected}")
