"""Tree hashing of RFC 6962 section 2.1 (the same in RFC 9162): SHA-256 with one byte of domain separation."""

from __future__ import annotations

import hashlib

HASH_BYTES = 32

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves: the hash of the empty string."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry), 32 bytes. For a record the entry is its line without the newline."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()
