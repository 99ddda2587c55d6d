"""Regular expressions that cannot run away: bounded before they are compiled, and timed while they match.

Presidio catches the time-out of a pattern, logs it and goes on as if nothing had been found. Here a pattern
that runs out of time raises `AnalysisTimedOut`, which Presidio does not catch.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import regex
from presidio_analyzer import Pattern

from shared.errors import AnalysisTimedOut, Unprocessable
from shared.pii.budget import current_budget

core: Any = importlib.import_module("regex._regex_core")
"""The module's own parser. Private: `tests/pii/test_regexes.py` says when an upgrade changes it."""

MAX_EXPANDED_NODES = 150_000
"""How large a pattern may become when its repeats are written out, by `_expanded_nodes`' count.

The `regex` module writes `x{n}` out n times, nested repeats multiplied: `(a{1000}){1000}`, seven million by
that count, takes 260 MB, and larger ones end the process. 150,000 are at most 30 MB and 50 ms.
"""

KEPT_NODES = 3_000
"""Compiled patterns up to this size are kept for the next request: 256 are 150 MB at the very most."""

_TOO_LONG = "a pattern ran out of time; nothing was found or released"
_TOO_LARGE = "a pattern needs too much memory; nothing was released"

UNUSABLE = "a regular expression of the request cannot be used"


def compile_bounded(pattern: str, flags: int) -> regex.Pattern[str]:
    """Compile a pattern that came with a request.

    Raises Unprocessable where it does not parse, would grow above MAX_EXPANDED_NODES, or calls itself
    (`(?R)`, `(?1)`: a call takes memory without bound). Small patterns are kept: the same ones come again.
    """
    nodes = measure_patterns([(pattern, flags)])
    return _compile_and_keep(pattern, flags) if nodes <= KEPT_NODES else _compile(pattern, flags)


def measure_patterns(patterns: Iterable[tuple[str, int]]) -> int:
    """How large patterns with their flags become together. Raises Unprocessable above MAX_EXPANDED_NODES."""
    nodes = sum(_measure(pattern, flags) for pattern, flags in patterns)
    if nodes > MAX_EXPANDED_NODES:
        raise Unprocessable(f"{UNUSABLE}: written out, it has more than {MAX_EXPANDED_NODES} parts")
    return nodes


@lru_cache(maxsize=1024)
def _measure(pattern: str, flags: int) -> int:
    try:
        return _expanded_nodes(_parse(pattern, flags))
    except (regex.error, ValueError, RecursionError, OverflowError, MemoryError):
        raise Unprocessable(f"{UNUSABLE}: it does not parse") from None


def _compile(pattern: str, flags: int) -> regex.Pattern[str]:
    try:
        compiled: regex.Pattern[str] = regex.compile(pattern, flags, cache_pattern=False)
    except Exception:  # noqa: BLE001 - the module raises many kinds, and their texts quote the pattern
        raise Unprocessable(f"{UNUSABLE}: it does not compile") from None
    return compiled


_compile_and_keep = lru_cache(maxsize=256)(_compile)


def _parse(pattern: str, flags: int) -> Any:
    """The tree that `regex` itself would compile: a second parser could be set at odds with it.

    Its own optimiser has been over it too: with full case folding, that makes a hundred branches of a set.
    """
    tree, info = _parse_with_flags(pattern, flags)
    is_reverse = bool(info.flags & core.REVERSE)
    tree.fix_groups(pattern, is_reverse, False)
    return tree.optimise(info, is_reverse).pack_characters(info)


def _parse_with_flags(pattern: str, flags: int) -> tuple[Any, Any]:
    while True:
        source = core.Source(pattern)
        info = core.Info(flags, source.char_type, {})
        info.guess_encoding = core.UNICODE
        source.ignore_space = bool(info.flags & core.VERBOSE)
        try:
            tree = core._parse_pattern(source, info)
            info.flags |= 0 if info.flags & core.ASCII else core.UNICODE
            return tree, info
        except core._UnscopedFlagSet:  # a flag such as (?V1) in the middle: parse again with it
            flags = info.global_flags


