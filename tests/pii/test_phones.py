"""The phone recognizer with less work finds what stock's finds, explained in the same words."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from phonenumbers import PhoneNumberMatcher
from presidio_analyzer import RecognizerResult
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from shared.pii.phones import (
    ShorterPhoneRecognizer,
    _Shared,
    _ShorterMatcher,
    shortest_national_number,
)

OTHER_REGIONS = ("AG", "AR", "SG", "IT", "SM", "AU", "NF", "ZZ", "MX")
"""Regions whose plans add digits, keep a zero, are within another's, or do not exist."""


def _digits(rng: random.Random, least: int, most: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(rng.randint(least, most)))


_SHAPES: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: (
        f"+{rng.choice(('1', '44', '49', '33', '972', '91', '55'))}{rng.choice(' -')}{_digits(rng, 5, 12)}"
    ),
    lambda rng: f"{_digits(rng, 3, 3)}-{_digits(rng, 3, 3)}-{_digits(rng, 4, 4)}",
    lambda rng: f"({_digits(rng, 3, 3)}) {_digits(rng, 3, 3)}-{_digits(rng, 4, 4)}",
    lambda rng: _digits(rng, 1, 18),
    lambda rng: " ".join(_digits(rng, 4, 4) for _ in range(rng.randint(1, 5))),
    lambda rng: f"{rng.choice(('00', '011', '0015'))}{rng.choice(('1', '49', '290'))} {_digits(rng, 2, 10)}",
    lambda rng: f"0{_digits(rng, 2, 4)}{rng.choice('/ -')}{_digits(rng, 2, 8)}",
    lambda rng: f"{_digits(rng, 5, 10)} ext. {_digits(rng, 3, 3)}",
    lambda rng: f"{_digits(rng, 4, 10)}/{_digits(rng, 4, 10)}",
    lambda rng: f"{rng.choice(('abc', '$', 'é', ''))}{_digits(rng, 10, 10)}{rng.choice(('x', '%', ''))}",
    lambda rng: rng.choice(("٠١٢٣٤٥٦٧٨٩", "０３０１２３４５６", "２０２４", "(０２)１２３４-５６７８")),
    lambda rng: rng.choice(("112", "116117", "0800 1111", "030 901820", "020 7946 0958", "03-1234567")),
    lambda rng: rng.choice(("2012-01-02 08:00", "12/31/1999", "1.2.3.4", "211-227 (2003)")),
)


def _text(rng: random.Random) -> str:
    between = ("call ", "", " and ", ", ", "\n", " x ", "; ", "~", " - ")
    return "".join(rng.choice(between) + rng.choice(_SHAPES)(rng) for _ in range(rng.randint(1, 10)))


def _seen(findings: list[RecognizerResult]) -> list[tuple[int, int, float, str | None]]:
    return [(one.start, one.end, one.score, one.analysis_explanation.textual_explanation) for one in findings]


@pytest.mark.parametrize(
    ("leniency", "regions", "texts"),
    [
        (1, PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS, 700),
        (1, OTHER_REGIONS, 150),
        (0, PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS, 100),
        (2, PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS, 100),
        (3, PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS, 100),
    ],
)
def test_findings_are_stocks(leniency: int, regions: tuple[str, ...], texts: int) -> None:
    """Spans, scores, explanations and order, at every leniency, for national and international forms."""
    stock = PhoneRecognizer(leniency=leniency, supported_regions=regions)
    ours = ShorterPhoneRecognizer(leniency=leniency, supported_regions=regions)
    rng = random.Random(leniency)
    found = 0
    for _ in range(texts):
        text = _text(rng)
        expected = _seen(stock.analyze(text, []))
        assert _seen(ours.analyze(text, [])) == expected, text
        found += len(expected)
    assert found > texts / 4


@pytest.mark.parametrize("most", [65_535, 1, 2, 5, 17])
def test_tries_are_counted_as_by_the_library(most: int) -> None:
    """It gives up after so many tries: the same matches, and the same number left, wherever that happens."""
    rng = random.Random(most)
    skipped = 0
    for _ in range(150):
        text = _text(rng)
        shared = _Shared(text)
        for region in PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS:
            stock = PhoneNumberMatcher(text, region, leniency=1, max_tries=most)
            ours = _ShorterMatcher(region, 1, shared)
            ours._max_tries = most
            expected = [(one.start, one.end, one.number) for one in stock]
            assert [(one.start, one.end, one.number) for one in ours] == expected, text
            assert ours._max_tries == stock._max_tries, text
        skipped += bool(shared._tries)
    assert skipped > 10


def test_the_shortest_numbers_are_those_of_the_numbering_plans() -> None:
    """Regions that share a country code count together; where digits may be added, nothing is ruled out."""
    assert {region: shortest_national_number(region) for region in ("US", "CA", "DE", "FR", "AG", "ZZ")} == {
        "US": shortest_national_number("CA"),
        "CA": shortest_national_number("US"),
        "DE": 4,
        "FR": 9,
        "AG": 0,
        "ZZ": 0,
    }
