"""Names of tickets: a number in a form of the operator's, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identity.tickets import FORM, MAX_NUMBER_CHARS, MAX_TICKET_CHARS, is_ticket
from tests.support.identities import default_policy

FORMS = ("INC-1", "INC0000001", "#1", "SEC-0001")


@pytest.mark.parametrize(
    "ticket",
    ["INC-1", "INC-4711", "INC-9999999", "INC0012345", "INC9999999", "#1", "#123", "SEC-0007", "SEC-12345"],
)
def test_tickets(ticket: str) -> None:
    """Plain, padded and bare numbers, as trackers write them."""
    assert is_ticket(ticket, FORMS)


@pytest.mark.parametrize(
    "text",
    [
        *("John Smith", "INC-John", "JOHN-1", "john.smith@example.com", "INC-4711 John", "INC-4711\tJohn"),
        *("INC-2125550199", "#078051120", "#4111111111111111", "#19800101", "+1-212-555-0199"),
        *("inc-4711", "INC 4711", "INC--4711", "INC-", "#", "", "4711", "#0", "INC-0", "INC-0004711"),
        *("INC123", "SEC-7", "SEC-00012345", "INC-４７１１", "INC-4711\n", "INC-" + "1" * 40, "INC-1.5"),
    ],
)
def test_nothing_else(text: str) -> None:
    """No name, address, telephone, card or identity number, no date of birth, and no second spelling."""
    assert not is_ticket(text, FORMS)


@given(st.text() | st.from_regex(r"\A(INC-?|#|SEC-)[0-9]{0,12}\Z"))
def test_a_ticket_says_only_a_number(text: str) -> None:
    """Whatever is taken is the operator's letters and at most seven digits that count."""
    if is_ticket(text, FORMS):
        rest = re.sub(r"^(INC-|INC|#|SEC-)0*", "", text)
        assert rest.isascii() and rest.isdigit() and 0 < len(rest) <= MAX_NUMBER_CHARS
        assert len(text) <= MAX_TICKET_CHARS


@given(st.integers(1, 9_999_999))
def test_a_form_spells_a_number_once(number: int) -> None:
    """Padding cannot make another ticket of the same number."""
    for form, letters in (("INC-1", "INC-"), ("INC0000001", "INC"), ("#1", "#")):
        spelled = [f"{letters}{number:0{width}d}" for width in range(1, 20)]
        assert len({text for text in spelled if is_ticket(text, (form,))}) == 1


def test_default_forms() -> None:
    """The default policy's forms are forms."""
    assert all(re.match(FORM, form) for form in default_policy().tickets)
