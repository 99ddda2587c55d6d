"""Words that may stand in a record. Anything a caller made up is replaced by a fixed word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

OTHER = "(other)"
"""Stands for a word that is not in the vocabulary: it may be personal data, so it is not written."""

AD_HOC = "(ad-hoc)"
"""Stands for an entity type or recognizer that a request brought with it."""

MAX_WORDS = 200
"""The most different words in one field of a record; more become `OTHER`."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_OPAQUE_ID = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f-]{14,62}[0-9A-Fa-f]")


def known_words(words: Iterable[str], vocabulary: Collection[str], other: str = OTHER) -> tuple[str, ...]:
    """The words, each once and sorted, with every word outside the vocabulary replaced."""
    return tuple(sorted({word if word in vocabulary else other for word in words}))


def known_counts(counts: dict[str, int], vocabulary: Collection[str], other: str = OTHER) -> dict[str, int]:
    """The counts, with those of words outside the vocabulary added up under one word."""
    merged: Counter[str] = Counter()
    for word, count in counts.items():
        merged[word if word in vocabulary else other] += count
    return dict(merged)


def opaque_id(text: str | None) -> str | None:
    """An id of 16 to 64 hex digits and dashes (a GUID, a trace id), or None: nothing a person could read."""
    return text if text is not None and _OPAQUE_ID.fullmatch(text) else None


def trace_ids(traceparent: str | None) -> tuple[str | None, str | None]:
    """Trace and span id of a W3C `traceparent` header, or two Nones for anything else."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None or match[1] == "0" * 32 or match[2] == "0" * 16:
        return None, None
    return match[1], match[2]
