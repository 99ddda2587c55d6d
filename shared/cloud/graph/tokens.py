"""Tokens for Microsoft Graph, from azure-identity."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError

from shared.errors import DirectoryUnavailable


class GraphTokens(Protocol):
    """Bearer tokens for one directory. Thread-safe."""

    def current(self) -> str:
        """A token that should be good. Raises DirectoryUnavailable."""
        ...

    def renew(self, refused: str) -> str:
        """A token in place of one that the directory refused. Raises DirectoryUnavailable."""
        ...


class IdentityTokens:
    """Tokens of a credential. azure-identity remembers a token until shortly before it expires.

    `open_credential` makes a credential without a memory: what is remembered may be what was refused (a
    permission that came later, a clock that was wrong).
    """

    def __init__(self, open_credential: Callable[[], TokenCredential], scope: str) -> None:
        self._open = open_credential
        self._scope = scope
        self._credential = open_credential()
        self._lock = threading.Lock()

    def current(self) -> str:
        """The remembered token, or a new one. Raises DirectoryUnavailable."""
        return self._get()

    def renew(self, refused: str) -> str:
        """Asks once, however many threads saw their token refused. Raises DirectoryUnavailable."""
        with self._lock:
            if self._get() == refused:
                self._credential = self._open()
        return self._get()

    def _get(self) -> str:
        try:
            return self._credential.get_token(self._scope).token
        except AzureError as error:  # its message may quote the platform's answer
            raise DirectoryUnavailable(f"no token for the directory ({type(error).__name__})") from None
