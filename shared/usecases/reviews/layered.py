"""Two stores read as one: what retention has taken out of the first is read in the archive."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from shared.errors import ObjectMissing
from shared.usecases.ports import Reader, StoredObject


class LayeredReader:
    """Reads in `first`, and in `second` what is not there."""

    def __init__(self, first: Reader, second: Reader) -> None:
        self._first = first
        self._second = second

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Objects of both, sorted by path; where both have one, the first's."""
        before = None
        for item in heapq.merge(
            self._first.list(prefix), self._second.list(prefix), key=lambda item: item.path
        ):
            if item.path != before:
                yield item
            before = item.path

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """As the port says."""
        try:
            return self._first.read(path, start, length)
        except ObjectMissing:
            return self._second.read(path, start, length)

    def size(self, path: str) -> int:
        """As the port says."""
        try:
            return self._first.size(path)
        except ObjectMissing:
            return self._second.size(path)
