"""Seed texts are the same everywhere, of the right length, and all different."""

from __future__ import annotations

import re

import pytest

from bench.texts import SIZES_CHARS, seed_text, seed_texts


@pytest.mark.parametrize("chars", [1, 2, 60, 231, *SIZES_CHARS])
def test_a_text_has_exactly_the_characters_that_were_asked_for(chars: int) -> None:
    """A text is as long as asked, and neither begins nor ends in white space."""
    for index in range(40):
        text = seed_text(chars, index)
        assert len(text) == chars
        assert text == text.strip()


def test_a_text_is_the_same_in_every_run() -> None:
    """Length and index determine a text; its words are frozen here."""
    assert seed_text(60, 0) == seed_text(60, 0)
    assert seed_text(60, 0) == "Note 1: It would help if the phone number and the account ho"


def test_no_text_comes_twice() -> None:
    """A thousand texts of the shortest size are a thousand texts."""
    assert len(set(seed_texts(230, 0, 1_000))) == 1_000


def test_a_range_continues_where_the_last_one_ended() -> None:
    """Rounds take consecutive ranges, so that none sends what another has sent."""
    assert seed_texts(230, 0, 4)[2:] == seed_texts(230, 2, 2)


def test_personal_data_is_there_in_moderation() -> None:
    """Of a long text between a tenth and a half of the sentences carry data, of every kind."""
    text = " ".join(seed_texts(13_600, 0, 5))
    kinds = {
        "mail": r"[a-z.]+@[a-z.]+",
        "card": r"4\d{3} \d{4} \d{4} \d{4}",
        "account": r"DE\d{20}",
        "address": r"\d+\.\d+\.\d+\.\d+",
        "social": r"\d{3}-\d\d-\d{4}",
    }
    counts = {kind: len(re.findall(pattern, text)) for kind, pattern in kinds.items()}
    assert min(counts.values()) >= 10
    assert sum(counts.values()) < len(text.split(". ")) / 2


def test_card_and_account_numbers_pass_their_own_checks() -> None:
    """Check digits are right (Luhn, ISO 13616), so that recognizers that verify them do find them."""
    text = " ".join(seed_texts(4_600, 0, 5))
    for card in re.findall(r"4\d{3} \d{4} \d{4} \d{4}", text):
        digits = [int(digit) for digit in card.replace(" ", "")]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::2]]
        assert (sum(doubled) + sum(digits[1::2])) % 10 == 0
    for account in re.findall(r"DE(\d{20})", text):
        assert int(f"{account[2:]}1314{account[:2]}") % 97 == 1
