"""What an approval is asked for, and the keyed digest that stands for it in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import InputError
from shared.records.canonical import canonical_bytes
from shared.records.digests import DigestKey
from shared.records.model import KeyedDigests, Where, Who

WISH_LABEL = "presidio-access-audit/approval/v1"
ASKER_LABEL = "presidio-access-audit/asker/v1"


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes a step, by which call."""

    who: Who
    request_id: str
    received: datetime
    where: Where


@dataclass(frozen=True, slots=True)
class Wish:
    """Everything that the call will be, and its measures. `request` is its decoded body."""

    operation: str
    purpose: str | None
    request: Any
    inputs: tuple[str, ...]
    texts: int = 0
    chars: int = 0
    operators: tuple[str, ...] = ()


def digest_wish(wish: Wish, policy: str, key: DigestKey) -> KeyedDigests:
    """The keyed digest of a wish under a policy (hex digest). Raises InputError.

    The request counts by its JSON meaning (RFC 8785): spacing between values and the order of keys do not,
    every value does, the texts in it character by character.
    """
    said = {
        "operation": wish.operation,
        "purpose": wish.purpose,
        "policy": policy,
        "request": wish.request,
        "inputs": list(wish.inputs),
    }
    try:
        text = canonical_bytes(said).decode()
    except ValueError as error:
        raise InputError("a number in the request is beyond what JSON carries exactly") from error
    return key.digest_all([f"{WISH_LABEL}\n{text}"])


def digest_asker(key: DigestKey, who: Who) -> str:
    """A keyed digest of a person, so that each can be shown its own without reading everybody's."""
    return key.digest(f"{ASKER_LABEL}\n{who.tenant}\n{who.principal}")
