"""Keyed digests of texts: the ledger can be asked for a text by who holds the key, and by nobody else."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.records.model import KeyedDigests

DIGEST_HEX_CHARS = 32
"""HMAC-SHA-256 cut to 128 bits (RFC 2104 section 5): a thousand digests still fit into one record."""

_KEY_ID_LABEL = b"presidio-access-audit/digest-key-id/v1"


@dataclass(frozen=True, slots=True)
class DigestKey:
    """The HMAC key. Its id is derived from it, so that a changed key can never keep an old id."""

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """The first 8 hex digits of HMAC(key, label)."""
        return hmac.digest(self.secret, _KEY_ID_LABEL, hashlib.sha256).hex()[:8]

    def digest(self, text: str) -> str:
        """32 hex digits over the text's UTF-8 bytes (lone surrogates pass as they are)."""
        data = text.encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, data, hashlib.sha256).hex()[:DIGEST_HEX_CHARS]

    def digest_all(self, texts: Iterable[str]) -> KeyedDigests:
        """The digests of several texts, in their order."""
        return KeyedDigests(key_id=self.key_id, values=tuple(self.digest(text) for text in texts))
