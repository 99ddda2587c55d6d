"""From settings to the directory of an access review."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devstack.tokens import issuers_setting
from shared.cloud.graph.reader import GraphDirectory
from shared.errors import DirectoryUnavailable, SettingsError
from shared.settings import Settings, load_settings
from shared.wiring.parts import open_directory

GOOD = {
    "AUDIT_STORAGE_ACCOUNT_URL": "https://audit.blob.core.windows.net",
    "AUDIT_IDENTITY_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
    "LEDGER_NAME": "audit.example.com/presidio",
    "LEDGER_KEY_FILE": str(Path(__file__)),
    "DIGEST_KEY": base64.b64encode(b"k" * 32).decode(),
    "TRUSTED_ISSUERS": issuers_setting("http://127.0.0.1:1"),
}
OKTA = {
    "name": "okta",
    "kind": "oidc",
    "issuer": "https://okta.example",
    "tenant": "okta",
    "audiences": ["presidio"],
    "jwks_uri": "https://okta.example/keys",
}


def settings_of(**changes: str) -> Settings:
    """Good settings with changes."""
    return load_settings({**GOOD, **changes})


def test_microsoft_s_own_address_is_the_default() -> None:
    """Nothing is asked when it is opened."""
    assert settings_of().graph_url == "https://graph.microsoft.com"
    assert isinstance(open_directory(settings_of()), GraphDirectory)


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn/",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
    ],
)
def test_other_clouds_and_this_machine_can_be_set(url: str) -> None:
    """The settings and the adapter agree on what an address is."""
    assert isinstance(open_directory(settings_of(GRAPH_URL=url)), GraphDirectory)


@pytest.mark.parametrize(
    "url",
    [
        "http://graph.microsoft.com",
        "https://user:secret@graph.microsoft.com",
        "https://graph.microsoft.com/v1.0",
        "https://graph.microsoft.com?secret=1",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@evil.example",
        "graph.microsoft.com",
        "https://graph.microsoft.com\nhttp://evil.example",
    ],
)
def test_an_address_that_could_lose_the_token_is_refused_at_start(url: str) -> None:
    """The message names the setting and not its value."""
    with pytest.raises(SettingsError, match="GRAPH_URL") as raised:
        settings_of(GRAPH_URL=url)
    assert "secret" not in str(raised.value) and "evil" not in str(raised.value)


@pytest.mark.parametrize("value", ["presidio", "api://11111111-2222-4333-8444-555555555555", "1111"])
def test_a_client_id_is_a_guid(value: str) -> None:
    """Refused at start."""
    with pytest.raises(SettingsError, match="REVIEW_APP_ID"):
        settings_of(REVIEW_APP_ID=value)


def test_without_entra_the_service_starts_and_each_reading_says_why() -> None:
    """Okta's roles are not in any directory that could be read."""
    directory = open_directory(settings_of(TRUSTED_ISSUERS=json.dumps([OKTA])))
    with pytest.raises(DirectoryUnavailable, match="Entra"):
        directory.read(datetime.now(UTC))


def test_without_an_identity_a_reading_says_what_is_missing() -> None:
    """Not at start: the doors' app reads no directory."""
    directory = open_directory(settings_of(AUDIT_IDENTITY_CLIENT_ID=""))
    with pytest.raises(DirectoryUnavailable, match="AUDIT_IDENTITY_CLIENT_ID"):
        directory.read(datetime.now(UTC))
