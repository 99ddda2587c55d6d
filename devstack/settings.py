"""What a person may choose about the local cloud, and the environment that its workers get."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.azurite import connection_string
from devstack.commits import commit_settings
from devstack.keys import CloudKeys
from devstack.layout import ROOT
from shared.errors import SettingsError
from shared.settings import load_settings

LEDGER_NAME = "audit.localhost/presidio"
AUDIT_CONTAINER = "audit"
ARCHIVE_CONTAINER = "archive"
DEFAULT_WORKERS = 2
MAX_WORKERS = 32


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """`service_blob_port` is where the service finds storage: Azurite's port, or one in front of it."""

    workers: int
    ledger_name: str
    audit_container: str
    archive_container: str
    service_blob_port: int | None


def read_cloud_settings(environment: Mapping[str, str]) -> CloudSettings:
    """WORKERS, LEDGER_NAME, AUDIT_CONTAINER, ARCHIVE_CONTAINER, SERVICE_BLOB_PORT.

    Raises SettingsError, also for a variable of the service that the service would refuse later.
    """
    service_port = _number("SERVICE_BLOB_PORT", environment, 0, 65_535)
    chosen = CloudSettings(
        workers=_number("WORKERS", environment, DEFAULT_WORKERS, MAX_WORKERS),
        ledger_name=environment.get("LEDGER_NAME") or LEDGER_NAME,
        audit_container=environment.get("AUDIT_CONTAINER") or AUDIT_CONTAINER,
        archive_container=environment.get("ARCHIVE_CONTAINER") or ARCHIVE_CONTAINER,
        service_blob_port=service_port or None,
    )
    not_yet_made = CloudKeys(Path(__file__), vkey="", digest_key=base64.b64encode(bytes(32)).decode())
    load_settings(worker_environment(environment, chosen, not_yet_made, blob_port=1, issuers="[]"))
    return chosen


def worker_environment(
    environment: Mapping[str, str], settings: CloudSettings, keys: CloudKeys, blob_port: int, issuers: str
) -> dict[str, str]:
    """A worker's environment: the caller's own variables, and over them what makes this cloud one.

    `issuers` is the value of TRUSTED_ISSUERS. Presidio's variables and the service's limits pass through.
    """
    storage = connection_string(settings.service_blob_port or blob_port)
    inherited = {name: value for name, value in environment.items() if name not in _NOT_INHERITED}
    return {
        **inherited,
        "AUDIT_STORAGE_CONNECTION_STRING": storage,
        "AUDIT_CONTAINER": settings.audit_container,
        "ARCHIVE_CONTAINER": settings.archive_container,
        "LEDGER_NAME": settings.ledger_name,
        "LEDGER_KEY_FILE": str(keys.ledger_key_file),
        "DIGEST_KEY": keys.digest_key,
        "TRUSTED_ISSUERS": issuers,
        **_commit(environment),
        "AzureWebJobsStorage": connection_string(blob_port),
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "FUNCTIONS_WORKER_PROCESS_COUNT": str(settings.workers),
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
    }


_NOT_INHERITED = {"AUDIT_STORAGE_ACCOUNT_URL", "AUDIT_IDENTITY_CLIENT_ID", "LEDGER_KEY_ID"}


def _commit(environment: Mapping[str, str]) -> dict[str, str]:
    """What the caller says of the commit or, where it says nothing, what Git knows."""
    return {} if environment.get("SERVICE_COMMIT") else commit_settings(ROOT)


def _number(variable: str, environment: Mapping[str, str], default: int, highest: int) -> int:
    text = environment.get(variable, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= highest:
        raise SettingsError(variable, f"expected a whole number between 1 and {highest}")
    return int(text)