def _expanded_nodes(node: Any) -> int:
    """Nodes of a parse tree, each repeat's part counted as often as it must match."""
    if isinstance(node, core.RegexBase):
        if isinstance(node, core.CallGroup):
            raise Unprocessable(f"{UNUSABLE}: it calls itself")
        inner = sum(_expanded_nodes(part) for part in vars(node).values())
        return int((1 + inner) * max(1, getattr(node, "min_count", 1)))
    if isinstance(node, list | tuple | set | frozenset):
        return sum(_expanded_nodes(part) for part in node) + sum(isinstance(part, int) for part in node)
    return len(node) if isinstance(node, str) else 0


class GuardedRegex:
    """A compiled pattern under the budget of the call: Presidio's one use of it, `finditer`, and ours."""

    __slots__ = ("_compiled", "_is_ad_hoc")

    def __init__(self, compiled: regex.Pattern[str], is_ad_hoc: bool) -> None:
        self._compiled = compiled
        self._is_ad_hoc = is_ad_hoc

    def is_found(self, text: str, seconds: float) -> bool:
        """True where the pattern matches anywhere, an empty match included; for patterns of the operators."""
        try:
            return self._compiled.search(text, timeout=seconds) is not None
        except TimeoutError:
            raise AnalysisTimedOut(_TOO_LONG) from None
        except MemoryError:
            raise AnalysisTimedOut(_TOO_LARGE) from None

    def finditer(self, text: str, timeout: float | None = None) -> Iterator[regex.Match[str]]:
        """As the pattern's own; the time-out is the budget's, whatever the caller wants."""
        budget = current_budget()
        started_s = time.thread_time()
        seconds = budget.ad_hoc_seconds_left() if self._is_ad_hoc else budget.seconds_left()
        try:
            for match in self._compiled.finditer(text, timeout=seconds):
                budget.spend_match()
                yield match
        except TimeoutError:
            raise AnalysisTimedOut(_TOO_LONG) from None
        except MemoryError:
            raise AnalysisTimedOut(_TOO_LARGE) from None
        finally:
            if self._is_ad_hoc:
                budget.spend_ad_hoc(time.thread_time() - started_s)


class GuardedPattern(Pattern):
    """Presidio's Pattern whose compiled form is always guarded, also where Presidio compiles it anew."""

    def __init__(self, name: str, regex_text: str, score: float, compiled: Any, flags: Any, is_ad_hoc: bool):
        # Not the parent's: it would compile the text once more, unbounded and into a cache.
        self.name = name
        self.regex = regex_text
        self.score = score
        self.is_ad_hoc = is_ad_hoc
        self.compiled_regex = compiled
        self.compiled_with_flags = flags

    @property  # type: ignore[override]  # the parent assigns plain attributes
    def compiled_regex(self) -> GuardedRegex | None:
        """What PatternRecognizer calls `finditer` on."""
        return self._guarded

    @compiled_regex.setter
    def compiled_regex(self, compiled: regex.Pattern[str] | None) -> None:
        self._guarded = None if compiled is None else GuardedRegex(compiled, self.is_ad_hoc)


def guard(pattern: Pattern, flags: int) -> GuardedPattern:
    """The operators' own pattern, guarded and compiled with the flags of its recognizer."""
    compiled = regex.compile(pattern.regex, flags)
    return GuardedPattern(pattern.name, pattern.regex, pattern.score, compiled, flags, is_ad_hoc=False)


def search_bounded(compiled: regex.Pattern[str], text: str) -> bool:
    """True where a pattern of the request matches anywhere in a text. Raises AnalysisTimedOut."""
    budget = current_budget()
    started_s = time.thread_time()
    try:
        return compiled.search(text, timeout=budget.ad_hoc_seconds_left()) is not None
    except (TimeoutError, MemoryError):
        raise AnalysisTimedOut("a pattern of allow_list ran out of time; nothing was released") from None
    finally:
        budget.spend_ad_hoc(time.thread_time() - started_s)
