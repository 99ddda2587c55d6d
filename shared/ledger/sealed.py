"""The sealed states of one writer's log, held small: a busy ledger has millions of them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import sha256

from shared.ledger.chain import Head
from shared.ledger.hashing import HASH_BYTES
from shared.ledger.rootlog import Seal


class SealedStates:
    """Seals of one writer in order, 72 bytes each: size, root, and a digest of the rest but the time."""

    __slots__ = ("_roots", "_sizes", "_states", "last", "resume", "until_size")

    def __init__(self, seals: Iterable[Seal] = ()) -> None:
        self.last: Seal | None = None
        """The newest one, whole."""
        self.resume: Seal | None = None
        """The newest one that a verification before has covered, whole."""
        self.until_size = 0
        """Records that the checkpoint up to which records are asked for covers, 0 where it covers none."""
        self._sizes = array("Q")
        self._roots = bytearray()
        self._states = bytearray()
        for seal in seals:
            self.add(seal, is_covered=False)

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def sizes(self) -> array[int]:
        """Numbers of records, ascending."""
        return self._sizes

    def add(self, seal: Seal, *, is_covered: bool, is_asked: bool = True) -> bool:
        """Add the next seal. False, and nothing changes, where it contradicts the last one."""
        if self.last is not None and (self.last.closed or self.last.size >= seal.size):
            return False
        self._sizes.append(seal.size)
        self._roots += seal.root
        self._states += _digest(seal.closed, seal.segment, seal.offset, seal.head, seal.edge)
        self.last = seal
        if is_covered:
            self.resume = seal
        if is_asked:
            self.until_size = seal.size
        return True

    def find(self, size: int) -> int | None:
        """The place of the seal of that size, None where there is none."""
        place = bisect_left(self._sizes, size)
        return place if place < len(self._sizes) and self._sizes[place] == size else None

    def is_root(self, place: int, head: Head) -> bool:
        """True where the sealed root is the one that was proven."""
        return self._roots[place * HASH_BYTES : (place + 1) * HASH_BYTES] == head.root

    def is_state(self, place: int, head: Head) -> bool:
        """True where the whole sealed state is the one that was proven."""
        digest = _digest(head.closed, head.segment, head.offset, head.last_leaf, head.edge)
        return (
            self.is_root(place, head)
            and self._states[place * HASH_BYTES : (place + 1) * HASH_BYTES] == digest
        )


def _digest(closed: bool, segment: int, offset: int, head: bytes, edge: tuple[bytes, ...]) -> bytes:
    return sha256(b"%d,%d,%d," % (closed, segment, offset) + head + b"".join(edge)).digest()
