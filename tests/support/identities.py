"""Keys, issuers and callers for tests, and the way of a token through the identity room."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from devstack.personas import TENANT
from devstack.tokens import SigningKey, issuers_setting
from shared.errors import AuthenticationError
from shared.identity.caller import Caller
from shared.identity.issuers import Issuer, parse_issuers
from shared.identity.policy import Policy, parse_policy
from shared.identity.tokens import PublicKey, parse_bearer, read_header, verify_token

ROOT = Path(__file__).resolve().parents[2]

BASE_URL = "http://127.0.0.1:8899"
NOW_S = 1_790_000_000
NOW = datetime.fromtimestamp(NOW_S, UTC)


@functools.cache
def signing_key(name: str = "current") -> SigningKey:
    """The key of that name, made once in a test run: making one takes a tenth of a second."""
    assert name
    return SigningKey.of(generate_private_key(public_exponent=65_537, key_size=2048))


@functools.cache
def local_issuers() -> tuple[Issuer, ...]:
    """The local issuer's two entries."""
    return parse_issuers(issuers_setting(BASE_URL))


@functools.cache
def default_policy() -> Policy:
    """config/policy.yaml."""
    return parse_policy((ROOT / "config/policy.yaml").read_text(encoding="utf-8"), "config/policy.yaml")


@dataclass(frozen=True, slots=True)
class Gate:
    """What the audited path does with an Authorization header, over keys that are at hand."""

    issuers: tuple[Issuer, ...]
    keys: dict[str, PublicKey]
    now: datetime = NOW

    def admit(self, authorization: str | None) -> Caller:
        """The caller, or AuthenticationError."""
        token = parse_bearer(authorization)
        header = read_header(token, self.issuers)
        key = self.keys.get(header.kid)
        if key is None:
            raise AuthenticationError("unknown_key", "no such key")
        return verify_token(token, key, header.issuer, self.now)

    def reason(self, authorization: str | None) -> str:
        """Why the header is refused; `admitted` where it is not."""
        try:
            self.admit(authorization)
        except AuthenticationError as error:
            return error.reason
        return "admitted"


def local_gate() -> Gate:
    """A gate that trusts the local issuer's current key."""
    key = signing_key()
    return Gate(local_issuers(), {key.kid: key.private.public_key()})


def make_caller(*roles: str, kind: str = "person") -> Caller:
    """A caller of the local tenant with these roles."""
    return Caller(
        kind="app" if kind == "app" else "person",
        issuer="local-v2",
        tenant=TENANT,
        principal="11111111-1111-4111-8111-111111111111",
        app=None,
        roles=roles,
        token_id=None,
        expires_at=NOW_S + 3600,
    )
