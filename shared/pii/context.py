"""Presidio's context enhancement in linear time: the same scores and explanations.

Stock looks for the token of every finding from the start of the text, and for every word before it in a list
of all the text's keywords; on long texts that takes most of its time. Here both are looked up.
"""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right
from typing import Any

from presidio_analyzer import AnalysisExplanation, EntityRecognizer, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer, LemmaContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts

from shared.errors import Unprocessable

_IDENTIFIER = RecognizerResult.RECOGNIZER_IDENTIFIER_KEY
_IS_ENHANCED = RecognizerResult.IS_SCORE_ENHANCED_BY_CONTEXT_KEY


class LinearContextEnhancer(LemmaContextAwareEnhancer):
    """LemmaContextAwareEnhancer with its parameters and its results."""

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: NlpArtifacts,
        recognizers: list[EntityRecognizer],
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        """Copies of the results, with higher scores where words around them speak for them.

        Raises Unprocessable where a finding lies behind the last word (stock: a ValueError that quotes it).
        """
        results = copied_results(raw_results)
        words_of = {recognizer.id: recognizer.context for recognizer in recognizers}
        surroundings = _Surroundings(self, nlp_artifacts, [word.lower() for word in context or ()])
        for result in results:
            metadata = result.recognition_metadata or {}
            words = words_of.get(metadata.get(_IDENTIFIER))
            if not words or metadata.get(_IS_ENHANCED):
                continue
            word = surroundings.supportive_word(result.start, words)
            if word != "":
                self._raise_score(result, word)
        return results

    def _raise_score(self, result: RecognizerResult, word: str) -> None:
        raised = max(result.score + self.context_similarity_factor, self.min_score_with_context_similarity)
        result.score = min(raised, ContextAwareEnhancer.MAX_SCORE)
        result.analysis_explanation.set_supportive_context_word(word)
        result.analysis_explanation.set_improved_score(result.score)


class _Surroundings:
    """The words around each place of one text, computed when a finding asks for them."""

    def __init__(self, enhancer: LinearContextEnhancer, artifacts: NlpArtifacts, context: list[str]) -> None:
        self._enhancer = enhancer
        self._artifacts = artifacts
        self._context = [word.lower() for word in context]
        self._ends: list[int] | None = None
        self._keyword_places: list[int] = []
        self._keywords: list[str] = []
        self._words: dict[int, list[str]] = {}
        self._answers: dict[tuple[int, int], str] = {}

    def supportive_word(self, start: int, words: list[str]) -> str:
        """The first of a recognizer's context words that is found around a place; "" where none is."""
        place = self._token_at(start)
        key = (place, id(words))
        if key not in self._answers:
            self._answers[key] = self._find(self._words_around(place), words)
        return self._answers[key]

    def _find(self, around: list[str], words: list[str]) -> str:
        if self._enhancer.context_matching_mode == "substring":
            return next((word for word in words if any(word.lower() in near for near in around)), "")
        return next((word for word in words if word.lower() in around), "")

    def _token_at(self, start: int) -> int:
        """Index of the first token that ends behind `start`: stock's choice. -1 where there are no tokens."""
        if self._ends is None:
            self._ends = self._index_tokens()
        place = bisect_right(self._ends, start)
        if place < len(self._ends):
            return place
        if not self._ends:
            return -1
        raise Unprocessable(
            "a pattern found a place behind the last word, where no context can be looked for"
        )

    def _index_tokens(self) -> list[int]:
        artifacts = self._artifacts
        tokens = artifacts.tokens
        if not tokens:
            return []
        keywords = set(artifacts.keywords)
        for place, lemma in enumerate(artifacts.lemmas):
            lowered = lemma.lower()
            if lowered in keywords:
                self._keyword_places.append(place)
                self._keywords.append(lowered.lower())
        return [at + len(token) for at, token in zip(artifacts.tokens_indices, tokens, strict=True)]

    def _words_around(self, place: int) -> list[str]:
        """Keywords up to the place and from it on (it counts itself), and the request's own context words."""
        if place < 0:
            return ["", *self._context]
        if place not in self._words:
            behind = bisect_right(self._keyword_places, place)
            ahead = bisect_left(self._keyword_places, place)
            before = self._keywords[max(0, behind - self._enhancer.context_prefix_count - 1) : behind]
            after = self._keywords[ahead : ahead + self._enhancer.context_suffix_count + 1]
            self._words[place] = [*before, *after, *self._context]
        return self._words[place]


def copied_results(results: list[RecognizerResult]) -> list[RecognizerResult]:
    """As deep as anything here writes. What is one object in the list stays one, as with a deep copy."""
    made: dict[int, Any] = {}

    def copied(original: Any) -> Any:
        if id(original) not in made:
            made[id(original)] = copy.copy(original)
        return made[id(original)]

    copies = []
    for result in results:
        twin = copied(result)
        if isinstance(result.analysis_explanation, AnalysisExplanation):
            twin.analysis_explanation = copied(result.analysis_explanation)
        copies.append(twin)
    return copies


def linear(stock: ContextAwareEnhancer) -> ContextAwareEnhancer:
    """The same enhancer in linear time; anything but Presidio's own class is left as it is."""
    if type(stock) is not LemmaContextAwareEnhancer:
        return stock
    return LinearContextEnhancer(
        context_similarity_factor=stock.context_similarity_factor,
        min_score_with_context_similarity=stock.min_score_with_context_similarity,
        context_prefix_count=stock.context_prefix_count,
        context_suffix_count=stock.context_suffix_count,
        context_matching_mode=stock.context_matching_mode,
    )
