"""Blob triggers by polling: each new or changed blob calls its function, with receipts of what was done.

As in Azure: existing blobs count as new at the first start, a failing blob is tried five times in all, then
given up (Azure writes a message to a poison queue; here a line to `poison.jsonl`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContainerClient

from devstack.host.bindings import BlobFunction
from devstack.host.invoker import Invoker

MAX_TRIES = 5
_PARAMETER = re.compile(r"\{(\w+)\}")

logger = logging.getLogger("devstack.host")


@dataclass(frozen=True, slots=True)
class NewBlob:
    """A blob that has no receipt yet. `captured` are the values of the path's `{names}`."""

    name: str
    etag: str
    captured: dict[str, str]
    properties: BlobProperties


class BlobWatch:
    """One blob function and the container that it watches."""

    def __init__(self, function: BlobFunction, invoker: Invoker, folder: Path) -> None:
        self._function, self._invoker = function, invoker
        self._receipts_file = folder / f"{function.name}.receipts.jsonl"
        self._poison_file = folder / "poison.jsonl"
        self._tries: Counter[tuple[str, str]] = Counter()
        container, _, pattern = function.path.partition("/")
        self._pattern = compile_pattern(pattern or "{name}")
        # the next poll is the retry: the SDK's own wait of many seconds would hold up the worker's end
        self._client = ContainerClient.from_connection_string(function.connection, container, retry_total=0)
        self._seen = set(self._read_receipts())

    async def run(self, every_s: float) -> None:
        """Poll until cancelled. Storage that is away is tried again."""
        while True:
            try:
                for blob in await asyncio.to_thread(self.find_new):
                    await self._process(blob)
            except AzureError as error:
                logger.warning("blob trigger %s: %s", self._function.name, type(error).__name__)
            await asyncio.sleep(every_s)

    def find_new(self) -> list[NewBlob]:
        """Blobs that match the path and have no receipt for their present content, oldest first."""
        try:
            listed = sorted(
                self._client.list_blobs(include=["metadata"]), key=lambda blob: blob.last_modified
            )
        except ResourceNotFoundError:  # the container comes later
            return []
        matches = ((blob, self._pattern.fullmatch(blob.name)) for blob in listed)
        return [
            NewBlob(blob.name, blob.etag, match.groupdict(), blob)
            for blob, match in matches
            if match and (blob.name, blob.etag) not in self._seen
        ]

    async def _process(self, blob: NewBlob) -> None:
        try:
            data = await asyncio.to_thread(self._read, blob)
        except ResourceNotFoundError:  # deleted meanwhile
            return
        result = await self._invoker.call_blob(self._function, data, self._metadata(blob))
        key = (blob.name, blob.etag)
        self._tries[key] += 1
        if result.failure is None:
            self._give_receipt(key)
        elif self._tries[key] >= MAX_TRIES:
            logger.error("blob trigger %s: gave up on a blob after %d tries", self._function.name, MAX_TRIES)
            self._append(
                self._poison_file, {"function": self._function.name, "blob": blob.name, "etag": blob.etag}
            )
            self._give_receipt(key)

    def _read(self, blob: NewBlob) -> bytes:
        return self._client.download_blob(blob.name).readall()

    def _metadata(self, blob: NewBlob) -> dict[str, Any]:
        properties = {
            "Length": blob.properties.size,
            "ContentLength": blob.properties.size,
            "ContentType": blob.properties.content_settings.content_type,
            "ETag": blob.etag,
            "LastModified": blob.properties.last_modified.isoformat(),
        }
        return {
            "BlobTrigger": f"{self._client.container_name}/{blob.name}",
            "Uri": json.dumps(f"{self._client.url}/{blob.name}")[1:-1],
            "Properties": properties,
            "Metadata": dict(blob.properties.metadata or {}),
            **blob.captured,
        }

    def _give_receipt(self, key: tuple[str, str]) -> None:
        self._append(self._receipts_file, list(key))
        self._seen.add(key)
        del self._tries[key]

    def _append(self, file: Path, value: Any) -> None:
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(value) + "\n")

    def _read_receipts(self) -> Iterator[tuple[str, str]]:
        if self._receipts_file.exists():
            for line in self._receipts_file.read_text(encoding="utf-8").splitlines():
                name, etag = json.loads(line)
                yield name, etag


def compile_pattern(path: str) -> re.Pattern[str]:
    """A blob name pattern: `{name}` takes as much as it can, slashes included."""
    pieces = _PARAMETER.split(path)
    pattern = "".join(
        f"(?P<{piece}>.+)" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)
    )
    return re.compile(pattern, re.DOTALL)
