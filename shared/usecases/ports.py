"""What the use cases need from outside, as Protocols. `shared/cloud` implements them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.identity.issuers import Issuer
from shared.identity.tokens import PublicKey
from shared.records.model import Record
from shared.review.directory import Directory


class Clock(Protocol):
    """Now, as an aware UTC datetime."""

    def __call__(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a listing: its path below the container and its length in bytes."""

    path: str
    size: int


class Reader(Protocol):
    """The three read methods that a verifier needs. A container, a folder and an export have them."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Objects whose path starts with the prefix, sorted by path. Raises StoreUnavailable."""
        ...

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes from `start`, at most `length` (all where None); short at the end of the object.

        Raises ObjectMissing, StoreUnavailable.
        """
        ...

    def size(self, path: str) -> int:
        """Length in bytes. Raises ObjectMissing, StoreUnavailable."""
        ...


class LedgerStore(Reader, Protocol):
    """Immutable storage: objects are created once and append blobs only grow. Nothing is deleted."""

    def create(self, path: str, data: bytes) -> None:
        """Create an object with its final bytes (`If-None-Match: *`).

        Raises ObjectExists, ObjectMissing (no such container), StoreUnavailable.
        """
        ...

    def create_appendable(self, path: str) -> None:
        """Create an empty append blob (`If-None-Match: *`).

        Raises ObjectExists, ObjectMissing (no such container), StoreUnavailable.
        """
        ...

    def append(self, path: str, data: bytes, at: int) -> None:
        """Append one block iff the object's length is `at`; never retried inside.

        Raises PositionMismatch (other length), ObjectMissing, AppendRefused (never again on this object),
        StoreUnavailable (unknown whether it took effect).
        """
        ...


class NoteSigner(Protocol):
    """A named key that signs C2SP notes."""

    @property
    def vkey(self) -> str:
        """The verifier key: `<name>+<8 hex digits>+<base64>`."""
        ...

    def sign(self, text: str) -> str:
        """The signature line (em dash, name, base64, no newline) over a note text that ends in a newline.

        Raises KeysUnavailable.
        """
        ...


class TokenKeys(Protocol):
    """The public keys of trusted issuers."""

    def find_cached(self, issuer: Issuer, kid: str) -> PublicKey | None:
        """The key if it is at hand; never blocks, never raises."""
        ...

    def is_usable(self, issuer: Issuer) -> bool:
        """True while a key set of this issuer is at hand; never blocks."""
        ...

    def find(self, issuer: Issuer, kid: str) -> PublicKey | None:
        """The issuer's key of that id, None where its current key set has none.

        May fetch over the network, at most once in a bounded interval an issuer, however many unknown
        ids are asked for. Raises KeysUnavailable where no usable key set is at hand. Thread-safe.
        """
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a record stands (`<writer>/<index>`) and the signed checkpoint that covers it.

    `proof` is its inclusion proof (C2SP tlog-proof), for types of records whose readers cannot read whole
    logs.
    """

    writer: str
    index: int
    checkpoint: str
    proof: bytes | None = None


class Ledger(Protocol):
    """The writer's end of the ledger."""

    async def commit(self, record: Record) -> Receipt:
        """Return once the record is stored; raises AuditUnavailable when the deadline passes.

        Cancelling the awaiting task does not cancel the commit.
        """
        ...

    def is_writable(self) -> bool:
        """False while storage does not take commits."""
        ...


class DirectoryReader(Protocol):
    """Who holds the app roles of the reviewed application, as the tenant's directory says it."""

    def read(self, now: datetime, names: bool = False) -> Directory:
        """One reading, `now` being its `read_at`. Blocks for seconds to minutes; bounded in time and size.

        What could not be read stands in `Directory.unknown`, with the permission that would give it, and
        nothing that depends on it is filled. `Principal.name` is asked for and filled only with `names`.
        Raises DirectoryUnavailable only where nothing at all could be read. Thread-safe.
        """
        ...
