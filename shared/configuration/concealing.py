"""What of a configuration may be quoted, and keyed digests in the place of all that may not.

A configuration can hold personal data (names in a deny list, sample texts of a prompt) and secrets (the
key of an endpoint). Snapshots and records stay for years and nobody can change them, so a text gets into
them only where it looks like a word of a vocabulary: the name of a recognizer, an entity type, a version, an
address without query. Everything else is replaced here, before a snapshot is made, by its keyed digest: two
snapshots can still be compared, and who holds the key can look for a word.
"""

from __future__ import annotations

import json
import re
from typing import Any

from shared.records.digests import DigestKey

CONCEALED = "concealed"
"""The only member of an object that stands for something concealed."""

_LABEL = "presidio-access-audit/configuration/v1\n"
"""In front of what is digested: the digest of a word here is never that of the same text in a call."""

_PRIVATE = frozenset({"allow_list", "context", "deny_list", "examples", "extraction_text", "prompt", "text"})
"""Members whose every word is concealed: they are made of people's data, or of words for it."""

MAX_WORDS = 10_000
"""Of more words than these there is one digest: a snapshot stays small enough to be read."""

_SECRET = re.compile(
    r"auth|cert|connection_string|credential|key|passw|private|pwd|sas|secret|signature|token(?!iz)",
    re.IGNORECASE,
)
_QUOTABLE = re.compile(r"[\w.:/+-]{0,200}", re.ASCII)
_NAME = re.compile(r"[\w .,:/()&+-]{1,100}")
_RUN = re.compile(r"[A-Za-z0-9+=]{20,}")
"""Twenty characters in a row: where they mix letters and digits, they look like a key and not like a name."""

_MAX_REGEX_CHARS = 2_000

_REGEX_SYNTAX = re.compile(
    r"\\[pP]\{[^}]*\}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.|\(\?[aiLmsux-]+[:)]|\(\?|\[[^]]*\]", re.DOTALL
)
"""Classes, escapes and flags: what of a pattern spells nothing. In doubt too little is left out."""

_REGEX_WORD = re.compile(r"[^\W\d_]{3,}")
_DIGITS = re.compile(r"[0-9]{4,}")
_MANY_DIGITS = 7
"""So many and no letter: the number of somebody or of something of theirs."""


def conceal(value: Any, key: DigestKey, name: str = "") -> Any:
    """The value as it may be kept. `name` is that of the member it stands under; `value` is plain JSON.

    Numbers, true, false and null stay. Members keep their names, where these are names.
    """
    if name in _PRIVATE:
        return _conceal_words(value, key)
    if isinstance(value, dict):
        return {_name_of(member, key): conceal(inner, key, member) for member, inner in value.items()}
    if isinstance(value, list):
        return [conceal(item, key, name) for item in value]
    if isinstance(value, str) and not _is_quotable(value, name):
        return {CONCEALED: {"key_id": key.key_id, "digest": _digest(value, key), "chars": len(value)}}
    return value


def words_of(value: Any) -> tuple[str, tuple[str, ...]] | None:
    """Key id and digests of a concealed list of words, None for anything else."""
    inner = _concealed_in(value)
    words = inner.get("words") if inner is not None else None
    return (str(inner.get("key_id")), tuple(map(str, words))) if inner and isinstance(words, list) else None


def without_digests(value: Any) -> Any:
    """The same with numbers of words and characters in the place of digests, for who lacks the key."""
    if isinstance(value, list):
        return [without_digests(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = _concealed_in(value)
    if inner is not None:
        words = inner.get("words")
        return {CONCEALED: len(words) if isinstance(words, list) else inner.get("chars")}
    return {name: without_digests(item) for name, item in value.items()}


def _concealed_in(value: Any) -> dict[str, Any] | None:
    inner = value.get(CONCEALED) if isinstance(value, dict) and len(value) == 1 else None
    return inner if isinstance(inner, dict) else None


def _conceal_words(value: Any, key: DigestKey) -> Any:
    if value is None or isinstance(value, bool):
        return value
    words = value if isinstance(value, list) else [value]
    texts = [word if isinstance(word, str) else json.dumps(word, sort_keys=True) for word in words]
    if len(texts) > MAX_WORDS:
        whole = json.dumps(sorted(texts))
        return {CONCEALED: {"key_id": key.key_id, "digest": _digest(whole, key), "chars": len(whole)}}
    return {CONCEALED: {"key_id": key.key_id, "words": sorted(_digest(text, key) for text in texts)}}


def _digest(text: str, key: DigestKey) -> str:
    return key.digest(_LABEL + text)


def _name_of(member: str, key: DigestKey) -> str:
    """No member of a file can be taken for something that was concealed here."""
    is_name = _NAME.fullmatch(member) and not _is_like_a_key(member) and not member.startswith(CONCEALED)
    return member if is_name else f"{CONCEALED}:{_digest(member, key)}"


def _is_quotable(text: str, name: str) -> bool:
    if _SECRET.search(name):
        return False
    if name == "regex":
        return len(text) <= _MAX_REGEX_CHARS and _is_plain_regex(text)
    if sum(map(str.isdigit, text)) >= _MANY_DIGITS and not any(map(str.isalpha, text)):
        return False
    return bool((_NAME if name == "name" else _QUOTABLE).fullmatch(text)) and not _is_like_a_key(text)


def _is_like_a_key(text: str) -> bool:
    runs = _RUN.findall(text)
    return any(any(map(str.isdigit, run)) and any(map(str.isalpha, run)) for run in runs)


def _is_plain_regex(text: str) -> bool:
    """A pattern that spells no words: `\\bE-\\d{6}\\b` is a rule, `(Smith|Jones)` is a list of names."""
    literal = _REGEX_SYNTAX.sub(" ", text)
    return not _REGEX_WORD.search(literal) and not _DIGITS.search(literal)
