"""Which application is reviewed: from the trusted issuers, or from a setting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from devstack.personas import API_CLIENT_ID, TENANT
from devstack.tokens import issuers_setting
from shared.cloud.graph.app import ReviewedApp, choose_app
from shared.cloud.graph.reader import NoDirectory
from shared.errors import DirectoryUnavailable, SettingsError
from shared.identity.issuers import Issuer, parse_issuers

OTHER = "99999999-aaaa-4bbb-8ccc-dddddddddddd"
GROUP = "12121212-3434-4565-8787-909090909090"
ENTRA = parse_issuers(issuers_setting("http://127.0.0.1:1"))


def changed(base: Issuer, /, **fields: Any) -> Issuer:
    """The same issuer with other fields."""
    return Issuer.model_validate({**base.model_dump(), **fields})


def okta() -> Issuer:
    """An issuer that is not Entra."""
    return Issuer(
        name="okta",
        kind="oidc",
        issuer="https://okta.example",
        tenant="okta",
        audiences=("presidio",),
        jwks_uri="https://okta.example/keys",
    )


def test_the_client_id_is_the_audience() -> None:
    """Both token versions of one tenant are one application."""
    app = choose_app(ENTRA, None)
    assert (app.app_id, app.tenant, app.other_issuers) == (API_CLIENT_ID, TENANT, ())
    assert app.roles_of("Pii.Analyst") == ("Pii.Analyst",)


def test_an_app_id_uri_with_a_guid_is_as_good() -> None:
    """`api://<client id>` of v1 tokens."""
    assert choose_app(ENTRA[1:], None).app_id == API_CLIENT_ID


def test_the_setting_goes_first() -> None:
    """In any case of letters."""
    assert choose_app(ENTRA, OTHER.upper()).app_id == OTHER


def test_an_audience_that_tells_nothing_needs_the_setting() -> None:
    """The message names it."""
    issuer = changed(ENTRA[0], audiences=("api://contoso.example/presidio",))
    with pytest.raises(SettingsError, match="REVIEW_APP_ID"):
        choose_app([issuer], None)
    assert choose_app([issuer], OTHER).app_id == OTHER


@pytest.mark.parametrize("value", ["", "presidio", "x')/owners", f"{OTHER}\n", OTHER.upper(), f"{OTHER}?"])
def test_ids_that_stand_in_paths_are_guids(value: str) -> None:
    """Whoever gives them: a setting, or somebody at a command line."""
    with pytest.raises(SettingsError, match="client id"):
        ReviewedApp(value, TENANT)
    with pytest.raises(SettingsError, match="tenant"):
        ReviewedApp(OTHER, value)


def test_without_entra_there_is_no_directory() -> None:
    """Other issuers have no Graph."""
    with pytest.raises(SettingsError, match="Entra"):
        choose_app([okta()], None)


def test_other_issuers_and_tenants_are_named() -> None:
    """Their roles are a gap of every reading."""
    tenant = "0e9f8d7c-6b5a-4c3d-9e2f-1a0b9c8d7e6f"
    second = changed(ENTRA[0], name="second", tenant=tenant, issuer=f"https://x.example/{tenant}/v2.0")
    assert choose_app([okta(), *ENTRA, second], None).other_issuers == ("okta", "second")


def test_role_and_group_maps_are_those_of_the_tenant() -> None:
    """What any entry of the tenant would make of a token."""
    first = changed(ENTRA[0], role_map={"reader": "Audit.Reader"}, group_map={GROUP: "Pii.Analyst"})
    second = changed(ENTRA[1], group_map={GROUP: "Pii.Redactor", "not-a-guid": "Pii.Analyst"})
    app = choose_app([first, second], None)
    assert app.roles_of("reader") == ("Audit.Reader", "reader")
    assert app.roles_of("Pii.Analyst") == ("Pii.Analyst",)
    assert app.roles_of(None) == app.roles_of("") == ()
    assert app.group_roles == {GROUP: ("Pii.Analyst", "Pii.Redactor")}


def test_no_directory_says_why() -> None:
    """The service starts all the same; each reading is refused."""
    with pytest.raises(DirectoryUnavailable, match="because"):
        NoDirectory("because").read(datetime.now(UTC))
