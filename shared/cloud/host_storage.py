"""Small notes in the Functions host's own storage, which is mutable: nothing in it is evidence.

What is kept here makes runs shorter (how far the last verification came, summaries of finished days). Who
changes it can only make more be read again.
"""

from __future__ import annotations

from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ManagedIdentityCredential
from azure.storage.blob import ContainerClient

from shared.errors import SettingsError, StoreUnavailable

CONTAINER = "presidio-access-audit"
VERIFIED = "verified.note"

_OPTIONS: dict[str, Any] = {
    "retry_total": 2,
    "connection_timeout": 3,
    "read_timeout": 10,
    "logging_enable": False,
}


def open_host_storage(
    connection_string: str | None, blob_url: str | None, identity_client_id: str | None
) -> HostShelf:
    """The shelf in the host's storage, by connection string or managed identity. Touches no network."""
    if connection_string is not None:
        client = ContainerClient.from_connection_string(connection_string, CONTAINER, **_OPTIONS)
    elif blob_url is not None:
        credential = ManagedIdentityCredential(client_id=identity_client_id)
        client = ContainerClient(blob_url, CONTAINER, credential, **_OPTIONS)
    else:
        raise SettingsError("AzureWebJobsStorage", "is not set; the Functions host needs it too")
    return HostShelf(client)


class HostShelf:
    """Texts by name. Thread-safe."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    def get(self, name: str) -> str | None:
        """The text, None where there is none. Raises StoreUnavailable."""
        try:
            return self._container.download_blob(name, encoding="utf-8").readall()
        except ResourceNotFoundError:
            return None
        except AzureError as error:
            raise StoreUnavailable(f"the host's storage: {type(error).__name__}") from error

    def put(self, name: str, text: str) -> None:
        """Keep the text under the name, in place of an earlier one. Raises StoreUnavailable."""
        try:
            try:
                self._container.upload_blob(name, text.encode(), overwrite=True)
            except ResourceNotFoundError:
                self._create_container()
                self._container.upload_blob(name, text.encode(), overwrite=True)
        except AzureError as error:
            raise StoreUnavailable(f"the host's storage: {type(error).__name__}") from error

    def _create_container(self) -> None:
        try:
            self._container.create_container()
        except ResourceExistsError:
            return  # another process was quicker


class ShelfNotebook:
    """A `Notebook` on a shelf: the newest root checkpoint that was verified without findings."""

    def __init__(self, shelf: HostShelf) -> None:
        self._shelf = shelf

    def load(self) -> bytes | None:
        """What was saved last."""
        text = self._shelf.get(VERIFIED)
        return None if text is None else text.encode()

    def save(self, data: bytes) -> None:
        """Replace it."""
        self._shelf.put(VERIFIED, data.decode())
