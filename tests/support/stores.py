"""Stores for tests: one in memory that enforces immutability, and one that fails on command."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from shared.errors import (
    AppendRefused,
    ObjectExists,
    ObjectMissing,
    PositionMismatch,
    StoreError,
    StoreUnavailable,
)
from shared.usecases.ports import LedgerStore, StoredObject

BLOCK_LIMIT = 50_000


@dataclass(slots=True)
class _Object:
    data: bytearray
    is_appendable: bool
    blocks: int = 0
    is_sealed: bool = False


class MemoryStore:
    """A container under a retention policy with protected append writes: create and append, nothing else.

    Thread-safe. Methods whose names begin with `tamper_` are what nobody can do in such a container, and what
    somebody does who got hold of the bytes another way.
    """

    def __init__(self) -> None:
        self._objects: dict[str, _Object] = {}
        self._lock = threading.Lock()
        self.appends = 0

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """As the port says."""
        with self._lock:
            found = sorted(path for path in self._objects if path.startswith(prefix))
            objects = [StoredObject(path, len(self._objects[path].data)) for path in found]
        yield from objects

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """As the port says."""
        with self._lock:
            end = None if length is None else start + length
            return bytes(self._get(path).data[start:end])

    def size(self, path: str) -> int:
        """As the port says."""
        with self._lock:
            return len(self._get(path).data)

    def create(self, path: str, data: bytes) -> None:
        """As the port says."""
        self._add(path, _Object(bytearray(data), is_appendable=False))

    def create_appendable(self, path: str) -> None:
        """As the port says."""
        self._add(path, _Object(bytearray(), is_appendable=True))

    def append(self, path: str, data: bytes, at: int) -> None:
        """As the port says."""
        with self._lock:
            target = self._get(path)
            if not target.is_appendable or target.is_sealed or target.blocks >= BLOCK_LIMIT:
                raise AppendRefused(f"append to {path}: it takes no more")
            if len(target.data) != at:
                raise PositionMismatch(f"append to {path}: the object has another length")
            target.data += data
            target.blocks += 1
            self.appends += 1

    def seal(self, path: str) -> None:
        """No more appends to this object (Append Blob Seal)."""
        with self._lock:
            self._get(path).is_sealed = True

    def tamper_replace(self, path: str, data: bytes) -> None:
        """Other bytes in the place of an object's."""
        with self._lock:
            self._get(path).data[:] = data

    def tamper_delete(self, path: str) -> None:
        """An object gone."""
        with self._lock:
            self._get(path)
            del self._objects[path]

    def _get(self, path: str) -> _Object:
        found = self._objects.get(path)
        if found is None:
            raise ObjectMissing(f"{path}: there is no such object")
        return found

    def _add(self, path: str, new: _Object) -> None:
        with self._lock:
            if path in self._objects:
                raise ObjectExists(f"{path}: it exists already")
            self._objects[path] = new


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong in one operation.

    `before` is raised instead of doing it, `after` once it is done. `late` raises StoreUnavailable at once,
    and the operation takes effect when that many further ones have begun: a request that was on its way.
    `delay_s` and `hold` (until it is set) keep the caller waiting before anything happens. `meddle` is called
    first, with the path: what somebody else does to the storage at that moment.
    """

    before: StoreError | None = None
    after: StoreError | None = None
    late: int | None = None
    delay_s: float = 0.0
    hold: threading.Event | None = None
    meddle: Callable[[str], None] | None = None


type Script = Callable[[str, str], Fault | None]
"""Asked for each operation, by the name of its method and its path."""

UNKNOWN = StoreUnavailable("scripted: no answer")


@dataclass(slots=True)
class _Late:
    due: int
    run: Callable[[], object]


@dataclass
class FaultyStore:
    """Any store, with scripted failures. `operations` lists what was asked, in order."""

    inner: LedgerStore
    script: Script
    operations: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._late: list[_Late] = []
        self._lock = threading.Lock()

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """As the port says, unless the script says otherwise."""
        yield from self._do("list", prefix, lambda: [*self.inner.list(prefix)])

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """As the port says, unless the script says otherwise."""
        return self._do("read", path, lambda: self.inner.read(path, start, length))

    def size(self, path: str) -> int:
        """As the port says, unless the script says otherwise."""
        return self._do("size", path, lambda: self.inner.size(path))

    def create(self, path: str, data: bytes) -> None:
        """As the port says, unless the script says otherwise."""
        self._do("create", path, lambda: self.inner.create(path, data))

    def create_appendable(self, path: str) -> None:
        """As the port says, unless the script says otherwise."""
        self._do("create_appendable", path, lambda: self.inner.create_appendable(path))

    def append(self, path: str, data: bytes, at: int) -> None:
        """As the port says, unless the script says otherwise."""
        self._do("append", path, lambda: self.inner.append(path, data, at))

    def arrive_late(self) -> None:
        """Everything that is still on its way takes effect now, or fails unseen."""
        with self._lock:
            arriving, self._late = self._late, []
        for late in arriving:
            _run_unseen(late.run)

    def _do[T](self, name: str, path: str, run: Callable[[], T]) -> T:
        self.operations.append((name, path))
        fault = self.script(name, path) or Fault()
        self._land_due()
        if fault.meddle is not None:
            fault.meddle(path)
        if fault.delay_s:
            time.sleep(fault.delay_s)
        if fault.hold is not None:
            fault.hold.wait()
        if fault.before is not None:
            raise fault.before
        if fault.late is not None:
            with self._lock:
                self._late.append(_Late(fault.late, run))
            raise UNKNOWN
        result = run()
        if fault.after is not None:
            raise fault.after
        return result

    def _land_due(self) -> None:
        with self._lock:
            for late in self._late:
                late.due -= 1
            due = [late for late in self._late if late.due < 0]
            self._late = [late for late in self._late if late.due >= 0]
        for late in due:
            _run_unseen(late.run)


def _run_unseen(run: Callable[[], object]) -> None:
    try:
        run()
    except StoreError:
        return  # its caller has gone: nobody learns of it


def in_turn(faults: Iterable[Fault | None]) -> Script:
    """Each operation gets the next fault; none once they are used up."""
    left = iter(faults)
    lock = threading.Lock()

    def script(name: str, path: str) -> Fault | None:
        with lock:
            return next(left, None)

    return script


def at_operation(number: int, fault: Fault, name: str | None = None) -> Script:
    """This fault at one operation, counted from 0 (among those of that name, if one is given)."""
    seen = 0
    lock = threading.Lock()

    def script(operation: str, path: str) -> Fault | None:
        nonlocal seen
        if name is not None and operation != name:
            return None
        with lock:
            seen += 1
            return fault if seen == number + 1 else None

    return script
