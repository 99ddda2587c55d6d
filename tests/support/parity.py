"""What it means that two answers are the same: as JSON, but for what is random and what would quote."""

from __future__ import annotations

import json
from typing import Any

from presidio_anonymizer.operators import AESCipher

from tests.support.parity_cases import Case

_QUOTING = ("Invalid operator class", "Parameter hash_type")
"""Stock's messages that quote the request; ours begin the same and do not."""


def comparable(case: Case, answer: Any) -> Any:
    """An answer with everything random replaced: order of lists of names, ciphertexts, unsalted hashes."""
    answer = json.loads(json.dumps(answer))
    if case.path in ("/recognizers", "/supportedentities") and isinstance(answer, list):
        return sorted(answer)
    if case.path == "/anonymize" and "items" in answer:
        for item in answer["items"]:
            fixed = _without_chance(item, _operator(case.body, item["entity_type"]))
            answer["text"] = answer["text"].replace(item["text"], fixed)
            item["text"] = fixed
    return answer


def is_same_refusal(stock: Any, ours: Any) -> bool:
    """True where the error texts are equal, or ours is stock's without the words that it quotes."""
    if stock["error"] == ours["error"]:
        return True
    return any(
        stock["error"].startswith(text) and ours["error"].startswith(text) and len(ours["error"]) < 100
        for text in _QUOTING
    )


def _operator(body: Any, entity_type: str) -> dict[str, Any]:
    operators = body.get("anonymizers") or {}
    chosen: dict[str, Any] = operators.get(entity_type) or operators.get("DEFAULT") or {"type": "replace"}
    return chosen


def _without_chance(item: dict[str, Any], operator: dict[str, Any]) -> str:
    text = str(item["text"])
    if operator["type"] == "encrypt":
        return f"decrypts to {AESCipher.decrypt(operator['key'].encode(), text)}"
    if operator["type"] == "hash" and "salt" not in operator:
        return f"a hash of {len(text)} hex digits" if int(text, 16) >= 0 else ""
    return text
