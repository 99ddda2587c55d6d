"""Presidio's analyzer and anonymizer behind four calls. Importing this file imports no Presidio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.errors import EngineFailed, InputTooLarge, PresidioAccessError, Unprocessable
from shared.pii.budget import Budget, spending
from shared.pii.configuration import check_models, read_configuration
from shared.pii.files import EngineFiles, EngineLimits
from shared.pii.loading import check_ahds, load_analyzer
from shared.pii.requests import AnalyzeRequest, AnonymizeRequest, DeanonymizeRequest, RedactRequest
from shared.pii.values import REMOTE_OPERATOR, Operator, Span

if TYPE_CHECKING:
    from shared.pii.analysis import Analyzer, Selection
    from shared.pii.replacing import BoundedAnonymizer, BoundedDeanonymizer


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
    """Thread-safe. Every method raises only errors of `shared.errors`, and none carries values.

    `InputError`, `Unprocessable`, `InputTooLarge`: the request cannot be served. `AnalysisTimedOut`: a
    pattern or the whole call ran out of time. `EngineFailed`: Presidio raised; its text is dropped.
    """

    def __init__(
        self,
        analyzer: Analyzer,
        anonymizer: BoundedAnonymizer,
        deanonymizer: BoundedDeanonymizer,
        limits: EngineLimits,
    ) -> None:
        self._analyzer = analyzer
        self._anonymizer = anonymizer
        self._deanonymizer = deanonymizer
        self._limits = limits
        configured = analyzer.registry.recognizers
        self.languages: tuple[str, ...] = analyzer.languages
        self.entity_vocabulary = frozenset(name for one in configured for name in one.supported_entities)
        self.recognizer_vocabulary = frozenset(str(one.name) for one in configured)  # type: ignore[has-type]
        self.operator_vocabulary = frozenset([*self.anonymizers(), *self.deanonymizers()])

    def analyze(self, request: AnalyzeRequest, searched: tuple[str, ...] | None) -> Analysis:
        """Find PII. `searched` restricts a request that names no entities (None: everything is searched).

        Recognizers that the request brings along run in any case; their language must be the request's.
        """
        return _guarded(lambda: self._analyze(request, searched))

    def redact(self, request: RedactRequest, searched: tuple[str, ...] | None) -> Redaction:
        """Find and replace in one call; what was found does not leave."""
        return _guarded(lambda: self._redact(request, searched))

    def anonymize(self, request: AnonymizeRequest) -> Anonymization:
        """Replace spans."""
        return _guarded(lambda: self._anonymize(request))

    def deanonymize(self, request: DeanonymizeRequest) -> Anonymization:
        """Restore spans."""
        return _guarded(lambda: self._deanonymize(request))

    def recognizers(self, language: str | None) -> list[str]:
        """Names of a language's recognizers (all languages where None), sorted. Raises Unprocessable."""
        return sorted(str(one.name) for one in self._recognizers_of(language))

    def supported_entities(self, language: str | None) -> list[str]:
        """Entity types that are found in a language (in any where None), sorted. Raises Unprocessable."""
        return sorted({name for one in self._recognizers_of(language) for name in one.supported_entities})

    def anonymizers(self) -> list[str]:
        """Names of the operators for anonymize, in Presidio's order."""
        return list(self._anonymizer.get_anonymizers())

    def deanonymizers(self) -> list[str]:
        """Names of the operators for deanonymize, in Presidio's order."""
        return list(self._deanonymizer.get_deanonymizers())

    def _recognizers_of(self, language: str | None) -> list[Any]:
        languages = self.languages if language is None else (language,)
        return [one for name in languages for one in self._analyzer.recognizers(name)]

    def _findings(
        self, request: AnalyzeRequest, searched: tuple[str, ...] | None
    ) -> tuple[Selection, list[list[Any]]]:
        longest = max(map(len, request.inputs), default=0)
        if longest > self._limits.max_text_chars:
            raise InputTooLarge(
                f"a text may have at most {self._limits.max_text_chars} characters, got {longest}"
            )
        budget = Budget(
            self._limits.analysis_timeout_ms / 1000,
            self._limits.ad_hoc_timeout_ms / 1000,
            self._limits.max_matches,
        )
        selection = self._analyzer.select(request, searched)
        with spending(budget):
            return selection, self._analyzer.analyze(request, selection)

    def _analyze(self, request: AnalyzeRequest, searched: tuple[str, ...] | None) -> Analysis:
        from shared.pii.analysis import count_recognizers, render_finding

        selection, findings = self._findings(request, searched)
        rendered = [[render_finding(one) for one in results] for results in findings]
        return Analysis(
            answer=rendered if request.is_batch else rendered[0],
            searched=selection.searched,
            found=_count(one.entity_type for results in findings for one in results),
            recognizers=count_recognizers(findings, selection.recognizers),
        )

    def _redact(self, request: RedactRequest, searched: tuple[str, ...] | None) -> Redaction:
        from shared.pii.analysis import count_recognizers

        _check_operators(request.choices, self._limits)
        selection, findings = self._findings(request.analysis, searched)
        answers = []
        left = self._limits.max_output_chars
        for text, results in zip(request.inputs, findings, strict=True):
            answer = self._replace(text, results, request.choices)
            answers.append(answer)
            left -= len(answer["text"])
            if left < 0:
                raise InputTooLarge(
                    f"the new texts would have more than {self._limits.max_output_chars} characters"
                )
        items = [item for answer in answers for item in answer["items"]]
        return Redaction(
            answer=answers if request.analysis.is_batch else answers[0],
            searched=selection.searched,
            found=_count(one.entity_type for results in findings for one in results),
            recognizers=count_recognizers(findings, selection.recognizers),
            operators=_operators(items),
            entities=_count(item["entity_type"] for item in items),
            output_chars=sum(len(answer["text"]) for answer in answers),
        )

    def _anonymize(self, request: AnonymizeRequest) -> Anonymization:
        from presidio_anonymizer.entities import RecognizerResult

        _check_operators(request.choices, self._limits)
        spans = [
            RecognizerResult(one.entity_type, one.start, one.end, one.score or 0) for one in request.spans
        ]
        return _anonymization(self._replace(request.inputs[0], spans, request.choices))

    def _replace(self, text: str, spans: list[Any], choices: tuple[Operator, ...]) -> dict[str, Any]:
        made = self._anonymizer.anonymize(text, spans, self._configs(choices))
        return {"items": [item.to_dict() for item in made.items], "text": made.text}

    def _deanonymize(self, request: DeanonymizeRequest) -> Anonymization:
        from presidio_anonymizer.entities import OperatorResult

        spans = [
            OperatorResult(one.start, one.end, one.entity_type, score=_as_float(one)) for one in request.spans
        ]
        made = self._deanonymizer.deanonymize(request.inputs[0], spans, self._configs(request.choices))
        return _anonymization({"items": [item.to_dict() for item in made.items], "text": made.text})

    def _configs(self, choices: tuple[Operator, ...]) -> dict[str, Any]:
        from presidio_anonymizer.entities import OperatorConfig

        configs = {}
        for choice in choices:
            params = dict(choice.params)
            if choice.name == REMOTE_OPERATOR:
                params["endpoint"] = self._limits.ahds_endpoint
            configs[choice.entity_type] = OperatorConfig(choice.name, params)
        return configs


