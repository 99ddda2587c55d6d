"""Storage in memory with the rules of an immutable container, and with faults on demand.

Objects are created once; append objects only grow; nothing is overwritten or deleted (except by
`tamper`, which is what an attacker with the storage account would do). Every operation is counted, and
any one of them can be made to fail before or after it took effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.errors import ObjectExists, ObjectMissing, PositionMismatch, StoreUnavailable
from shared.usecases.ports import StoredObject


@dataclass(slots=True)
class WormStore:
    """A `LedgerStore`. `fail_at` counts writes from 1; `when` says whether that write still took effect."""

    objects: dict[str, bytes] = field(default_factory=dict)
    appendable: set[str] = field(default_factory=set)
    fail_at: int = 0
    when: str = "before"
    operations: list[str] = field(default_factory=list)
    reads: int = 0
    fail_read_at: int = 0

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self._read("list")
        return iter(
            [
                StoredObject(path, len(self.objects[path]))
                for path in sorted(self.objects)
                if path.startswith(prefix)
            ]
        )

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        self._read(f"read {path}")
        if path not in self.objects:
            raise ObjectMissing("no such object")
        return self.objects[path][start : None if length is None else start + length]

    def size(self, path: str) -> int:
        self._read(f"size {path}")
        if path not in self.objects:
            raise ObjectMissing("no such object")
        return len(self.objects[path])

    def create(self, path: str, data: bytes) -> None:
        fails = self._write(f"create {path}")
        if path in self.objects:
            raise ObjectExists("the object is there")
        self.objects[path] = data
        if fails:
            raise StoreUnavailable("the answer was lost")

    def create_appendable(self, path: str) -> None:
        self.create(path, b"")
        self.appendable.add(path)

    def append(self, path: str, data: bytes, at: int) -> None:
        fails = self._write(f"append {path}")
        if path not in self.objects:
            raise ObjectMissing("no such object")
        if len(self.objects[path]) != at:
            raise PositionMismatch("the object has another length")
        self.objects[path] += data
        if fails:
            raise StoreUnavailable("the answer was lost")

    def copy(self) -> WormStore:
        """The same contents, apart from this one, without its faults."""
        return WormStore(dict(self.objects), set(self.appendable))

    def _write(self, name: str) -> bool:
        self.operations.append(name)
        if len(self.operations) != self.fail_at:
            return False
        if self.when == "before":
            raise StoreUnavailable("the request was lost")
        return True

    def _read(self, name: str) -> None:
        self.reads += 1
        if self.reads == self.fail_read_at:
            raise StoreUnavailable(f"no answer to {name.split()[0]}")
