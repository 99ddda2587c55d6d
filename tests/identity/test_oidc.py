"""Tokens of other OpenID Connect providers: Auth0, Okta, Keycloak, and RFC 9068."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from devstack.tokens import encode_base64url, mint
from shared.identity.issuers import Issuer, parse_issuers
from tests.support.identities import NOW_S, Gate, signing_key

ADDRESS = "https://login.fabrikam.example/"
GUID = "22222222-2222-4222-8222-222222222222"

USUAL: dict[str, Any] = {
    "name": "fabrikam",
    "kind": "oidc",
    "issuer": ADDRESS,
    "tenant": "fabrikam",
    "audiences": ["https://presidio.fabrikam.example"],
    "jwks_uri": f"{ADDRESS}keys",
    "scopes": ["presidio"],
}

PERSON: dict[str, Any] = {
    "iss": ADDRESS,
    "aud": "https://presidio.fabrikam.example",
    "sub": GUID,
    "client_id": "web-client",
    "scope": "openid presidio",
    "roles": ["Pii.Analyst"],
    "iat": NOW_S - 10,
    "exp": NOW_S + 600,
    "jti": "0123456789abcdef0123",
}


def configure(**changes: Any) -> Issuer:
    return parse_issuers(json.dumps([{**USUAL, **changes}]))[0]


def gate(**changes: Any) -> Gate:
    key = signing_key()
    return Gate((configure(**changes),), {key.kid: key.private.public_key()})


def bearer(header_typ: str = "at+jwt", **changes: Any) -> str:
    claims = {name: value for name, value in {**PERSON, **changes}.items() if value is not None}
    return f"Bearer {mint(signing_key(), claims, {'typ': header_typ})}"


def test_rfc_9068() -> None:
    """A JWT access token of RFC 9068 is a person; the issuer's label is the tenant."""
    caller = gate().admit(bearer())
    assert (caller.kind, caller.tenant, caller.principal) == ("person", "fabrikam", GUID)
    assert (caller.app, caller.roles) == ("web-client", ("Pii.Analyst",))
    assert caller.token_id == "0123456789abcdef0123"


def test_client_credentials() -> None:
    """A token whose subject is its client is an app's (RFC 9068 section 2.2); it needs no scope."""
    caller = gate().admit(bearer(sub="web-client", scope=None))
    assert caller.kind == "app"


def test_auth0() -> None:
    """Auth0 marks apps by a claim of its own, puts roles under an address and lists two audiences."""
    auth0 = gate(
        app_claim="azp",
        app_when={"gty": "client-credentials"},
        roles_claim="https://fabrikam.example/roles",
        role_map={"redaction job": "Pii.Pipeline"},
    )
    changes: dict[str, Any] = {
        "azp": "Zx81kd02mfjq84jd0q",
        "https://fabrikam.example/roles": ["redaction job", "Pii.BreakGlass"],
        "aud": ["https://presidio.fabrikam.example", f"{ADDRESS}userinfo"],
    }
    app = auth0.admit(
        bearer(header_typ="JWT", sub="Zx81kd02mfjq84jd0q@clients", gty="client-credentials", **changes)
    )
    assert (app.kind, app.roles) == ("app", ("Pii.Pipeline",))
    person = auth0.admit(bearer(header_typ="JWT", sub="auth0|0123456789abcdef01234567", **changes))
    assert (person.kind, person.principal) == ("person", "auth0|0123456789abcdef01234567")


def test_keycloak() -> None:
    """Keycloak nests its roles, and says what a token is in the claim typ."""
    keycloak = gate(app_claim="azp", roles_claim="/realm_access/roles", scopes=["presidio"])
    claims: dict[str, Any] = {"realm_access": {"roles": ["Pii.Redactor", "offline_access"]}, "typ": "Bearer"}
    assert keycloak.admit(bearer(header_typ="JWT", nonce="abc", **claims)).roles == (
        "Pii.Redactor",
        "offline_access",
    )
    for kind in ("ID", "Refresh", "Logout", "Offline"):
        assert keycloak.reason(bearer(header_typ="JWT", **{**claims, "typ": kind})) == "id_token"
    assert keycloak.admit(bearer(header_typ="JWT", realm_access=["Pii.Redactor"])).roles == ()


