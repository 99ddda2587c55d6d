"""Presidio's phone recognizer without its needless work: the same matches, most of the parsing left out.

Stock runs phonenumbers' matcher once for each of eight regions, and each run parses every group of digits
(years, times, parts of card numbers) although most are too short to be a number of that region. Here each
region's matcher first asks whether a candidate has enough digits, and remembers what it has parsed in this
text. Everything else, the order of the search and the counting of its tries included, is the library's.
"""

from __future__ import annotations

import contextlib
import re
from functools import lru_cache
from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberMatch, PhoneNumberMatcher
from phonenumbers.phonenumberutil import NumberParseException, parse, region_code_for_number
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from shared.pii.budget import check_deadline

_PLAIN_CANDIDATE = re.compile(r"[\d\s().\[\]/~\-]+", re.ASCII)
_NOT_DIGITS = re.compile(r"\D+", re.ASCII)
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
    home = PhoneMetadata.metadata_for_region(region, None)
    return re.compile(home.international_prefix or "(?!)") if home is not None else re.compile("")


class _ShorterMatcher(PhoneNumberMatcher):
    """The library's matcher for one region, which does not parse what cannot be valid there."""

    def __init__(self, text: str, region: str, leniency: int, seen: dict[Any, Any]) -> None:
        super().__init__(text, region, leniency=leniency)
        self._seen = seen
        self._shortest = shortest_national_number(region) if leniency >= VALID_LENIENCY else 0

    def _parse_and_verify(self, candidate: str, offset: int) -> PhoneNumberMatch | None:
        check_deadline()
        if self._is_too_short(candidate):
            return None
        end = offset + len(candidate)
        before = self.text[offset - 1] if offset else ""
        key = (self.preferred_region, before, candidate, self.text[end : end + 1])
        if key not in self._seen:
            self._seen[key] = super()._parse_and_verify(candidate, offset)
        match = self._seen[key]
        return match and PhoneNumberMatch(offset, candidate, match.number)

    def _is_too_short(self, candidate: str) -> bool:
        """True only for plain digits and punctuation, dialled from within the region, too few to be valid."""
        if len(candidate) - candidate.count(" ") >= 2 * self._shortest or not self._shortest:
            return False  # most likely long enough: not worth counting
        if _PLAIN_CANDIDATE.fullmatch(candidate) is None:
            return False
        digits = _NOT_DIGITS.sub("", candidate)
        if len(digits) >= self._shortest:
            return False
        return _international_prefix(self.preferred_region).match(digits) is None


class ShorterPhoneRecognizer(PhoneRecognizer):
    """PhoneRecognizer with `_ShorterMatcher`; findings, explanations and their order are the same."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Find phone numbers of all supported regions."""
        results: list[RecognizerResult] = []
        seen: dict[Any, Any] = {}
        for supported in self.supported_regions:
            region = supported
            for match in _ShorterMatcher(text, supported, self.leniency or 0, seen):
                with contextlib.suppress(NumberParseException):
                    # It raises for a national number: stock explains that by the last region that it knew.
                    region = region_code_for_number(parse(text[match.start : match.end]))
                results.append(self._get_recognizer_result(match, text, region, nlp_artifacts))  # type: ignore[no-untyped-call]
        found: list[RecognizerResult] = EntityRecognizer.remove_duplicates(results)
        return found
