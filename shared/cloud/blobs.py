"""The ledger's store in Azure Blob Storage (and in Azurite): create-only objects and append blobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from azure.core import MatchConditions
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import ManagedIdentityCredential
from azure.storage.blob import ContainerClient, ContentSettings

from shared.cloud.blob_requests import BlobRequests, StorageTimeouts
from shared.cloud.storage_auth import Authorization, BearerToken, SharedKey
from shared.cloud.storage_errors import append_error, general_error, sdk_error
from shared.errors import SettingsError, StoreError
from shared.usecases.ports import StoredObject

READ_BYTES = 8 * 1024 * 1024
"""The most that one request reads."""

LIST_RESULTS = 5_000

# In a WORM container properties cannot be set later.
SEGMENT_CONTENT = ContentSettings(content_type="text/plain; charset=utf-8", cache_control="no-store")
OBJECT_CONTENT = ContentSettings(content_type="application/octet-stream", cache_control="no-store")


class BlobLedgerStore:
    """A `LedgerStore` in one container. Nothing in here repeats a request; thread-safe."""

    def __init__(self, container: ContainerClient, requests: BlobRequests) -> None:
        """`container` must not retry (`retry_total=0`)."""
        self._container = container
        self._requests = requests

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Objects whose path starts with the prefix, sorted by path (as the service lists them)."""
        blobs = self._container.list_blobs(name_starts_with=prefix, results_per_page=LIST_RESULTS)
        try:
            for blob in blobs:
                yield StoredObject(blob.name, blob.size)
        except AzureError as error:
            raise sdk_error(error, f"list {prefix}") from error

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes from `start`, at most `length`; requests of at most `READ_BYTES` each."""
        parts: list[bytes] = []
        while length is None or length > 0:
            asked = READ_BYTES if length is None else min(length, READ_BYTES)
            part = self._read_once(path, start, asked)
            parts.append(part)
            if len(part) < asked:
                break
            start += asked
            length = None if length is None else length - asked
        return b"".join(parts)

    def size(self, path: str) -> int:
        """Length in bytes."""
        try:
            return int(self._container.get_blob_client(path).get_blob_properties().size)
        except AzureError as error:
            raise sdk_error(error, f"size of {path}") from error

    def create(self, path: str, data: bytes) -> None:
        """Create a block blob with these bytes, on condition that nothing is there."""
        try:
            self._container.upload_blob(path, data, overwrite=False, content_settings=OBJECT_CONTENT)
        except AzureError as error:
            raise sdk_error(error, f"create {path}", creates=True) from error

    def create_appendable(self, path: str) -> None:
        """Create an empty append blob, on condition that nothing is there."""
        try:
            self._container.get_blob_client(path).create_append_blob(
                content_settings=SEGMENT_CONTENT, match_condition=MatchConditions.IfMissing
            )
        except AzureError as error:
            raise sdk_error(error, f"create {path}", creates=True) from error

    def append(self, path: str, data: bytes, at: int) -> None:
        """Append one block on condition that the blob has the length `at`."""
        answer = self._requests.append(path, data, at)
        if answer.status != 201:
            raise append_error(answer.status, answer.code, f"append to {path}")

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()
        self._container.close()

    def _read_once(self, path: str, start: int, length: int) -> bytes:
        answer = self._requests.read(path, start, length)
        if answer.status == 416:
            return b""
        if answer.status not in (200, 206):
            raise self._read_error(path, answer.status, answer.code)
        return answer.body

    def _read_error(self, path: str, status: int, code: str) -> StoreError:
        return general_error(status, code, f"read {path}")


class ExpiringBlobStore(BlobLedgerStore):
    """The same, for the one identity that may delete what has expired: an `ExpiringStore`."""

    @classmethod
    def over(cls, store: BlobLedgerStore) -> ExpiringBlobStore:
        """The container of a store, with deletion."""
        return cls(store._container, store._requests)

    def delete(self, path: str) -> None:
        """Delete an object. Raises ObjectMissing, StoreError (storage refuses while retention lasts)."""
        try:
            self._container.delete_blob(path)
        except AzureError as error:
            raise sdk_error(error, f"delete {path}") from error


def open_store(
    container: str,
    *,
    connection_string: str | None = None,
    account_url: str | None = None,
    identity_client_id: str | None = None,
    timeouts: StorageTimeouts | None = None,
    ca_file: str | None = None,
) -> BlobLedgerStore:
    """The store of a container, by connection string (development) or as a managed identity (Azure).

    Touches no network. `identity_client_id` chooses a user-assigned identity. Raises SettingsError.
    """
    if connection_string is not None:
        return _open_by_key(container, connection_string, timeouts or StorageTimeouts(), ca_file)
    if account_url is None:
        raise SettingsError(
            "AUDIT_STORAGE_ACCOUNT_URL", "expected the storage account's blob endpoint, got none"
        )
    credential = ManagedIdentityCredential(client_id=identity_client_id)
    return open_store_as(container, account_url, credential, timeouts, ca_file)


def open_store_as(
    container: str,
    account_url: str,
    credential: TokenCredential,
    timeouts: StorageTimeouts | None = None,
    ca_file: str | None = None,
) -> BlobLedgerStore:
    """The store of a container, as the principal of a token credential. Raises SettingsError."""
    if not account_url.startswith("https://"):
        raise SettingsError("AUDIT_STORAGE_ACCOUNT_URL", "expected a URL that begins with https://")
    timeouts = timeouts or StorageTimeouts()
    client = ContainerClient(account_url, container, credential, **_options(timeouts, ca_file))
    return _join(client, BearerToken(credential), timeouts, ca_file)


def _open_by_key(
    container: str, connection_string: str, timeouts: StorageTimeouts, ca_file: str | None
) -> BlobLedgerStore:
    setting = "AUDIT_STORAGE_CONNECTION_STRING"
    pairs = [pair.partition("=") for pair in connection_string.split(";") if pair]
    values = {name.lower(): value for name, _, value in pairs}
    try:
        client = ContainerClient.from_connection_string(
            connection_string, container, **_options(timeouts, ca_file)
        )
        key = SharedKey(values["accountname"], values["accountkey"])
    except (KeyError, ValueError) as error:
        # The error itself may quote the key.
        raise SettingsError(setting, "expected AccountName, AccountKey and a blob endpoint") from error
    return _join(client, key, timeouts, ca_file)


def _join(
    client: ContainerClient, authorization: Authorization, timeouts: StorageTimeouts, ca_file: str | None
) -> BlobLedgerStore:
    return BlobLedgerStore(client, BlobRequests(client.url, authorization, timeouts, ca_file))


def _options(timeouts: StorageTimeouts, ca_file: str | None) -> dict[str, Any]:
    """No retries (the SDK backs off for 18 to 42 seconds), short time-outs, nothing logged."""
    return {
        "retry_total": 0,
        "connection_timeout": timeouts.connect_s,
        "read_timeout": timeouts.read_s,
        "connection_verify": ca_file or True,
        "logging_enable": False,
    }
