"""The names of tickets that a policy takes: forms that leave no room for anything but a number.

A form is given by its first ticket: `INC-1` takes INC-1, INC-4711, ...; `INC0000001`, as in systems that
pad with zeros, takes INC0000001, INC0012345, ...; `#1` takes #1, #123, ... The letters are the
operator's, so what a caller chooses is a number. It has at most seven digits that count: less than a
telephone number, a date of birth or an identity number. A form spells a number in one way, because a
ticket that is spelled in another is another ticket, and would open another window.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import StringConstraints

MAX_TICKET_CHARS = 32
MAX_NUMBER_CHARS = 7

FORM = r"^(#|[A-Z][A-Z0-9]{0,9}-|[A-Z]{1,10})0{0,14}1$"
"""A mark or capitals, then the number one, padded or not."""

TicketForm = Annotated[str, StringConstraints(pattern=FORM)]

_FORM = re.compile(r"(#|[A-Z][A-Z0-9]{0,9}-|[A-Z]{1,10})(0{0,14}1)")


def is_ticket(text: str, forms: Iterable[str]) -> bool:
    """True where the text is a ticket of one of the forms, each of which matches `FORM`."""
    return len(text) <= MAX_TICKET_CHARS and any(_is_of(text, form) for form in forms)


def _is_of(text: str, form: str) -> bool:
    match = _FORM.fullmatch(form)
    if match is None or not text.startswith(match[1]):
        return False
    number, width = text[len(match[1]) :], len(match[2])
    if not (number.isascii() and number.isdigit()) or len(number) < width:
        return False
    significant = number.lstrip("0")
    is_padded_as_told = len(number) == width or number == significant
    return is_padded_as_told and 0 < len(significant) <= MAX_NUMBER_CHARS
