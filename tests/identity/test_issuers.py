"""The setting TRUSTED_ISSUERS: what it accepts, and what it says about what it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from devstack.tokens import issuers_setting
from shared.errors import SettingsError
from shared.identity.issuers import MAX_ISSUERS, parse_issuers

TENANT = "11111111-2222-4333-8444-555555555555"

V2: dict[str, Any] = {
    "name": "contoso",
    "kind": "entra-v2",
    "issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "tenant": TENANT,
    "audiences": ["b7c1d9e2-3f4a-4b5c-8d6e-7f8091a2b3c4"],
    "jwks_uri": f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys",
}
V1 = {
    **V2,
    "name": "contoso-v1",
    "kind": "entra-v1",
    "issuer": f"https://sts.windows.net/{TENANT}/",
    "audiences": ["api://b7c1d9e2-3f4a-4b5c-8d6e-7f8091a2b3c4"],
}
OIDC = {
    **V2,
    "name": "fabrikam",
    "kind": "oidc",
    "issuer": "https://login.fabrikam.example/",
    "tenant": "fabrikam",
    "algorithms": ["ES256", "PS256"],
}


def complaint(entries: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        parse_issuers(entries if isinstance(entries, str) else json.dumps(entries))
    assert caught.value.setting == "TRUSTED_ISSUERS"
    return str(caught.value)


def test_three_kinds() -> None:
    """Both token versions of one tenant and another provider can stand side by side."""
    v2, v1, oidc = parse_issuers(json.dumps([V2, V1, OIDC]))
    assert (v2.principal_claim, v2.app_claim, v2.algorithms) == ("oid", "azp", ("RS256",))
    assert (v1.principal_claim, v1.app_claim) == ("oid", "appid")
    assert (oidc.principal_claim, oidc.app_claim) == ("sub", "client_id")
    assert v2.scopes == ("access_as_user",)
    assert len({v2, v1, oidc}) == 3


def test_frozen() -> None:
    """An issuer cannot be changed after it was read."""
    issuer = parse_issuers(json.dumps([V2]))[0]
    with pytest.raises(ValidationError):
        issuer.issuer = "https://attacker.example"  # type: ignore[misc]  # it must fail


def test_local_issuer_setting() -> None:
    """What the local issuer says about itself is accepted: its addresses are of this machine."""
    assert [issuer.name for issuer in parse_issuers(issuers_setting("http://127.0.0.1:1"))] == [
        "local-v2",
        "local-v1",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "saml"}, "kind: expected one of 'entra-v2', 'entra-v1' and 'oidc', got 'saml'"),
        ({"issuer": f"http://sts.example/{TENANT}/v2.0"}, "issuer: expected an https:// address"),
        ({"issuer": "https:///v2.0"}, "issuer: expected an https:// address"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri: expected an https:// address"),
        ({"jwks_uri": "http://127.0.0.1.attacker.example/keys"}, "jwks_uri: expected an https:// address"),
        ({"jwks_uri": "http://localhost@attacker.example/keys"}, "jwks_uri: expected an https:// address"),
        ({"tenant": TENANT.upper().replace("1", "A")}, "tenant: expected the tenant's GUID in lower case"),
        ({"tenant": "common"}, "tenant: expected the tenant's GUID"),
        (
            {"issuer": "https://login.microsoftonline.com/common/v2.0"},
            "issuer: expected an address that ends",
        ),
        ({"audiences": []}, "audiences: expected a list of 1 to 16 audiences"),
        ({"audiences": "api://a"}, "audiences: expected a list of 1 to 16 audiences"),
        ({"audiences": ["a b"]}, "audiences[0]: expected text like"),
        ({"audience": ["a"]}, "audience: is not a field here; did you mean 'audiences'?"),
        ({"algorithms": ["HS256"]}, "algorithms[0]: expected one of 'RS256'"),
        ({"algorithms": ["none"]}, "algorithms[0]: expected one of 'RS256'"),
        ({"algorithms": ["RS512"]}, "algorithms: cannot be changed for an Entra issuer"),
        ({"principal_claim": "email"}, "principal_claim: cannot be changed for an Entra issuer"),
        ({"app_when": {"a": "b"}}, "app_when: cannot be changed for an Entra issuer"),
        ({"scopes": []}, "scopes: expected at least one scope"),
        ({"group_map": {"g": "not a role"}}, "group_map.g: expected text like"),
        ({"max_lifetime_s": True}, "max_lifetime_s: expected seconds from 60"),
        ({"max_lifetime_s": 10**9}, "max_lifetime_s: expected seconds from 60"),
        ({"name": "Contoso GmbH"}, "name: expected a short name of lower-case letters"),
    ],
)
def test_wrong_field(changes: dict[str, Any], said: str) -> None:
    """A wrong field is named with its entry, what was expected and what came."""
    text = complaint([OIDC, {**V2, **changes}])
    label = "entry 2: " if "name" in changes else "entry 2 (contoso): "
    assert f"{label}{said}" in text


def test_all_errors_at_once() -> None:
    """Every wrong entry is told of, not only the first."""
    text = complaint([{**V2, "kind": "saml"}, {**OIDC, "jwks_uri": "x"}, {}])
    assert "entry 1 (contoso): kind" in text
    assert "entry 2 (fabrikam): jwks_uri" in text
    assert "entry 3: issuer: is missing" in text


def test_repeated_entries() -> None:
    """Two entries of one name or one issuer are refused: their order would decide who is believed."""
    assert "name: 'contoso' stands in 2 entries" in complaint([V2, {**OIDC, "name": "contoso"}])
    assert "stands in 2 entries" in complaint([V2, {**V2, "name": "again"}])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[", "not JSON"),
        ("{}", "expected a JSON list"),
        ("[]", "expected a JSON list of 1 to"),
        ("[1]", "entry 1: expected a mapping, got 1"),
        ("[null]", "entry 1: expected a mapping, got nothing"),
        ('[{"name":"a","name":"b"}]', "got one twice"),
        ("[" * 20_000, "not JSON"),
        (json.dumps([V2] * (MAX_ISSUERS + 1)), "expected a JSON list of 1 to"),
    ],
)
def test_wrong_text(text: str, said: str) -> None:
    """Text that is no list of issuers is refused in one sentence."""
    assert said in complaint(text)
