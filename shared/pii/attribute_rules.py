"""spaCy's attribute ruler with its matches remembered: the same list of matches, most of it looked up.

The rules of spaCy's models give tokens their part of speech and lemma by their tag, dependency and lower-case
form. Stock matches every rule against every token. Rules over one token decide by few values of that token,
so what they decided for the same values before holds again; rules over several tokens name words, and are
only run where one of the words is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from spacy.attrs import DEP, IS_SPACE, LOWER, TAG
from spacy.matcher import Matcher
from spacy.pipeline import AttributeRuler
from spacy.tokens import Doc

_PATTERN_KEYS = frozenset({"TAG", "LOWER", "DEP", "IS_SPACE"})
MAX_REMEMBERED = 20_000
"""Combinations of tag, dependency and word that are kept; then they are found anew."""


class RememberedRules:
    """A step of a pipeline that does what an AttributeRuler does."""

    def __init__(self, ruler: AttributeRuler) -> None:
        """Raises ValueError where the rules use what is not known here to depend on the token alone."""
        self._ruler = ruler
        self._single = Matcher(ruler.vocab)
        self._several = Matcher(ruler.vocab)
        self._named: set[str] = set()
        self._described: list[re.Pattern[str]] = []
        self._starters: set[int] = set()
        self._is_special: dict[int, bool] = {}
        self._remembered: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for number, rule in enumerate(ruler.patterns):
            patterns: Any = rule["patterns"]
            for pattern in patterns:
                self._add(ruler.vocab.strings.add(str(number)), pattern)

    def _add(self, rule: int, pattern: Any) -> None:
        for token in pattern:
            if not _PATTERN_KEYS.issuperset(token):
                raise ValueError("a rule looks at something else than tag, word, dependency and space")
        words = [word for token in pattern for word in _named_words(token.get("LOWER"))]
        if len(pattern) == 1:
            description = _description(pattern[0].get("LOWER"))
            if "LOWER" in pattern[0] and not words and description is None:
                raise ValueError("a rule over one token does not say which words it means")
            self._named.update(words)
            self._described += [description] if description is not None else []
            self._single.add(rule, [pattern])
        else:
            if not words:
                raise ValueError("a rule over several tokens names no word")
            self._starters |= {self._ruler.vocab.strings.add(word) for word in words}
            self._several.add(rule, [pattern])

    def __call__(self, doc: Doc) -> Doc:
        """Set the attributes that the rules say."""
        self._ruler.set_annotations(doc, self.match(doc))  # type: ignore[no-untyped-call]
        return doc

    def pipe(self, docs: Iterable[Doc], batch_size: int) -> Iterator[Doc]:
        """One after the other; `batch_size` is for components that work on batches."""
        yield from map(self, docs)

    def match(self, doc: Doc) -> list[tuple[int, int, int, int]]:
        """What `AttributeRuler.match` gives: number of the rule, its hash, start and end, sorted."""
        matches = []
        has_starter = False
        for place, (tag, word, dependency, is_space) in enumerate(
            doc.to_array([TAG, LOWER, DEP, IS_SPACE]).tolist()
        ):
            special = self._is_special.get(word)
            if special is None:
                special = self._classify(word)
            key = (tag, dependency, is_space, word if special else 0)
            found = self._remembered.get(key)
            if found is None:
                found = self._find(doc, place, key)
            matches += [(number, rule, place, place + 1) for number, rule in found]
            has_starter = has_starter or word in self._starters
        if has_starter:
            spans = self._several(doc, allow_missing=True, as_spans=False)
            matches += [(self._number(rule), rule, start, end) for rule, start, end in spans]
        matches.sort()
        return matches

    def _classify(self, word: int) -> bool:
        """True where a rule over one token names or describes this lower-case form."""
        text = self._ruler.vocab.strings[word]
        special = text in self._named or any(one.search(text) for one in self._described)
        if len(self._is_special) >= MAX_REMEMBERED:
            self._is_special = {}
        self._is_special[word] = special
        return special

    def _find(self, doc: Doc, place: int, key: tuple[int, ...]) -> list[tuple[int, int]]:
        spans = self._single(doc[place : place + 1], allow_missing=True, as_spans=False)
        found = [(self._number(rule), rule) for rule, _, _ in spans]
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered = {}
        self._remembered[key] = found
        return found

    def _number(self, rule: int) -> int:
        return int(self._ruler.vocab.strings[rule])


def _named_words(condition: Any) -> list[str]:
    """The words that a condition names one by one; none where it describes them in another way."""
    if isinstance(condition, str):
        return [condition]
    if isinstance(condition, dict) and set(condition) == {"IN"}:
        return list(condition["IN"])
    return []


def _description(condition: Any) -> re.Pattern[str] | None:
    """The regular expression of a condition that is nothing else; spaCy searches with it."""
    if isinstance(condition, dict) and set(condition) == {"REGEX"}:
        return re.compile(condition["REGEX"])
    return None


def remember_rules(step: Any) -> Any:
    """The step with its matches remembered; anything but spaCy's own ruler is left as it is."""
    if type(step) is not AttributeRuler:
        return step
    try:
        return RememberedRules(step)
    except ValueError:
        return step
