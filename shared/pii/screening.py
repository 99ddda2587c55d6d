"""Which recognizers have nothing to find in a text: asked quickly, before they are run.

Most patterns match nowhere in most texts. Presidio's way to find that out takes a dozen small steps a
pattern; here each pattern is only searched for, and some not even that: a *gate* is something simple without
which a pattern cannot match, asked once a text for all the patterns that it stands before. A recognizer of
which no pattern matches is not run: it would find nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

import regex
from presidio_analyzer import EntityRecognizer, PatternRecognizer
from presidio_analyzer.predefined_recognizers import IbanRecognizer

from shared.pii.budget import current_budget
from shared.pii.regexes import GuardedPattern, GuardedRegex

type Gate = Callable[[str], Any]

GATE_FLAGS = regex.DOTALL | regex.MULTILINE | regex.IGNORECASE
"""Those of Presidio's recognizers: letters of a gate are what they are in the patterns behind it."""

_KNOWN_CALLS = (PatternRecognizer.analyze, IbanRecognizer.analyze)
"""Neither looks at anything but the matches of its patterns."""


def _gate(pattern: str) -> Gate:
    """A search in linear time: the match has a fixed length."""
    return regex.compile(pattern, GATE_FLAGS).search


def _has_colons(text: str) -> bool:
    return "::" in text or text.count(":") >= 6


def _has_groups(text: str) -> bool:
    return text.count(":") >= 5 or text.count("-") >= 5


_six_digits = _gate(r"\d{6}")
_letter_at_digit = _gate(r"[A-Z\]][0-9]|[0-9][A-Z]")
_dotted_name = _gate(r"[a-z0-9.\-][.][a-z]")
_date_mark = _gate(r"\d[-/.]|-\d")

GATES: dict[str, Gate] = {
    "77ff5492baf67207": _six_digits,  # UsBankRecognizer
    "03317c267dbb76a2": _six_digits,  # UsLicenseRecognizer, digits
    "31cb23903d565134": _six_digits,  # UsPassportRecognizer
    "a4aad820a6663d66": _six_digits,  # UsPassportRecognizer, next generation
    "4e6bd6618bc9dd32": _six_digits,  # UsSsnRecognizer, SSN4
    "8b00da21c7ca480a": _six_digits,  # MedicalLicenseRecognizer
    "ab1eb0b240f24580": _letter_at_digit,  # UsLicenseRecognizer, alphanumeric; one branch begins with "A-Z]]"
    "1f98697e78e08d67": _letter_at_digit,  # IbanRecognizer
    "7405c3a8b8c39f4d": _dotted_name,  # UrlRecognizer, without a schema
    "66197b1f8e63cd27": _has_colons,  # IpRecognizer, IPv4 in IPv6
    "c4f79b73053cd5f0": _has_colons,  # IpRecognizer, IPv6
    "a101077778af2f88": _has_groups,  # MacAddressRecognizer
    "8231e96300900a19": _date_mark,  # DateRecognizer: times
    "de849c1681c98a79": _date_mark,  # mm/dd/yyyy
    "19ffdc2987b151d9": _date_mark,  # dd/mm/yyyy
    "4ccb5d61a4e1942d": _date_mark,  # yyyy/mm/dd
    "9d1fcea6de93cf88": _date_mark,  # mm-dd-yyyy
    "cd1cf05f027c5501": _date_mark,  # dd-mm-yyyy
    "79e15fb16d77fdfa": _date_mark,  # yyyy-mm-dd
    "ed7ea12896824ef7": _date_mark,  # dd.mm.yyyy
    "9cca403b33cf14e4": _date_mark,  # dd-MMM-yyyy
    "47b9242593e806a6": _date_mark,  # MMM-yyyy
    "94027aaf76935ea5": _date_mark,  # dd-MMM
    "52dd574bb25c7150": _date_mark,  # mm/yyyy
    "cfd91e15ada32eda": _date_mark,  # mm/yy
}
"""Gates by `digest_of` the pattern: one that an upgrade or a configuration has changed has none."""


def digest_of(pattern: str) -> str:
    """16 hex digits over the text of a pattern."""
    return sha256(pattern.encode()).hexdigest()[:16]


class Screen:
    """The patterns of one recognizer, each behind its gate."""

    __slots__ = ("_doors",)

    def __init__(self, doors: list[tuple[Gate | None, GuardedRegex]]) -> None:
        self._doors = doors

    def is_silent(self, text: str, opened: dict[Gate, bool]) -> bool:
        """True where no pattern matches in a text. `opened` keeps what is known of the text's gates."""
        seconds = current_budget().seconds_left()
        for gate, pattern in self._doors:
            if gate is not None:
                is_open = opened.get(gate)
                if is_open is None:
                    is_open = opened[gate] = bool(gate(text))
                if not is_open:
                    continue
            if pattern.is_found(text, seconds):
                return False
        return True


def screens_of(recognizers: Iterable[EntityRecognizer]) -> dict[str, Screen]:
    """Screens by the id of their recognizer, for those that look at the matches of their patterns alone."""
    return {one.id: Screen(_doors(one)) for one in recognizers if _is_known(one)}


def _is_known(recognizer: EntityRecognizer) -> bool:
    return (
        isinstance(recognizer, PatternRecognizer)
        and type(recognizer).analyze in _KNOWN_CALLS
        and all(
            isinstance(one, GuardedPattern)
            and not one.is_ad_hoc
            and one.compiled_regex is not None
            and one.compiled_with_flags == recognizer.global_regex_flags
            for one in recognizer.patterns  # type: ignore[has-type]
        )
    )


def _doors(recognizer: Any) -> list[tuple[Gate | None, GuardedRegex]]:
    has_gates = recognizer.global_regex_flags == GATE_FLAGS
    return [
        (GATES.get(digest_of(one.regex)) if has_gates else None, one.compiled_regex)
        for one in recognizer.patterns
    ]
