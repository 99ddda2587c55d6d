"""The environment is read once, and whatever is wrong with it is named."""

from __future__ import annotations

import base64
import tomllib
from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.settings import ROOT, Settings, load_settings
from shared.version import VERSION

GOOD = {
    "AUDIT_STORAGE_ACCOUNT_URL": "https://audit.blob.core.windows.net",
    "LEDGER_NAME": "audit.example.com/presidio",
    "LEDGER_KEY_ID": "https://vault.example.com/keys/ledger",
    "DIGEST_KEY": base64.b64encode(b"k" * 32).decode(),
    "TRUSTED_ISSUERS": "[]",
}


def refuse(**changes: str) -> SettingsError:
    """Load with changes (an empty value unsets), and return the refusal."""
    with pytest.raises(SettingsError) as caught:
        load_settings({**GOOD, **changes})
    return caught.value


def test_good_settings_are_read_with_secure_defaults() -> None:
    """What is left out has its documented default."""
    settings = load_settings(GOOD)
    assert settings.audit_container == "audit"
    assert settings.commit_deadline_ms == 5_000
    assert settings.policy_file == ROOT / "config/policy.yaml"


@pytest.mark.parametrize("name", ["LEDGER_NAME", "DIGEST_KEY", "TRUSTED_ISSUERS"])
def test_a_missing_setting_is_named(name: str) -> None:
    """An empty variable counts as absent."""
    error = refuse(**{name: ""})
    assert error.setting == name
    assert "is not set" in error.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DIGEST_KEY", "not base64!"),
        ("DIGEST_KEY", base64.b64encode(b"short").decode()),
        ("LEDGER_NAME", "has space"),
        ("LEDGER_NAME", "plus+sign"),
        ("AUDIT_CONTAINER", "UPPER"),
        ("COMMIT_DEADLINE_MS", "soon"),
        ("COMMIT_DEADLINE_MS", "0"),
        ("ENGINE_THREADS", "1000"),
        ("POLICY_FILE", "config/none.yaml"),
        ("NLP_CONF_FILE", "config/none.yaml"),
        ("TRUSTED_PROXY_HOPS", "-1"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    """One sentence that begins with the variable's name."""
    assert str(refuse(**{name: value})).startswith(f"{name}: ")


def test_storage_and_a_key_must_be_chosen() -> None:
    """One storage, and at least one key: a refusal gives both names."""
    assert refuse(LEDGER_KEY_ID="").setting == "LEDGER_KEY_ID or LEDGER_KEY_FILE"
    both = load_settings({**GOOD, "LEDGER_KEY_FILE": "README.md"})
    assert both.ledger_key_id is not None
    assert both.ledger_key_file is not None
    assert "AUDIT_STORAGE_CONNECTION_STRING" in refuse(AUDIT_STORAGE_ACCOUNT_URL="").setting


def test_secrets_do_not_show() -> None:
    """Neither a refusal nor the settings' repr holds a value."""
    error = refuse(DIGEST_KEY="canary-secret-value")
    assert "canary" not in str(error)
    shown = repr(
        load_settings(
            {**GOOD, "AUDIT_STORAGE_ACCOUNT_URL": "", "AUDIT_STORAGE_CONNECTION_STRING": "AccountKey=canary"}
        )
    )
    assert "canary" not in shown
    assert "kkkk" not in shown


def test_settings_cannot_be_changed() -> None:
    """They are read once."""
    settings = load_settings(GOOD)
    with pytest.raises(ValueError, match="frozen"):
        settings.audit_container = "other"  # type: ignore[misc]


def test_the_version_is_the_package_s() -> None:
    """pyproject.toml and the code say the same."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    assert Path(ROOT / "function_app.py").is_file()
    assert Settings.model_config["frozen"]
