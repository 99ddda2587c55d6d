"""From a good token to a caller, and what no token can do."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.personas import CLIENT_APP_ID, PERSONAS, TENANT
from devstack.tokens import Version
from shared.errors import AuthenticationError
from shared.identity.issuers import Issuer
from shared.identity.tokens import LEEWAY_S, PublicKey, read_header, verify_token
from tests.support.forging import Forger, join_bearer, split_bearer
from tests.support.identities import (
    BASE_URL,
    NOW,
    NOW_S,
    Gate,
    local_gate,
    local_issuers,
    signing_key,
)

FORGER = Forger(signing_key(), signing_key("foreign"), BASE_URL, NOW_S)


@pytest.mark.parametrize("version", [1, 2])
def test_person(version: Version) -> None:
    """A person's token is a caller with its tenant, object id, client, roles and token id, and no name."""
    claims = FORGER.claims("engineer", version)
    caller = local_gate().admit(FORGER.bearer("engineer", version, uti=claims["uti"]))
    assert caller.kind == "person"
    assert caller.issuer == f"local-v{version}"
    assert (caller.tenant, caller.principal) == (TENANT, PERSONAS["engineer"].oid)
    assert caller.app == CLIENT_APP_ID
    assert caller.roles == ("Pii.Analyst", "Pii.Redactor")
    assert caller.token_id == claims["uti"]
    assert caller.expires_at == NOW_S + 3600
    assert "Enno" not in repr(caller)
    assert "example" not in repr(caller)


@pytest.mark.parametrize("version", [1, 2])
def test_app(version: Version) -> None:
    """An app's token is a caller of its own kind, known by its service principal."""
    caller = local_gate().admit(FORGER.bearer("pipeline", version))
    assert (caller.kind, caller.principal) == ("app", PERSONAS["pipeline"].oid)
    assert caller.app == PERSONAS["pipeline"].app_id


def test_app_without_idtyp() -> None:
    """Where the optional claim is not configured, an app is known by its subject and its client's proof."""
    assert local_gate().admit(FORGER.bearer("pipeline", idtyp=None)).kind == "app"
    assert local_gate().admit(FORGER.bearer("pipeline", 1, idtyp=None)).kind == "app"


def test_person_cannot_become_app() -> None:
    """Nothing that a person's token has beside a scope makes it an app's."""
    assert local_gate().admit(FORGER.bearer(sub=PERSONAS["analyst"].oid, azpacr="1")).kind == "person"


def test_nobody() -> None:
    """A valid token without roles is a caller without roles."""
    assert local_gate().admit(FORGER.bearer("nobody")).roles == ()


def test_scheme_in_any_case() -> None:
    """The scheme is compared without case (RFC 9110 section 11.1)."""
    assert local_gate().reason(FORGER.bearer().replace("Bearer", "bEARER")) == "admitted"


def test_roles_are_names() -> None:
    """Values that cannot be a role's name grant nothing and are not kept; a role given twice counts once."""
    roles = ["Pii.Analyst", "Pii.Analyst", "ana.lystad@contoso.example", "", "two words", "é"]
    assert local_gate().admit(FORGER.bearer(roles=roles)).roles == ("Pii.Analyst",)


@pytest.mark.parametrize(
    ("offset_s", "reason"),
    [
        (3600 + LEEWAY_S - 1, "admitted"),
        (3600 + LEEWAY_S, "expired"),
        (-300 - LEEWAY_S, "admitted"),
        (-301 - LEEWAY_S, "not_yet_valid"),
    ],
)
def test_leeway(offset_s: int, reason: str) -> None:
    """Clocks may differ by a minute, either way, and by no second more."""
    gate = Gate(local_gate().issuers, local_gate().keys, NOW + timedelta(seconds=offset_s))
    assert gate.reason(FORGER.bearer()) == reason


def _with_groups() -> tuple[Issuer, ...]:
    grants = {"aaaaaaaa-0000-4000-8000-000000000001": "Pii.Analyst"}
    return tuple(issuer.model_copy(update={"group_map": grants}) for issuer in local_issuers())


def test_mapped_groups() -> None:
    """A group that the configuration maps is a role; other groups are nothing, nor are unmapped ones."""
    groups = [
        "aaaaaaaa-0000-4000-8000-000000000001",
        "aaaaaaaa-0000-4000-8000-000000000002",
        "Pii.BreakGlass",
    ]
    token = FORGER.bearer("nobody", groups=groups)
    assert Gate(_with_groups(), local_gate().keys).admit(token).roles == ("Pii.Analyst",)
    assert local_gate().admit(token).roles == ()


