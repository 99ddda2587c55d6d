"""One analysis as Presidio's AnalyzerEngine does it, with bounds, and with every recognizer accounted for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import SpacyRecognizer

from shared.errors import AnalysisTimedOut, Unprocessable
from shared.pii.adhoc_recognizers import build_recognizers
from shared.pii.budget import current_budget
from shared.pii.context import linear
from shared.pii.regexes import compile_bounded, search_bounded
from shared.pii.screening import Gate, screens_of
from shared.pii.spacy_texts import LazySpacyEngine
from shared.pii.values import AnalyzeRequest

NO_RECOGNIZERS = "No matching recognizers were found to serve the request."
"""Presidio's words for an unknown language and for entities of which none can be found."""

_IDENTIFIER = RecognizerResult.RECOGNIZER_IDENTIFIER_KEY
_NAME = RecognizerResult.RECOGNIZER_NAME_KEY


@dataclass(frozen=True, slots=True, repr=False)
class Selection:
    """What runs for a request: recognizers in the order of the registry, and the types they may report."""

    recognizers: list[EntityRecognizer]
    own: frozenset[str]
    entities: list[str]
    allowed: frozenset[str]
    searched: tuple[str, ...]


class Analyzer:
    """Presidio's analyzer over a registry, an NLP engine and an enhancer that are ready for use."""

    def __init__(self, stock: AnalyzerEngine, nlp_engine: NlpEngine, regex_timeout_s: float) -> None:
        self.registry = stock.registry
        self.languages: tuple[str, ...] = tuple(stock.supported_languages)
        self._nlp_engine = nlp_engine
        self._enhancer = linear(stock.context_aware_enhancer)
        self._default_threshold = stock.default_score_threshold
        self._regex_timeout_s = regex_timeout_s
        self._screens = screens_of(stock.registry.recognizers)

    def recognizers(self, language: str) -> list[EntityRecognizer]:
        """The configured recognizers of a language. Raises Unprocessable where there are none."""
        found = [one for one in self.registry.recognizers if one.supported_language == language]
        if not found:
            raise Unprocessable(NO_RECOGNIZERS)
        return found

    def select(self, request: AnalyzeRequest, searched: tuple[str, ...] | None) -> Selection:
        """What to run: for named entities those that find them; otherwise all, or those of `searched`."""
        configured = self.recognizers(request.language)
        brought = [
            one for one in build_recognizers(request.ad_hoc) if one.supported_language == request.language
        ]
        supported = {entity for one in configured for entity in one.supported_entities}
        wanted = supported if searched is None else supported.intersection(searched)
        if request.entities is not None:
            wanted = set(request.entities)
            brought = [one for one in brought if wanted.intersection(one.supported_entities)]
        chosen = [one for one in configured if wanted.intersection(one.supported_entities)]
        if request.entities is not None and not chosen and not brought:
            raise Unprocessable(NO_RECOGNIZERS)
        asked = request.entities if request.entities is not None else sorted(wanted)
        return Selection(
            recognizers=[*chosen, *brought],
            own=frozenset(one.id for one in brought),
            entities=list(asked),
            allowed=frozenset(wanted),
            searched=tuple(sorted((supported & wanted).union(*(one.supported_entities for one in brought)))),
        )

    def analyze(self, request: AnalyzeRequest, selection: Selection) -> list[list[RecognizerResult]]:
        """The findings of each text, in Presidio's order. Runs within `spending(budget)`."""
        artifacts = self._process(request, selection)
        return [
            self._analyze_text(text, made, request, selection)
            for text, made in zip(request.inputs, artifacts, strict=True)
        ]

    def _process(self, request: AnalyzeRequest, selection: Selection) -> Iterator[NlpArtifacts]:
        if isinstance(self._nlp_engine, LazySpacyEngine):
            needs_entities = any(isinstance(one, SpacyRecognizer) for one in selection.recognizers)
            is_whole = not all(map(_is_presidios, selection.recognizers))
            return self._nlp_engine.process_texts(request.inputs, request.language, needs_entities, is_whole)
        return (self._nlp_engine.process_text(text, request.language) for text in request.inputs)

    def _analyze_text(
        self, text: str, artifacts: NlpArtifacts, request: AnalyzeRequest, selection: Selection
    ) -> list[RecognizerResult]:
        results: list[RecognizerResult] = []
        opened: dict[Gate, bool] = {}
        for recognizer in selection.recognizers:
            screen = self._screens.get(recognizer.id)
            if screen is not None and screen.is_silent(text, opened):
                continue
            found = self._run(recognizer, text, artifacts, selection.entities)
            if recognizer.id not in selection.own:
                found = [one for one in found if one.entity_type in selection.allowed]
            results.extend(found)
        results = self._enhance(text, results, artifacts, selection.recognizers, request.context)
        results = self._above_threshold(results, request.score_threshold, selection.recognizers)
        results = EntityRecognizer.remove_duplicates(results)
        if request.allow_list:
            results = _without_allowed(results, text, request)
        if not request.decision_process:
            for result in results:
                result.analysis_explanation = None  # type: ignore[assignment]  # as stock does
        return results

    def _run(
        self, recognizer: EntityRecognizer, text: str, artifacts: NlpArtifacts, entities: list[str]
    ) -> list[RecognizerResult]:
        """One recognizer's findings, marked with its name.

        A pattern that Presidio times and skips by itself (IBAN's, or in a recognizer of your own) has taken
        at least its time-out: then the deadline has passed, or this raises AnalysisTimedOut.
        """
        current_budget().seconds_left()
        if not recognizer.is_loaded:
            recognizer.load()
            recognizer.is_loaded = True
        started_s = time.monotonic()
        found = recognizer.analyze(text=text, entities=entities, nlp_artifacts=artifacts) or []
        if time.monotonic() - started_s >= self._regex_timeout_s:
            raise AnalysisTimedOut("a recognizer ran out of time; nothing was found or released")
        for result in found:
            result.recognition_metadata = result.recognition_metadata or {}
            result.recognition_metadata.setdefault(_IDENTIFIER, recognizer.id)
            result.recognition_metadata.setdefault(_NAME, _name(recognizer))
        return list(found)

    def _enhance(
        self,
        text: str,
        results: list[RecognizerResult],
        artifacts: NlpArtifacts,
        recognizers: list[EntityRecognizer],
        context: tuple[str, ...],
    ) -> list[RecognizerResult]:
        """Presidio's two rounds: each recognizer on its own findings, then the enhancer on all."""
        current_budget().seconds_left()
        ordered: list[RecognizerResult] = []
        for recognizer in recognizers:
            own = [one for one in results if one.recognition_metadata[_IDENTIFIER] == recognizer.id]
            if type(recognizer).enhance_using_context is not EntityRecognizer.enhance_using_context:
                others = [one for one in results if one.recognition_metadata[_IDENTIFIER] != recognizer.id]
                own = recognizer.enhance_using_context(
                    text=text,
                    raw_recognizer_results=own,
                    other_raw_recognizer_results=others,
                    nlp_artifacts=artifacts,
                    context=list(context),
                )
            ordered.extend(own)
        enhanced: list[RecognizerResult] = self._enhancer.enhance_using_context(
            text=text,
            raw_results=ordered,
            nlp_artifacts=artifacts,
            recognizers=recognizers,
            context=list(context),
        )
        return enhanced

    def _above_threshold(
        self,
        results: list[RecognizerResult],
        threshold: float | None,
        recognizers: list[EntityRecognizer],
    ) -> list[RecognizerResult]:
        """The request's threshold; without one the recognizer's for the type, its default, the engine's."""
        if threshold is not None:
            return [result for result in results if result.score >= threshold]
        thresholds = {recognizer.id: recognizer.score_thresholds for recognizer in recognizers}
        kept = []
        for result in results:
            own = thresholds.get(result.recognition_metadata[_IDENTIFIER], {})
            least = own.get(result.entity_type)
            least = own.get("default") if least is None else least
            if result.score >= (self._default_threshold if least is None else least):
                kept.append(result)
        return kept


