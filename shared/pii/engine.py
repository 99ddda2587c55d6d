"""The engine: Presidio's analyzer and anonymizer behind four calls. Importing this file imports no Presidio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.pii.files import EngineFiles, EngineLimits
from shared.pii.requests import AnalyzeRequest, AnonymizeRequest, DeanonymizeRequest, RedactRequest


@dataclass(frozen=True, slots=True, repr=False)
class Analysis:
    """What was found. `answer` is what Presidio's server would send (JSON values, keys sorted).

    `searched`: the entity types that were looked for (sorted; ad-hoc types included). `found`: findings by
    entity type. `recognizers`: every recognizer that ran, with its number of findings.
    Types and names of ad-hoc recognizers are as the caller wrote them: replace them before they are recorded.
    """

    answer: list[Any]
    searched: tuple[str, ...]
    found: dict[str, int]
    recognizers: dict[str, int]


@dataclass(frozen=True, slots=True, repr=False)
class Anonymization:
    """A text with its spans replaced, or restored. `answer` is `{"text", "items"}`, as Presidio's.

    `operators`: names of those that ran. `entities`: items by entity type. `output_chars`: of the new text.
    """

    answer: dict[str, Any]
    operators: tuple[str, ...]
    entities: dict[str, int]
    output_chars: int


@dataclass(frozen=True, slots=True, repr=False)
class Redaction:
    """Analysis and anonymization in one. `answer` is `{"text", "items"}`, or a list of them for a batch.

    `found`: findings by entity type before overlaps were merged; `entities`: replaced items by type.
    """

    answer: dict[str, Any] | list[Any]
    searched: tuple[str, ...]
    found: dict[str, int]
    recognizers: dict[str, int]
    operators: tuple[str, ...]
    entities: dict[str, int]
    output_chars: int


class Engine:
    """Thread-safe once loaded. Every method raises only errors of `shared.errors`.

    `InputError`, `Unprocessable`, `InputTooLarge`: the request cannot be served. `AnalysisTimedOut`: a
    pattern or the whole call ran out of time. `EngineFailed`: Presidio raised; its text is dropped.
    """

    languages: tuple[str, ...]
    entity_vocabulary: frozenset[str]
    recognizer_vocabulary: frozenset[str]
    operator_vocabulary: frozenset[str]

    def analyze(self, request: AnalyzeRequest, searched: tuple[str, ...] | None) -> Analysis:
        """Find PII. `searched` restricts a request that names no entities (None: everything is searched)."""
        raise NotImplementedError

    def anonymize(self, request: AnonymizeRequest) -> Anonymization:
        """Replace spans."""
        raise NotImplementedError

    def deanonymize(self, request: DeanonymizeRequest) -> Anonymization:
        """Restore spans."""
        raise NotImplementedError

    def redact(self, request: RedactRequest, searched: tuple[str, ...] | None) -> Redaction:
        """Find and replace in one call."""
        raise NotImplementedError

    def recognizers(self, language: str | None) -> list[str]:
        """Names of the recognizers for a language (all languages where None), sorted."""
        raise NotImplementedError

    def supported_entities(self, language: str | None) -> list[str]:
        """Entity types that can be found in a language (in any where None), sorted."""
        raise NotImplementedError

    def anonymizers(self) -> list[str]:
        """Names of the operators for anonymize, in Presidio's order."""
        raise NotImplementedError

    def deanonymizers(self) -> list[str]:
        """Names of the operators for deanonymize, in Presidio's order."""
        raise NotImplementedError


def check_files(files: EngineFiles) -> None:
    """Refuse unusable configuration before anything heavy is loaded. Raises SettingsError."""
    raise NotImplementedError


def load_engine(files: EngineFiles, limits: EngineLimits) -> Engine:
    """Load the models (seconds, hundreds of megabytes). Raises SettingsError."""
    raise NotImplementedError
