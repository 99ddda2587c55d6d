"""Tools of a forger: tokens that are almost right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from devstack.personas import PERSONAS
from devstack.tokens import SigningKey, Version, encode_base64url, mint, persona_claims, sign

type Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forger:
    """What an attacker can get hold of, and what only the issuer has.

    `key` is the issuer's own signing key: with it, tests make tokens that are wrong in one thing only.
    `foreign` is a key of the attacker's.
    """

    key: SigningKey
    foreign: SigningKey
    base_url: str
    now_s: int

    def claims(self, persona: str = "analyst", version: Version = 2, **changes: Any) -> Claims:
        """A persona's claims with changes; a claim changed to None is left out."""
        usual = persona_claims(PERSONAS[persona], self.base_url, self.now_s, version=version, lifetime_s=3600)
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def token(self, persona: str = "analyst", version: Version = 2, **changes: Any) -> str:
        """A token of the issuer's, with changes."""
        return mint(self.key, self.claims(persona, version, **changes))

    def bearer(self, persona: str = "analyst", version: Version = 2, **changes: Any) -> str:
        """The same, as the value of an Authorization header."""
        return f"Bearer {self.token(persona, version, **changes)}"

    def with_header(self, **members: Any) -> str:
        """A token that is right but for its header, signed with the issuer's key."""
        return f"Bearer {mint(self.key, self.claims(), members)}"

    def raw(self, header: bytes | None = None, payload: bytes | None = None) -> str:
        """Any bytes as header and payload, signed with the issuer's key."""
        usual = json.dumps({"typ": "JWT", "alg": "RS256", "kid": self.key.kid}).encode()
        token = sign(
            self.key.private,
            usual if header is None else header,
            json.dumps(self.claims()).encode() if payload is None else payload,
        )
        return f"Bearer {token}"

    def unsigned(self, **members: Any) -> str:
        """A token without a signature."""
        return f"Bearer {self._signed_part(members)}."

    def hmac_signed(self, secret: bytes, digest: str = "sha256") -> str:
        """The classic confusion: the public key, which everybody has, as the secret of an HMAC."""
        part = self._signed_part({"alg": f"HS{digest[3:]}"})
        mac = hmac.new(secret, part.encode(), digest).digest()
        return f"Bearer {part}.{encode_base64url(mac)}"

    def public_pem(self) -> bytes:
        """The issuer's public key as text, as people paste it into configurations."""
        return self.key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def public_der(self) -> bytes:
        """The same in binary."""
        return base64.b64decode(b"".join(self.public_pem().splitlines()[1:-1]))

    def other_algorithm(self, algorithm: str) -> str:
        """A correct signature of the issuer's key by an algorithm that this issuer does not use."""
        part = self._signed_part({"alg": algorithm})
        signature = (
            self.key.private.sign(part.encode(), padding.PKCS1v15(), SHA512())
            if algorithm == "RS512"
            else self.key.private.sign(part.encode(), padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        )
        return f"Bearer {part}.{encode_base64url(signature)}"

    def elliptic(self) -> str:
        """Signed with a P-256 key of the forger's, under the issuer's key id."""
        part = self._signed_part({"alg": "ES256"})
        private = ec.generate_private_key(ec.SECP256R1())
        r, s = utils.decode_dss_signature(private.sign(part.encode(), ec.ECDSA(SHA256())))
        return f"Bearer {part}.{encode_base64url(r.to_bytes(32) + s.to_bytes(32))}"

    def own_key(self, **members: Any) -> str:
        """Signed with the forger's key, with header members that offer it for the check."""
        return f"Bearer {mint(self.foreign, self.claims(), members)}"

    def foreign_jwk(self) -> Mapping[str, str]:
        """The forger's public key as a JWK."""
        return self.foreign.public_jwk()

    def fingerprint(self) -> str:
        """A certificate thumbprint, as `x5t` holds one."""
        return encode_base64url(hashlib.sha256(self.public_der()).digest()[:20])

    def _signed_part(self, members: Mapping[str, Any]) -> str:
        usual = {"typ": "JWT", "alg": "RS256", "kid": self.key.kid}
        header = {name: value for name, value in {**usual, **members}.items() if value is not None}
        payload = json.dumps(self.claims()).encode()
        return f"{encode_base64url(json.dumps(header).encode())}.{encode_base64url(payload)}"


def split_bearer(authorization: str) -> list[str]:
    """Header, payload and signature of a bearer token."""
    return authorization.removeprefix("Bearer ").split(".")


def join_bearer(*parts: str) -> str:
    """The inverse."""
    return f"Bearer {'.'.join(parts)}"


def encode_json(value: object) -> str:
    """JSON as a segment of a token."""
    return encode_base64url(json.dumps(value).encode())


@dataclass(frozen=True, slots=True)
class BadToken:
    """`make` returns the value of an Authorization header that must be refused, None for no header.

    `reason` is the word that stands in the record. `is_sendable` is False where HTTP clients refuse to
    send such a header (control characters, characters beyond Latin-1).
    """

    name: str
    make: Callable[[Forger], str | None]
    reason: str
    is_sendable: bool = True
