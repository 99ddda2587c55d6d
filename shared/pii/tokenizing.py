r"""spaCy's tokenizer in bounded time: the same tokens.

The tokenizer takes punctuation off both ends of a run of characters without white space, one mark at a time,
and searches the whole run for a suffix each time: 10,000 brackets or emoji take eight seconds, 100,000 take a
quarter of an hour, and nothing can interrupt it. Its URL pattern backtracks over every `:` in front of an
`@`. Both are attributes of the tokenizer and are replaced by equals:

- A suffix is searched in the last characters only. Every suffix of spaCy's is at most a few characters long,
  but for `\.\.+`; where that reaches out of the window, the whole run is searched, as before.
- In the URL pattern, `\S+(?::\S*)?@` becomes `\S+@`. `\S+` takes colons too, so both match the same prefixes,
  and whether a run matches is all that the tokenizer asks.

The search for a suffix also looks at the clock, so that a call's deadline holds inside of the tokenizer.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import compile_suffix_regex

from shared.pii.budget import check_deadline

WINDOW_CHARS = 200
MAX_SUFFIX_CHARS = 100
"""No plain suffix may be longer; it leaves room in the window for what a pattern looks back at."""

_LONG_SUFFIX = r"\.\.+"
_USER_INFO = r"(?:\S+(?::\S*)?@)?"
_SAME_USER_INFO = r"(?:\S+@)?"


class TailSearch:
    """`re.Pattern.search` of a suffix pattern, in the last characters where they decide."""

    __slots__ = ("_pattern",)

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def __call__(self, run: str) -> re.Match[str] | None:
        """The leftmost suffix of a run of characters."""
        check_deadline()
        start = len(run) - WINDOW_CHARS
        if start <= 0:
            return self._pattern.search(run)
        match = self._pattern.search(run, start)
        if match is not None and match.start() == start:
            return self._pattern.search(run)
        return match


def bound_tokenizer(nlp: Language) -> None:
    """Replace what takes more than linear time. A tokenizer that is built in another way stays as it is."""
    tokenizer: Any = nlp.tokenizer
    if type(tokenizer) is not Tokenizer:
        return
    suffixes = [str(suffix) for suffix in nlp.Defaults.suffixes or ()]
    pattern = getattr(tokenizer.suffix_search, "__self__", None)
    if _are_short(suffixes) and isinstance(pattern, re.Pattern) and _is_made_of(pattern, suffixes):
        tokenizer.suffix_search = TailSearch(pattern)
    url = getattr(tokenizer.url_match, "__self__", None)
    if isinstance(url, re.Pattern) and url.pattern.count(_USER_INFO) == 1:
        tokenizer.url_match = re.compile(url.pattern.replace(_USER_INFO, _SAME_USER_INFO), url.flags).match


def _are_short(suffixes: list[str]) -> bool:
    """True where every suffix but `_LONG_SUFFIX` has a greatest length, and a small one."""
    parser: Any = importlib.import_module("re._parser")
    return all(
        suffix == _LONG_SUFFIX or parser.parse(suffix).getwidth()[1] <= MAX_SUFFIX_CHARS
        for suffix in suffixes
    )


def _is_made_of(pattern: re.Pattern[Any], suffixes: list[str]) -> bool:
    return bool(pattern.pattern == compile_suffix_regex(suffixes).pattern)
