"""Presidio's phone recognizer without its needless work: the same matches, most of the parsing left out.

Stock runs phonenumbers' matcher once for each of eight regions; each run looks for groups of digits anew, and
parses every one (years, times, parts of card numbers) although most are too short to be a number of that
region. Here the runs share what they find, each first asks whether a candidate has enough digits, and what
has been parsed in this text is remembered. Everything else, the order of the search and the counting of its
tries included, is the library's.
"""

from __future__ import annotations

import contextlib
import re
from functools import lru_cache
from typing import Any

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumberMatch,
    PhoneNumberMatcher,
    phonenumbermatcher,
)
from phonenumbers.phonenumberutil import NumberParseException, parse, region_code_for_number
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from shared.pii.budget import check_deadline

_library: Any = phonenumbermatcher
_CANDIDATE: re.Pattern[str] = _library._PATTERN
_SECOND_NUMBER: re.Pattern[str] = _library._SECOND_NUMBER_START_PATTERN
_PLAIN_CANDIDATE = re.compile(r"[\d\s().\[\]/~\-]+", re.ASCII)
_NOT_DIGITS = re.compile(r"\D+", re.ASCII)
_LOOKS_AHEAD = re.compile(r"\(\?[=!<]|[$^\\]")
_ADDS_DIGITS = re.compile(r"(?<!\\)\d")
VALID_LENIENCY = 1
"""From this leniency on (phonenumbers' VALID), a number must fit its region's plan, so length decides."""


@lru_cache(maxsize=512)
def shortest_national_number(region: str) -> int:
    """The fewest digits of a valid number that is dialled in a region without an international prefix.

    Every region that shares the country code counts, since phonenumbers validates against all of them; 0
    (nothing is ruled out) where the numbering plan may add digits to what is dialled.
    """
    home = PhoneMetadata.metadata_for_region(region, None)
    if home is None or _ADDS_DIGITS.search(home.national_prefix_transform_rule or ""):
        return 0
    plans = [
        plan
        for other in COUNTRY_CODE_TO_REGION_CODE[home.country_code or 0]
        if (plan := PhoneMetadata.metadata_for_region(other, None)) is not None
    ]
    rules = [plan.general_desc for plan in plans if plan.general_desc is not None]
    lengths = [length for rule in rules for length in rule.possible_length if length > 0]
    return min(lengths, default=0)


@lru_cache(maxsize=512)
def _international_prefix(region: str) -> re.Pattern[str]:
    """Of a region; one that matches everything where what follows may decide."""
    home = PhoneMetadata.metadata_for_region(region, None)
    if home is None or _LOOKS_AHEAD.search(home.international_prefix or ""):
        return re.compile("")
    return re.compile(home.international_prefix or "(?!)")


class _CountingMatcher(PhoneNumberMatcher):
    """Tries all parts of a candidate and finds nothing."""

    def _parse_and_verify(self, candidate: str, offset: int) -> None:
        check_deadline()

    def count_tries(self, candidate: str, offset: int) -> int:
        """How many tries the library counts when neither a candidate nor a part of it is a number."""
        before = self._max_tries
        self._extract_match(candidate, offset)
        return before - self._max_tries


