"""Ad-hoc recognizers of a request as Presidio's PatternRecognizers with bounded patterns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex
from presidio_analyzer import Pattern, PatternRecognizer

from shared.pii.regexes import GuardedPattern, compile_bounded, measure_patterns
from shared.pii.values import AdHocRecognizer


class _BroughtRecognizer(PatternRecognizer):
    """PatternRecognizer whose deny list becomes a bounded pattern too."""

    def _deny_list_to_regex(self, deny_list: list[str]) -> Pattern:
        return _bounded(
            "deny_list", _deny_text(deny_list), self.deny_list_score, self.global_regex_flags or 0
        )


def build_recognizers(brought: Sequence[AdHocRecognizer]) -> list[PatternRecognizer]:
    """Presidio's recognizers of the request. Raises Unprocessable for a pattern that cannot be used.

    All patterns of a request together may grow as large as one of them alone.
    """
    measure_patterns(pattern for one in brought for pattern in _texts(one))
    return [
        _BroughtRecognizer(
            supported_entity=one.supported_entity,
            name=one.name or PatternRecognizer.__name__,
            supported_language=one.supported_language,
            patterns=[_bounded(it.name, it.regex, it.score, one.global_regex_flags) for it in one.patterns],
            deny_list=list(one.deny_list),
            context=list(one.context),
            deny_list_score=one.deny_list_score,
            global_regex_flags=one.global_regex_flags,
        )
        for one in brought
    ]


def _texts(one: AdHocRecognizer) -> Iterator[tuple[str, int]]:
    """Every pattern of a recognizer with its flags."""
    for pattern in one.patterns:
        yield pattern.regex, one.global_regex_flags
    if one.deny_list:
        yield _deny_text(one.deny_list), one.global_regex_flags


def _deny_text(words: Sequence[str]) -> str:
    """Stock's pattern: one of the words, with no word character on either side."""
    return rf"(?:^|(?<=\W))({'|'.join(regex.escape(word) for word in words)})(?:(?=\W)|$)"


def _bounded(name: str, text: str, score: float, flags: int) -> GuardedPattern:
    return GuardedPattern(name, text, score, compile_bounded(text, flags), flags, is_ad_hoc=True)
