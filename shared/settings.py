"""The environment, read once into frozen Settings, or a refusal to start that names the setting.

Every variable that the deployed code reads stands here (Presidio's own three included); a test holds
this list and the infrastructure's app settings together.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretBytes, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent
"""The folder of `function_app.py`: relative file settings are read from here, wherever the worker runs."""

MIN_DIGEST_KEY_BYTES = 32

PLATFORM_NAMES = {
    "host_storage_connection_string": "AzureWebJobsStorage",
    "host_storage_blob_url": "AzureWebJobsStorage__blobServiceUri",
}
"""Variables that the Functions host defines, and that are spelled as it spells them."""


class Settings(BaseSettings):
    """What operators decide. Field names in capitals are the names of the environment variables."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=False, populate_by_name=True
    )

    # --- the ledger's storage and keys
    audit_storage_connection_string: SecretStr | None = None
    audit_storage_account_url: str | None = None
    audit_identity_client_id: str | None = None
    audit_container: Annotated[str, Field(pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")] = "audit"
    archive_container: Annotated[str, Field(pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")] = "archive"
    ledger_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._-]+)*$")]
    ledger_key_file: Path | None = None
    ledger_key_id: str | None = None
    digest_key: SecretBytes

    # --- the Functions host's own storage, where a note of the last verification is kept between runs
    host_storage_connection_string: SecretStr | None = None
    host_storage_blob_url: str | None = None

    # --- retention: how long a log stays in each container after its newest record
    audit_keep_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    archive_keep_days: Annotated[int, Field(ge=1, le=36_500)] = 2_557

    # --- who may call, and what for
    trusted_issuers: str
    policy_file: Path = Path("config/policy.yaml")
    trusted_proxy_hops: Annotated[int, Field(ge=1, le=5)] = 1

    # --- the access review: who holds which role, as Microsoft Graph says it
    graph_url: Annotated[
        str,
        Field(pattern=r"^(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:\d{1,5})?/?$"),
    ] = "https://graph.microsoft.com"
    review_app_id: Annotated[
        str | None, Field(pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")
    ] = None
    reviews: Literal["on", "off"] = "on"
    review_days: Annotated[int, Field(ge=7, le=3_650)] = 90
    review_decide_days: Annotated[int, Field(ge=1, le=90)] = 14
    review_names: Literal["on", "off"] = "off"

    # --- Presidio
    analyzer_conf_file: Path = Path("config/analyzer.yaml")
    nlp_conf_file: Path = Path("config/nlp.yaml")
    recognizer_registry_conf_file: Path = Path("config/recognizers.yaml")
    ahds_endpoint: str | None = None

    # --- limits
    commit_deadline_ms: Annotated[int, Field(ge=100, le=60_000)] = 5_000
    commit_delay_ms: Annotated[int, Field(ge=0, le=1_000)] = 5
    commit_siblings: Annotated[int, Field(ge=1, le=1_000)] = 3
    analysis_timeout_ms: Annotated[int, Field(ge=100, le=120_000)] = 20_000
    engine_threads: Annotated[int, Field(ge=1, le=64)] = 4
    engine_queue: Annotated[int, Field(ge=1, le=10_000)] = 256
    max_body_bytes: Annotated[int, Field(ge=1_024, le=100 * 1024 * 1024)] = 8 * 1024 * 1024

    # --- telemetry; without it no alert can fire, and the service says so once
    applicationinsights_connection_string: SecretStr | None = None

    # --- what is running
    service_commit: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,64}$")] = "unknown"
    service_commit_author: SecretStr | None = None
    service_commit_signed: Literal["good", "bad", "unsigned", "unknown"] = "unknown"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` passes in: no .env file and no secret folder changes the service."""
        return (init_settings,)

    @field_validator("digest_key", mode="before")
    @classmethod
    def _decode_key(cls, value: object) -> bytes:
        if not isinstance(value, str):
            raise ValueError("expected base64 text")
        try:
            key = base64.b64decode(value, validate=True)
        except binascii.Error:
            raise ValueError("expected base64 text, got something that does not decode") from None
        if len(key) < MIN_DIGEST_KEY_BYTES:
            raise ValueError(f"expected at least {MIN_DIGEST_KEY_BYTES} bytes, got {len(key)}")
        return key

    @field_validator(
        "policy_file",
        "ledger_key_file",
        "analyzer_conf_file",
        "nlp_conf_file",
        "recognizer_registry_conf_file",
    )
    @classmethod
    def _find_file(cls, path: Path | None) -> Path | None:
        if path is None:
            return None
        found = path if path.is_absolute() else ROOT / path
        if not found.is_file():
            raise ValueError(f"no such file: {found}")
        return found

    @model_validator(mode="after")
    def _choose_one(self) -> Settings:
        _exactly_one(
            "AUDIT_STORAGE_ACCOUNT_URL or AUDIT_STORAGE_CONNECTION_STRING",
            self.audit_storage_account_url,
            self.audit_storage_connection_string,
        )
        if self.ledger_key_id is None and self.ledger_key_file is None:
            raise ValueError("LEDGER_KEY_ID or LEDGER_KEY_FILE: expected at least one of the two, got none")
        return self


def _exactly_one(names: str, first: object, second: object) -> None:
    if (first is None) == (second is None):
        raise ValueError(
            f"{names}: expected exactly one of the two, got {'none' if first is None else 'both'}"
        )


def variables() -> dict[str, str]:
    """The environment variable of each field."""
    return {name: PLATFORM_NAMES.get(name, name.upper()) for name in Settings.model_fields}


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables; empty ones count as absent.

    Raises SettingsError that names the variable, what was expected and what came (never its value).
    """
    known: dict[str, Any] = {
        name: environment[variable] for name, variable in variables().items() if environment.get(variable)
    }
    try:
        return Settings(**known)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            names, _, message = message.partition(": ")
            raise SettingsError(names, message) from None
        name = variables()[str(first["loc"][0])]
        if first["type"] == "missing":
            message = "is not set"
        raise SettingsError(name, message) from None
