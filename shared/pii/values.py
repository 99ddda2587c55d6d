"""What a caller asks for, as frozen values. None of them shows itself in `repr`: they hold texts and keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

DEFAULT_TYPE = "DEFAULT"
"""The key of the operator for every entity type that has none of its own."""

FALLBACK_OPERATOR = "replace"
"""Presidio's operator where a request names none (`<ENTITY_TYPE>` in place of the text)."""

REMOTE_OPERATOR = "surrogate_ahds"
"""Azure Health Data Services: the one operator that sends values to another service."""


class EngineRequest(Protocol):
    """What the policy, the record and the digest need to know of any request."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The texts, to be digested; never to be written anywhere."""
        ...

    @property
    def texts(self) -> int:
        """How many texts."""
        ...

    @property
    def chars(self) -> int:
        """Characters (code points) of all texts together."""
        ...

    @property
    def language(self) -> str | None:
        """As the caller wrote it; None for anonymize and deanonymize."""
        ...

    @property
    def entities(self) -> tuple[str, ...] | None:
        """Entity types that the request names (sorted, each once), None where it names none.

        For anonymize and deanonymize: the types of the spans that it brings.
        """
        ...

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of the operators that the request names or falls back on (sorted, each once)."""
        ...

    @property
    def has_own_patterns(self) -> bool:
        """True where it brings recognizers or an allow list, which may be regular expressions."""
        ...

    @property
    def ad_hoc_recognizers(self) -> int:
        """How many recognizers the request brings along."""
        ...

    @property
    def decision_process(self) -> bool:
        """True where explanations are asked for."""
        ...

    @property
    def correlation_id(self) -> str | None:
        """The caller's own id of the call: to be digested, never written."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Operator:
    """An operator for one entity type (or `DEFAULT`) with its parameters, keys included."""

    entity_type: str
    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Span:
    """A piece of a text: characters `start` to `end` (exclusive), its type, and the score if it has one."""

    entity_type: str
    start: int
    end: int
    score: float | None


@dataclass(frozen=True, slots=True, repr=False)
class AdHocPattern:
    """One regular expression of an ad-hoc recognizer."""

    name: str
    regex: str
    score: float


@dataclass(frozen=True, slots=True, repr=False)
class AdHocRecognizer:
    """A recognizer that a request brings along (Presidio's PatternRecognizer as JSON)."""

    supported_entity: str
    name: str | None
    supported_language: str
    patterns: tuple[AdHocPattern, ...]
    deny_list: tuple[str, ...]
    context: tuple[str, ...]
    deny_list_score: float
    global_regex_flags: int


class _Texts:
    """What follows from `inputs`."""

    __slots__ = ()
    inputs: tuple[str, ...]

    @property
    def texts(self) -> int:
        return len(self.inputs)

    @property
    def chars(self) -> int:
        return sum(map(len, self.inputs))

    @property
    def has_own_patterns(self) -> bool:
        return False


@dataclass(frozen=True, slots=True, repr=False)
class AnalyzeRequest(_Texts):
    """POST /analyze. `is_batch`: the text was a list, so the answer is a list of lists."""

    inputs: tuple[str, ...]
    is_batch: bool
    language: str
    entities: tuple[str, ...] | None
    score_threshold: float | None
    decision_process: bool
    ad_hoc: tuple[AdHocRecognizer, ...]
    context: tuple[str, ...]
    allow_list: tuple[str, ...]
    allow_list_match: str | None
    regex_flags: int
    correlation_id: str | None

    @property
    def operators(self) -> tuple[str, ...]:
        return ()

    @property
    def ad_hoc_recognizers(self) -> int:
        return len(self.ad_hoc)

    @property
    def has_own_patterns(self) -> bool:
        return bool(self.ad_hoc or self.allow_list)


@dataclass(frozen=True, slots=True, repr=False)
class RedactRequest(_Texts):
    """POST /redact: analyze and anonymize in one call. The answer is a list where the text was one."""

    inputs: tuple[str, ...]
    analysis: AnalyzeRequest
    choices: tuple[Operator, ...]

    @property
    def language(self) -> str:
        return self.analysis.language

    @property
    def entities(self) -> tuple[str, ...] | None:
        return self.analysis.entities

    @property
    def operators(self) -> tuple[str, ...]:
        names = {choice.name for choice in self.choices}
        if not any(choice.entity_type == DEFAULT_TYPE for choice in self.choices):
            names.add(FALLBACK_OPERATOR)
        return tuple(sorted(names))

    @property
    def ad_hoc_recognizers(self) -> int:
        return len(self.analysis.ad_hoc)

    @property
    def has_own_patterns(self) -> bool:
        return self.analysis.has_own_patterns

    @property
    def decision_process(self) -> bool:
        return False

    @property
    def correlation_id(self) -> str | None:
        return self.analysis.correlation_id


@dataclass(frozen=True, slots=True, repr=False)
class _SpansRequest(_Texts):
    inputs: tuple[str, ...]
    spans: tuple[Span, ...]
    choices: tuple[Operator, ...]

    @property
    def language(self) -> None:
        return None

    @property
    def entities(self) -> tuple[str, ...]:
        return tuple(sorted({span.entity_type for span in self.spans}))

    @property
    def ad_hoc_recognizers(self) -> int:
        return 0

    @property
    def decision_process(self) -> bool:
        return False

    @property
    def correlation_id(self) -> None:
        return None


@dataclass(frozen=True, slots=True, repr=False)
class AnonymizeRequest(_SpansRequest):
    """POST /anonymize: one text, the spans found in it, and what to do with each type."""

    @property
    def operators(self) -> tuple[str, ...]:
        chosen = {choice.entity_type: choice.name for choice in self.choices}
        names = set(chosen.values())
        if DEFAULT_TYPE not in chosen and _lacks_choice(self.entities, chosen):
            names.add(FALLBACK_OPERATOR)
        return tuple(sorted(names))


@dataclass(frozen=True, slots=True, repr=False)
class DeanonymizeRequest(_SpansRequest):
    """POST /deanonymize: one text, the spans that were anonymized in it, and how to undo each type."""

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(sorted({choice.name for choice in self.choices}))


def _lacks_choice(types: Iterable[str], chosen: Mapping[str, str]) -> bool:
    return any(entity_type not in chosen for entity_type in types)
