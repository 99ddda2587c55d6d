"""What the verifier reads from: anything that lists, reads and measures objects.

The same three methods as the use cases' `Reader`, stated here because the ledger imports no port.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Listed(Protocol):
    """One object of a listing."""

    @property
    def path(self) -> str:
        """Its path below the container."""
        ...

    @property
    def size(self) -> int:
        """Its length in bytes."""
        ...


class Source(Protocol):
    """A container, a folder or an export. Raises ObjectMissing and StoreUnavailable."""

    def list(self, prefix: str) -> Iterator[Listed]:
        """Objects whose path starts with the prefix, sorted by path."""
        ...

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes from `start`, at most `length` (all where None); short at the end of the object."""
        ...

    def size(self, path: str) -> int:
        """Length in bytes."""
        ...