def check_files(files: EngineFiles) -> None:
    """Refuse unusable configuration before anything heavy is loaded, in milliseconds.

    Every file parses, and every spaCy model that they name is installed: Presidio would download it.
    Raises SettingsError that names the setting.
    """
    check_models(read_configuration(files).models)


def load_engine(files: EngineFiles, limits: EngineLimits) -> Engine:
    """Load the models (seconds, hundreds of megabytes) and run each part once. Raises SettingsError."""
    check_files(files)
    check_ahds(limits)
    analyzer = load_analyzer(files, limits)
    from shared.pii.replacing import BoundedAnonymizer, BoundedDeanonymizer
    from shared.pii.warming import warm_up

    engine = Engine(
        analyzer,
        BoundedAnonymizer(limits.max_output_chars),
        BoundedDeanonymizer(limits.max_output_chars),
        limits,
    )
    warm_up(engine)
    return engine


def _guarded[T](work: Callable[[], T]) -> T:
    """Run Presidio. Foreign exceptions become EngineFailed; none stays attached: they hold values."""
    failure: PresidioAccessError
    try:
        return work()
    except PresidioAccessError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - whatever Presidio raises, its text must not leave
        failure = EngineFailed(f"the engine failed ({type(error).__name__})")
    failure.__cause__ = failure.__context__ = None
    raise failure


def _check_operators(choices: tuple[Operator, ...], limits: EngineLimits) -> None:
    """The service's identity goes where operators have said, or nowhere."""
    for choice in choices:
        if choice.name != REMOTE_OPERATOR:
            continue
        if limits.ahds_endpoint is None:
            raise Unprocessable(f"{REMOTE_OPERATOR} is not available: this service has no endpoint for it")
        if "endpoint" in choice.params:
            raise Unprocessable(f"{REMOTE_OPERATOR} takes no endpoint: the service's own is used")


def _anonymization(answer: dict[str, Any]) -> Anonymization:
    return Anonymization(
        answer=answer,
        operators=_operators(answer["items"]),
        entities=_count(item["entity_type"] for item in answer["items"]),
        output_chars=len(answer["text"]),
    )


def _operators(items: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted({item["operator"] for item in items}))


def _count(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words))


def _as_float(span: Span) -> float | None:
    return None if span.score is None else float(span.score)
