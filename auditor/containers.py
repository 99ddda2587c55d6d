"""Evidence in a storage container, read with the auditor's own rights (reading suffices)."""

from __future__ import annotations

from azure.identity import DefaultAzureCredential

from auditor.errors import AuditorError
from shared.cloud.blobs import open_store, open_store_as
from shared.errors import SettingsError
from shared.usecases.ports import Reader


def open_connection(connection_string: str, container: str) -> Reader:
    """A container of the account that a connection string names. Raises AuditorError."""
    try:
        return open_store(container, connection_string=connection_string)
    except SettingsError as error:
        raise AuditorError(error.message) from error


def open_url(url: str) -> Reader:
    """`https://<account>.blob…/<container>`, as who is signed in (az login, or a managed identity)."""
    account, _, container = url.rstrip("/").rpartition("/")
    if not account.startswith("https://") or not container or "?" in container:
        raise AuditorError("a container's URL is https://<account>.blob.core.windows.net/<container>")
    try:
        return open_store_as(container, account, DefaultAzureCredential())
    except SettingsError as error:
        raise AuditorError(error.message) from error
