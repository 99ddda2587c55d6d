"""Tokens that the issuer signed and that must be refused all the same: their claims are wrong."""

from __future__ import annotations

from typing import Any

from devstack.personas import API_CLIENT_ID, OTHER_TENANT, TENANT
from devstack.tokens import SCOPE, Version, issuer_address
from tests.support.forging import BadToken, Forger

GUID = "11111111-1111-4111-8111-111111111111"
GRAPH = "00000003-0000-0000-c000-000000000000"


def claim(name: str, reason: str, persona: str = "analyst", version: Version = 2, **changes: Any) -> BadToken:
    """A token with changed claims; a claim changed to None is left out."""
    return BadToken(name, lambda forger: forger.bearer(persona, version, **changes), reason)


def when(name: str, reason: str, **offsets: int) -> BadToken:
    """A token whose times are given relative to now, in seconds."""

    def make(forger: Forger) -> str:
        times: dict[str, Any] = {name: forger.now_s + offset for name, offset in offsets.items()}
        return forger.bearer(**times)

    return BadToken(name, make, reason)


def issued_by(name: str, reason: str, form: str, version: Version = 2, **changes: Any) -> BadToken:
    """A token with another issuer: `{v1}` and `{v2}` in `form` stand for the two that are trusted."""

    def make(forger: Forger) -> str:
        addresses = {f"v{number}": issuer_address(forger.base_url, TENANT, number) for number in (1, 2)}
        named = form.format(**addresses, base=forger.base_url, other=OTHER_TENANT)
        return forger.bearer(version=version, iss=named, **changes)

    return BadToken(name, make, reason)


ISSUERS = (
    issued_by("another issuer", "unknown_issuer", "https://attacker.example/v2.0"),
    issued_by("issuer with a slash at the end", "unknown_issuer", "{v2}/"),
    issued_by("issuer in another case", "unknown_issuer", "{base}/" + TENANT.upper() + "/v2.0"),
    issued_by("issuer with a blank", "unknown_issuer", "{v2} "),
    issued_by("issuer with a NUL", "unknown_issuer", "{v2}\0"),
    issued_by("issuer with more behind it", "unknown_issuer", "{v2}.attacker.example"),
    issued_by("issuer with a query", "unknown_issuer", "{v2}?a=b"),
    issued_by("issuer of another tenant", "unknown_issuer", "{base}/{other}/v2.0"),
    issued_by("issuer common", "unknown_issuer", "{base}/common/v2.0"),
    issued_by("issuer {{tenantid}}", "unknown_issuer", "{base}/{{tenantid}}/v2.0"),
    claim("issuer is a list", "unknown_issuer", iss=["https://a", "https://b"]),
    claim("issuer is empty", "unknown_issuer", iss=""),
    claim("no issuer", "unknown_issuer", iss=None),
    claim("outsider, v2", "unknown_issuer", persona="outsider"),
    claim("outsider, v1", "unknown_issuer", persona="outsider", version=1),
    claim("tenant of another", "wrong_tenant", tid=OTHER_TENANT),
    claim("tenant in another case", "wrong_tenant", tid=TENANT.upper()),
    claim("tenant is a list", "malformed_claim", tid=[TENANT]),
    claim("no tenant", "missing_claim", tid=None),
    issued_by("v1 issuer, v2 claims", "wrong_audience", "{v1}"),
    issued_by("v1 issuer and audience, ver 2.0", "wrong_version", "{v1}", aud=f"api://{API_CLIENT_ID}"),
    issued_by("v2 issuer and audience, ver 1.0", "wrong_version", "{v2}", version=1, aud=API_CLIENT_ID),
    issued_by("v2 issuer, v1 claims", "wrong_audience", "{v2}", version=1),
    claim("ver is a number", "wrong_version", ver=2.0),
    claim("no ver", "wrong_version", ver=None),
)

AUDIENCES = (
    claim("audience Microsoft Graph", "wrong_audience", aud=GRAPH),
    claim("audience of the client", "wrong_audience", aud=GUID),
    claim("audience api:// in v2", "wrong_audience", aud=f"api://{API_CLIENT_ID}"),
    claim("audience without api:// in v1", "wrong_audience", version=1, aud=API_CLIENT_ID),
    claim("audience in another case", "wrong_audience", aud=API_CLIENT_ID.upper()),
    claim("audience with a slash", "wrong_audience", version=1, aud=f"api://{API_CLIENT_ID}/"),
    claim("audience is a list", "wrong_audience", aud=[API_CLIENT_ID, GRAPH]),
    claim("audience is empty", "wrong_audience", aud=""),
    claim("audience is an object", "wrong_audience", aud={API_CLIENT_ID: True}),
    claim("no audience", "wrong_audience", aud=None),
)

