"""How requests to Azure Storage are authorized: by a managed identity, or by an account key on a laptop."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from email.utils import formatdate
from hmac import digest
from typing import Protocol

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError

from shared.errors import StoreDenied

STORAGE_SCOPE = "https://storage.azure.com/.default"

REFRESH_BEFORE_S = 300
"""A token is renewed this long before it expires."""


class Authorization(Protocol):
    """Makes the headers that authorize one request."""

    def headers(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], length: int
    ) -> dict[str, str]:
        """`path` is the URL's, encoded; `headers` are those that will be sent. Raises StoreDenied."""
        ...

    def forget(self) -> None:
        """Storage refused the last request: use no remembered credential again."""
        ...


class BearerToken:
    """Microsoft Entra tokens, remembered until shortly before they expire. Thread-safe."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._token: AccessToken | None = None
        self._lock = threading.Lock()

    def headers(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], length: int
    ) -> dict[str, str]:
        """`Authorization: Bearer …`."""
        return {"Authorization": f"Bearer {self._fresh_token()}"}

    def forget(self) -> None:
        """Ask for a new token next time."""
        with self._lock:
            self._token = None

    def _fresh_token(self) -> str:
        with self._lock:
            if self._token is None or self._token.expires_on - time.time() < REFRESH_BEFORE_S:
                try:
                    self._token = self._credential.get_token(STORAGE_SCOPE)
                except AzureError as error:
                    raise StoreDenied(f"no token for storage: {type(error).__name__}") from error
            return self._token.token


class SharedKey:
    """The account key's signature over each request, as Azurite and development accounts want it.

    https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key (2009-09-19 and later)
    """

    def __init__(self, account: str, key: str) -> None:
        """`key` is base64. Raises ValueError."""
        self._account = account
        self._key = base64.b64decode(key, validate=True)

    def headers(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], length: int
    ) -> dict[str, str]:
        """`x-ms-date` and `Authorization: SharedKey …`."""
        dated = {**headers, "x-ms-date": formatdate(usegmt=True)}
        # verb, encoding, language, length, MD5, type, date, four conditions and the range: only the first and
        # the length are ever set here, because conditions and ranges are sent as x-ms- headers
        lines = [method, "", "", str(length or ""), *[""] * 8]
        lines += [f"{name}:{dated[name]}" for name in sorted(dated) if name.startswith("x-ms-")]
        lines.append(f"/{self._account}{path}")
        lines += [f"{name}:{query[name]}" for name in sorted(query)]
        signature = base64.b64encode(digest(self._key, "\n".join(lines).encode(), "sha256")).decode()
        return {"x-ms-date": dated["x-ms-date"], "Authorization": f"SharedKey {self._account}:{signature}"}

    def forget(self) -> None:
        """A key does not expire."""