@pytest.mark.parametrize("names", [{"groups": "src1"}, {}, None, "x"])
def test_group_overage(names: Any) -> None:
    """A token whose groups are listed elsewhere gets nothing from groups, and nothing is fetched."""
    groups = ["aaaaaaaa-0000-4000-8000-000000000001"]
    claims = FORGER.claims("redactor", groups=groups) | {
        "_claim_names": names,
        "_claim_sources": {"src1": {"endpoint": "https://attacker.example"}},
    }
    caller = Gate(_with_groups(), local_gate().keys).admit(FORGER.raw(payload=json.dumps(claims).encode()))
    assert caller.roles == ("Pii.Redactor",)


def test_verify_takes_nothing_for_granted() -> None:
    """A token that read_header would not have passed is refused by verify_token, too."""
    issuer, key = local_issuers()[0], signing_key().private.public_key()
    for bearer, reason in [
        (FORGER.bearer("outsider"), "unknown_issuer"),
        (FORGER.bearer(version=1), "unknown_issuer"),
        (FORGER.other_algorithm("RS512"), "wrong_algorithm"),
        (FORGER.with_header(jku="https://a"), "embedded_key"),
        (FORGER.unsigned(alg="none"), "wrong_algorithm"),
    ]:
        with pytest.raises(AuthenticationError) as caught:
            verify_token(bearer.removeprefix("Bearer "), key, issuer, NOW)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        rsa.generate_private_key(public_exponent=65_537, key_size=1024).public_key(),  # noqa: S505 - meant
    ],
    ids=["elliptic", "1024 bits"],
)
def test_unfit_key(key: PublicKey) -> None:
    """A key of another kind or too short for the algorithm verifies nothing."""
    with pytest.raises(AuthenticationError) as caught:
        verify_token(FORGER.token(), key, local_issuers()[0], NOW)
    assert caught.value.reason == "wrong_key"


def test_header_names_the_key() -> None:
    """What read_header returns is the configured issuer itself and the id as it came."""
    found = read_header(FORGER.token(version=1), local_issuers())
    assert found.issuer is local_issuers()[1]
    assert found.kid == signing_key().kid


def test_errors_quote_nothing() -> None:
    """No message of a refusal repeats a value of the token."""
    canary = "canary-5f1e"
    for token in [
        FORGER.with_header(kid=f"../{canary}"),
        FORGER.bearer(iss=canary),
        FORGER.bearer(aud=canary),
        FORGER.bearer(oid=canary),
        FORGER.bearer(scp=canary),
        FORGER.bearer(roles=canary),
        FORGER.bearer(exp=canary),
        FORGER.bearer(tid=canary),
        f"Bearer {canary}",
    ]:
        with pytest.raises(AuthenticationError) as caught:
            local_gate().admit(token)
        assert canary not in str(caught.value)
        assert canary not in caught.value.reason


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_change_is_refused(data: st.DataObject) -> None:
    """A token with any one character changed, left out or added is refused."""
    bearer = FORGER.bearer()
    place = data.draw(st.integers(len("Bearer "), len(bearer) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHabcdefgh0123456789-_.="))
    changed = data.draw(
        st.sampled_from(
            [
                bearer[:place] + letter + bearer[place + 1 :],
                bearer[:place] + bearer[place + 1 :],
                bearer[:place] + letter + bearer[place:],
            ]
        )
    )
    if changed != bearer:
        assert local_gate().reason(changed) != "admitted"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
CLAIM_NAMES = [*FORGER.claims(), "idtyp", "cnf", "groups", "_claim_names", "nonce"]


@settings(max_examples=300, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(CLAIM_NAMES), JSON, min_size=1, max_size=4))
def test_any_claims_end_in_one_of_two_ways(changes: dict[str, Any]) -> None:
    """Whatever JSON the issuer signs: a caller or an AuthenticationError, never another exception."""
    payload = json.dumps(FORGER.claims() | changes).encode()
    reason = local_gate().reason(FORGER.raw(payload=payload))
    assert reason.replace("_", "").isalpha()


@settings(max_examples=200, deadline=None)
@given(header=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_header_ends_in_one_way(header: bytes) -> None:
    """Whatever stands in a header, it is refused with a reason."""
    assert local_gate().reason(FORGER.raw(header=header)) != "admitted"


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_ends_in_one_way(text: str) -> None:
    """Whatever stands in the Authorization header, it is refused with a reason."""
    assert local_gate().reason(text) != "admitted"
    assert local_gate().reason(f"Bearer {text}") != "admitted"
    assert local_gate().reason(join_bearer(*split_bearer(FORGER.bearer())[:2], text)) != "admitted"