def _is_presidios(recognizer: EntityRecognizer) -> bool:
    """True for classes that look at entities, tokens and lemmas alone: Presidio's and ours over them."""
    return type(recognizer).__module__.partition(".")[0] in ("presidio_analyzer", "shared")


def _without_allowed(
    results: list[RecognizerResult], text: str, request: AnalyzeRequest
) -> list[RecognizerResult]:
    """Findings that the allow list does not excuse. A pattern that times out fails the call."""
    terms = [term for term in request.allow_list if term]
    if request.allow_list_match == "exact":
        allowed = set(request.allow_list)
        return [result for result in results if text[result.start : result.end] not in allowed]
    if not terms:
        return results
    compiled = compile_bounded("|".join(terms), request.regex_flags)
    return [result for result in results if not search_bounded(compiled, text[result.start : result.end])]


def _name(recognizer: EntityRecognizer) -> str:
    return str(recognizer.name)  # type: ignore[has-type]  # Presidio gives it no type


def count_recognizers(
    found: Iterable[Iterable[RecognizerResult]], recognizers: Collection[EntityRecognizer]
) -> dict[str, int]:
    """Every recognizer that ran, with the number of its findings."""
    counts: Counter[str] = Counter({_name(recognizer): 0 for recognizer in recognizers})
    for results in found:
        counts.update(result.recognition_metadata[_NAME] for result in results)
    return dict(counts)


def render_finding(result: RecognizerResult) -> dict[str, Any]:
    """A finding as Presidio's server sends it: no `recognition_metadata`, keys sorted."""
    fields = {name: value for name, value in vars(result).items() if name != "recognition_metadata"}
    explanation = fields["analysis_explanation"]
    if explanation is not None:
        fields["analysis_explanation"] = {
            name: int(value) if isinstance(value, int) and not isinstance(value, bool) else value
            for name, value in sorted(explanation.to_dict().items())
        }
    return dict(sorted(fields.items()))