def test_okta() -> None:
    """Okta lists scopes in scp, names the client cid, and puts a login name into sub."""
    okta = gate(app_claim="cid", groups_claim="groups", group_map={"Presidio Analysts": "Pii.Analyst"})
    caller = okta.admit(
        bearer(
            header_typ="JWT",
            scope=None,
            scp=["openid", "presidio"],
            cid="0oa1gjh63g214q0Hq0g4",
            sub="ana@fabrikam.example",
            roles=None,
            groups=["Everyone", "Presidio Analysts"],
        )
    )
    assert caller.roles == ("Pii.Analyst",)
    assert caller.principal.startswith("sha256:")


@pytest.mark.parametrize("subject", ["ana@fabrikam.example", "ana.lystad", "Ana Lystad", "004912345678", "ü"])
def test_names_become_digests(subject: str) -> None:
    """A subject that a person could be read from is replaced by a digest that can be computed again."""
    principal = gate().admit(bearer(sub=subject)).principal
    assert principal == "sha256:" + hashlib.sha256(f"{ADDRESS}\n{subject}".encode()).hexdigest()


@pytest.mark.parametrize(
    "subject", [GUID, "auth0|0123456789abcdef01234567", "112233445566778899001", "a1" * 16]
)
def test_opaque_ids_stay(subject: str) -> None:
    """GUIDs and long numbers stay as they are, so that they can be looked up at the provider."""
    assert gate().admit(bearer(sub=subject)).principal == subject


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("missing_scope", {"scope": None}),
        ("missing_scope", {"scope": " "}),
        ("wrong_scope", {"scope": "openid profile"}),
        ("malformed_claim", {"scope": ["presidio"]}),
        ("malformed_claim", {"scope": None, "scp": {"presidio": 1}}),
        ("id_token", {"nonce": "n"}),
        ("id_token", {"at_hash": "h"}),
        ("id_token", {"typ": None, "s_hash": "h"}),
        ("wrong_type", {"events": {}}),
        ("wrong_audience", {"aud": ["https://other.example"]}),
        ("malformed_claim", {"aud": [1]}),
        ("missing_claim", {"sub": None}),
        ("malformed_claim", {"sub": 7}),
        ("malformed_claim", {"sub": "a\ud800"}),
        ("malformed_claim", {"sub": "a\u202eb"}),
        ("malformed_claim", {"client_id": ["web-client"]}),
        ("malformed_claim", {"roles": "Pii.BreakGlass"}),
        ("missing_exp", {"exp": None}),
        ("missing_iat", {"iat": None}),
        ("bound_token", {"cnf": {"x5t#S256": "a"}}),
        ("implausible_times", {"exp": NOW_S + 5 * 86_400}),
    ],
)
def test_refused(reason: str, changes: dict[str, Any]) -> None:
    """Tokens that are no access tokens for this service are refused."""
    assert gate().reason(bearer(**changes)) == reason


def test_no_scope_configured() -> None:
    """Where a provider has no scopes, the configuration may ask for none."""
    assert gate(scopes=[]).reason(bearer(scope=None)) == "admitted"


def test_long_lived_tokens_are_a_choice() -> None:
    """Tokens that live longer than two days are admitted where the configuration says so."""
    assert gate(max_lifetime_s=30 * 86_400).reason(bearer(exp=NOW_S + 5 * 86_400)) == "admitted"


def elliptic_bearer(private: ec.EllipticCurvePrivateKey, signature: bytes | None = None) -> str:
    header = {"typ": "at+jwt", "alg": "ES256", "kid": "ec"}
    part = ".".join(encode_base64url(json.dumps(value).encode()) for value in (header, PERSON))
    r, s = utils.decode_dss_signature(private.sign(part.encode(), ec.ECDSA(SHA256())))
    made = r.to_bytes(32) + s.to_bytes(32) if signature is None else signature
    return f"Bearer {part}.{encode_base64url(made)}"


def test_es256() -> None:
    """ES256 works where it is configured; a signature of zeros (CVE-2022-21449) does not."""
    private = ec.generate_private_key(ec.SECP256R1())
    elliptic = Gate((configure(algorithms=["ES256"]),), {"ec": private.public_key()})
    assert elliptic.reason(elliptic_bearer(private)) == "admitted"
    assert elliptic.reason(elliptic_bearer(private, bytes(64))) == "bad_signature"
    assert elliptic.reason(elliptic_bearer(private, bytes(10))) == "bad_signature"
    assert elliptic.reason(elliptic_bearer(ec.generate_private_key(ec.SECP256R1()))) == "bad_signature"
    assert gate().reason(elliptic_bearer(private)) == "wrong_algorithm"
