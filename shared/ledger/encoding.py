"""Strict base64: exactly one text for each byte string, so that no character can change unnoticed."""

from __future__ import annotations

import base64
import binascii

from shared.errors import MalformedLedger


def encode_base64(data: bytes) -> str:
    """RFC 4648 section 4, with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str | bytes, what: str) -> bytes:
    """The bytes; `what` names the value in the error. Raises MalformedLedger.

    Python's decoder accepts stray bits in the last character; here the text must be what encoding gives.
    """
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
        data = base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedLedger(f"{what} is not base64 (RFC 4648 section 4)") from error
    if base64.b64encode(data) != raw:
        raise MalformedLedger(f"{what} is not canonical base64 (stray bits or padding)")
    return data