TIMES = (
    when("expired long ago", "expired", iat=-90_000, nbf=-90_000, exp=-86_400),
    when("expired a little too long ago", "expired", exp=-60),
    when("not valid yet", "not_yet_valid", nbf=61, exp=3_600),
    when("issued in the future", "not_yet_valid", iat=3_600, exp=7_200),
    when("ends before it starts", "implausible_times", iat=-10, nbf=30, exp=20),
    when("valid for a month", "implausible_times", exp=31 * 86_400),
    claim("valid until the year 9999", "implausible_times", exp=253_402_300_799),
    claim("no exp", "missing_exp", exp=None),
    claim("no iat", "missing_iat", iat=None),
    claim("no nbf", "missing_nbf", nbf=None),
    claim("exp is text", "malformed_claim", exp="1999999999"),
    claim("exp is a fraction", "malformed_claim", exp=1_999_999_999.5),
    claim("exp is infinite", "malformed_claim", exp=10**400),
    claim("exp is huge", "malformed_claim", exp=10**18),
    claim("exp is negative", "malformed_claim", exp=-1),
    claim("exp is zero", "malformed_claim", exp=0),
    claim("exp is true", "malformed_claim", exp=True),
    claim("exp is a list", "malformed_claim", exp=[1_999_999_999]),
    claim("nbf is text", "malformed_claim", nbf="0"),
    claim("iat is an object", "malformed_claim", iat={}),
)

KINDS = (
    claim("ID token, v2", "id_token", azp=None, azpacr=None, scp=None),
    claim("ID token, v1", "id_token", version=1, appid=None, appidacr=None, scp=None),
    claim("ID token with a nonce", "id_token", nonce="n-0S6_WzA2Mj"),
    claim("ID token with at_hash", "id_token", at_hash="MTIzNDU2Nzg5MDEyMzQ1Ng"),
    claim("app with a scope", "app_with_scope", persona="pipeline", scp=SCOPE),
    claim("app with an empty scope", "app_with_scope", persona="pipeline", scp=""),
    claim("person with roles but no scope", "missing_scope", scp=None),
    claim("person with roles but no scope, v1", "missing_scope", version=1, scp=None),
    claim("person who says user, no scope", "missing_scope", idtyp="user", scp=None),
    claim("person with an empty scope", "missing_scope", scp=""),
    claim("person with another scope", "wrong_scope", scp="User.Read"),
    claim("scope with more behind it", "wrong_scope", scp=f"{SCOPE}_admin"),
    claim("scope in another case", "wrong_scope", scp=SCOPE.upper()),
    claim("scope with a tab", "wrong_scope", scp=f"User.Read\t{SCOPE}"),
    claim("scope is a list", "malformed_claim", scp=[SCOPE]),
    claim("public client as an app", "missing_scope", persona="pipeline", idtyp=None, azpacr="0"),
    claim("app whose subject is another", "missing_scope", persona="pipeline", idtyp=None, sub=GUID),
    claim("device", "wrong_identity", idtyp="device"),
    claim("idtyp is a list", "malformed_claim", idtyp=["app"]),
    claim("token bound to a key", "bound_token", cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
)

TYPES = (
    claim("roles is text", "malformed_claim", roles="Pii.BreakGlass"),
    claim("roles is an object", "malformed_claim", roles={"Pii.BreakGlass": True}),
    claim("roles with a number", "malformed_claim", roles=["Pii.Analyst", 1]),
    claim("roles in a list in a list", "malformed_claim", roles=[["Pii.BreakGlass"]]),
    claim("300 roles", "malformed_claim", roles=[f"R{number}" for number in range(300)]),
    claim("a role of 300 characters", "malformed_claim", roles=["R" * 300]),
    claim("no oid", "missing_claim", oid=None),
    claim("oid is empty", "malformed_claim", oid=""),
    claim("oid is a mail address", "malformed_claim", oid="ana.lystad@contoso.example"),
    claim("oid in upper case", "malformed_claim", oid=GUID.upper().replace("1", "A")),
    claim("oid with a line feed", "malformed_claim", oid=f"{GUID}\n"),
    claim("oid is a list", "malformed_claim", oid=[GUID]),
    claim("client is a name", "malformed_claim", azp="my-client"),
    claim("uti is a number", "malformed_claim", uti=1),
    claim("uti is a sentence", "malformed_claim", uti="Ana Lystad was here"),
)

BAD_CLAIMS: tuple[BadToken, ...] = (*ISSUERS, *AUDIENCES, *TIMES, *KINDS, *TYPES)
