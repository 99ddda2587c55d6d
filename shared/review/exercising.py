"""What calls needed of a role, gathered call by call."""

from __future__ import annotations

from typing import Any

from shared.review.policy_view import ANALYZE, OPERATOR_OPERATIONS
from shared.review.uses import Exercise

NOT_NAMED = frozenset({"(other)", "(ad-hoc)"})
"""What stands in a record for a word that a caller made up (`shared.records.vocabulary`)."""

STATEMENTS = ("purpose", "justification", "ticket", "approval")


class Exercising:
    """Sets that grow up to the vocabulary of records, and maxima."""

    __slots__ = (
        "ad_hoc",
        "decision_process",
        "entities",
        "has_unknown_operators",
        "is_unrestricted",
        "languages",
        "most_chars",
        "most_texts",
        "operations",
        "operators",
        "purposes",
        "without",
    )

    def __init__(self) -> None:
        self.operations: set[str] = set()
        self.entities: set[str] = set()
        self.is_unrestricted = False
        self.operators: set[str] = set()
        self.has_unknown_operators = False
        self.languages: set[str] = set()
        self.ad_hoc = False
        self.decision_process = False
        self.most_chars = 0
        self.most_texts = 0
        self.purposes: set[str] = set()
        self.without: dict[str, set[str]] = {}

    def take(self, operation: str, what: dict[str, Any], decision: dict[str, Any]) -> None:
        """Take an allowed call: `what` and `decision` of its access or intent record."""
        get = what.get
        self.operations.add(operation)
        if language := get("language"):
            self.languages.add(language)
        if get("ad_hoc_recognizers"):
            self.ad_hoc = True
        if get("decision_process"):
            self.decision_process = True
        if (chars := get("input_chars", 0)) > self.most_chars:
            self.most_chars = chars
        if (texts := get("texts", 0)) > self.most_texts:
            self.most_texts = texts
        if operation == ANALYZE:
            self._take_entities(get("entities_requested"), get("entities_released"), texts)
        elif operation in OPERATOR_OPERATIONS:
            self._take_operators(get("operators"), get("operators_requested"), texts)
        self._take_statements(operation, decision)

    def _take_entities(
        self, requested: list[str] | None, released: dict[str, int] | None, texts: int
    ) -> None:
        """A body that could not be read (no texts) named nothing, and nothing was searched."""
        if requested:
            self.entities.update(requested)
        elif texts:
            self.is_unrestricted = True
        if released:
            self.entities.update(released)
        if not NOT_NAMED.isdisjoint(self.entities):
            self.entities -= NOT_NAMED
            self.is_unrestricted = True

    def _take_operators(self, ran: list[str] | None, requested: list[str] | None, texts: int) -> None:
        """Records of older versions say which operators ran, and not which others the request named."""
        if ran:
            self.operators.update(ran)
        if requested is not None:
            self.operators.update(requested)
        elif texts:
            self.has_unknown_operators = True
        if not NOT_NAMED.isdisjoint(self.operators):
            self.operators -= NOT_NAMED
            self.has_unknown_operators = True

    def _take_statements(self, operation: str, decision: dict[str, Any]) -> None:
        lacking = self.without.get(operation)
        if lacking is None:
            lacking = self.without[operation] = set()
        for name in STATEMENTS:
            if not decision.get(name):
                lacking.add(name)
        if purpose := decision.get("purpose"):
            self.purposes.add(purpose)

    def freeze(self) -> Exercise:
        """All calls together."""
        return Exercise(
            operations=_words(self.operations),
            entities=_words(self.entities),
            is_unrestricted=self.is_unrestricted,
            operators=_words(self.operators),
            has_unknown_operators=self.has_unknown_operators,
            languages=_words(self.languages),
            ad_hoc_recognizers=self.ad_hoc,
            decision_process=self.decision_process,
            most_chars=self.most_chars,
            most_texts=self.most_texts,
            purposes=_words(self.purposes),
            without={name: frozenset(words) for name, words in sorted(self.without.items())},
        )


def _words(words: set[str]) -> frozenset[str]:
    """Words of a vocabulary; what a later version may write in their place is none."""
    return frozenset(word for word in words if isinstance(word, str))