class _Shared:
    """What the searches of one text have in common, whatever their region."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parsed: dict[Any, PhoneNumberMatch | None] = {}
        self._matcher = _CountingMatcher(text, None)
        self._candidates: dict[int, tuple[int, str] | None] = {}
        self._digits: dict[str, str | None] = {}
        self._tries: dict[tuple[str, int], int] = {}

    def candidate(self, index: int) -> tuple[int, str] | None:
        """Where the next group of digits from a place on begins, and how it reads."""
        if index not in self._candidates:
            match = _CANDIDATE.search(self.text, index)
            self._candidates[index] = match and (match.start(), self._trimmed(match.group()))
        return self._candidates[index]

    def digits(self, candidate: str) -> str | None:
        """The digits of a candidate that has ASCII digits and plain punctuation only; None for others."""
        if candidate not in self._digits:
            is_plain = _PLAIN_CANDIDATE.fullmatch(candidate) is not None
            self._digits[candidate] = _NOT_DIGITS.sub("", candidate) if is_plain else None
        return self._digits[candidate]

    def tries(self, candidate: str, offset: int) -> int:
        """As `_CountingMatcher.count_tries`."""
        key = (candidate, offset)
        if key not in self._tries:
            self._tries[key] = _CountingMatcher(self.text, None).count_tries(candidate, offset)
        return self._tries[key]

    def _trimmed(self, candidate: str) -> str:
        trimmed: str = self._matcher._trim_after_first_match(_SECOND_NUMBER, candidate)
        return trimmed


class _ShorterMatcher(PhoneNumberMatcher):
    """The library's matcher for one region, which does not parse what cannot be valid there."""

    def __init__(self, region: str, leniency: int, shared: _Shared) -> None:
        super().__init__(shared.text, region, leniency=leniency)
        self._shared = shared
        self._shortest = shortest_national_number(region) if leniency >= VALID_LENIENCY else 0
        self._prefix = _international_prefix(region)

    def _find(self, index: int) -> PhoneNumberMatch | None:
        """As the library's, over candidates that another region may have found."""
        while self._max_tries > 0 and (found := self._shared.candidate(index)) is not None:
            start, candidate = found
            if len(candidate) >= self._min_candidate_length:
                match = self._extract_match(candidate, start)
                if match is not None:
                    return match
                self._max_tries -= 1
            index = start + len(candidate)
        return None

    def _extract_match(self, candidate: str, offset: int) -> PhoneNumberMatch | None:
        check_deadline()
        digits = self._shared.digits(candidate)
        if (
            digits is not None
            and len(digits) < self._shortest
            and self._prefix.search(digits) is None  # no part of it begins with an international prefix
            and self._count_tries(candidate, offset)
        ):
            return None
        return super()._extract_match(candidate, offset)

    def _count_tries(self, candidate: str, offset: int) -> bool:
        """Count the tries within a candidate as if they had been made; False where that reaches the limit."""
        tries = self._shared.tries(candidate, offset)
        if self._max_tries <= tries:
            return False
        self._max_tries -= tries
        return True

    def _parse_and_verify(self, candidate: str, offset: int) -> PhoneNumberMatch | None:
        check_deadline()
        if self._is_too_short(candidate):
            return None
        end = offset + len(candidate)
        before = self.text[offset - 1] if offset else ""
        key = (self.preferred_region, before, candidate, self.text[end : end + 1])
        if key not in self._shared.parsed:
            self._shared.parsed[key] = super()._parse_and_verify(candidate, offset)
        match = self._shared.parsed[key]
        return match and PhoneNumberMatch(offset, candidate, match.number)

    def _is_too_short(self, candidate: str) -> bool:
        """True only for plain digits and punctuation, dialled from within the region, too few to be valid."""
        digits = self._shared.digits(candidate)
        return digits is not None and len(digits) < self._shortest and self._prefix.match(digits) is None


class ShorterPhoneRecognizer(PhoneRecognizer):
    """PhoneRecognizer with `_ShorterMatcher`; findings, explanations and their order are the same."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Find phone numbers of all supported regions."""
        results: list[RecognizerResult] = []
        shared = _Shared(text)
        if shared.candidate(0) is None:
            return results
        for supported in self.supported_regions:
            region = supported
            for match in _ShorterMatcher(supported, self.leniency or 0, shared):
                with contextlib.suppress(NumberParseException):
                    # It raises for a national number: stock explains that by the last region that it knew.
                    region = region_code_for_number(parse(text[match.start : match.end]))
                results.append(self._get_recognizer_result(match, text, region, nlp_artifacts))  # type: ignore[no-untyped-call]
        found: list[RecognizerResult] = EntityRecognizer.remove_duplicates(results)
        return found
