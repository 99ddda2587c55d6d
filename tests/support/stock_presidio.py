"""Stock Presidio's REST servers as one function: what they answer to a request, without HTTP.

Presidio's wheels hold no server. This follows the servers of 2.2.366 (one for the analyzer, one for the
anonymizer) call by call: the same engine calls, the same errors. It is the oracle of the parity tests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tldextract.tldextract
from presidio_analyzer import AnalyzerEngineProvider, AnalyzerRequest, BatchAnalyzerEngine
from presidio_anonymizer import AnonymizerEngine, DeanonymizeEngine
from presidio_anonymizer.entities import InvalidParamError
from presidio_anonymizer.services.app_entities_convertor import AppEntitiesConvertor

CONFIG = Path(__file__).resolve().parents[2] / "config"
MAX_BATCH = 500


class StockPresidio:
    """Presidio's own engines over configuration files (by default the project's)."""

    def __init__(
        self,
        analyzer_file: Path = CONFIG / "analyzer.yaml",
        nlp_file: Path = CONFIG / "nlp.yaml",
        recognizers_file: Path | None = CONFIG / "recognizers.yaml",
    ) -> None:
        _use_suffix_snapshot()
        self.analyzer = AnalyzerEngineProvider(analyzer_file, nlp_file, recognizers_file).create_engine()
        self.batches = BatchAnalyzerEngine(self.analyzer)
        self.anonymizer = AnonymizerEngine()  # type: ignore[no-untyped-call]
        self.deanonymizer = DeanonymizeEngine()  # type: ignore[no-untyped-call]

    def answer(self, method: str, path: str, body: object, query: Mapping[str, str]) -> tuple[int, Any]:
        """Status and decoded JSON body for a request whose body is decoded JSON (None for GET)."""
        language = query.get("language")
        if method == "GET":
            return self._list(path, language)
        return {
            "/analyze": self._analyze,
            "/anonymize": self._anonymize,
            "/deanonymize": self._deanonymize,
        }[path](_copied(body))

    def _list(self, path: str, language: str | None) -> tuple[int, Any]:
        if path == "/anonymizers":
            return 200, self.anonymizer.get_anonymizers()
        if path == "/deanonymizers":
            return 200, self.deanonymizer.get_deanonymizers()
        try:
            if path == "/recognizers":
                return 200, [one.name for one in self.analyzer.get_recognizers(language)]  # type: ignore[has-type]
            return 200, self.analyzer.get_supported_entities(language)
        except Exception as error:  # noqa: BLE001 - as the server does
            return 500, {"error": str(error)}

    def _analyze(self, body: Any) -> tuple[int, Any]:
        try:
            return 200, self._findings(body)
        except TypeError as error:
            return 400, {"error": f"Failed to parse /analyze request for AnalyzerEngine.analyze(). {error}"}
        except Exception as error:  # noqa: BLE001 - as the server does
            return 500, {"error": str(error)}

    def _findings(self, body: Any) -> Any:
        request = AnalyzerRequest(body)
        if not request.text:
            raise ValueError("No text provided")
        is_batch = isinstance(request.text, list)
        texts: list[Any] = list(request.text) if is_batch else [request.text]
        if not request.language:
            raise ValueError("No language provided")
        self.analyzer.get_supported_entities(request.language)
        results = []
        for found in self.batches.analyze_iterator(
            texts=texts,
            batch_size=min(len(texts), MAX_BATCH),
            language=request.language,
            correlation_id=request.correlation_id,
            score_threshold=request.score_threshold,
            entities=request.entities,
            return_decision_process=request.return_decision_process,
            ad_hoc_recognizers=request.ad_hoc_recognizers,
            context=request.context,
            allow_list=request.allow_list,
            allow_list_match=request.allow_list_match,
            regex_flags=request.regex_flags,
            n_process=1,
        ):
            for finding in found:
                del finding.recognition_metadata
            results.append(found)
        answer = results if is_batch else results[0]
        return json.loads(json.dumps(answer, default=lambda value: value.to_dict(), sort_keys=True))

    def _anonymize(self, body: Any) -> tuple[int, Any]:
        if not body:
            return 400, {"error": "Invalid request json"}
        try:
            operators = AppEntitiesConvertor.operators_config_from_json(body.get("anonymizers"))
            if AppEntitiesConvertor.check_custom_operator(operators):
                return 400, {"error": "Custom type anonymizer is not supported"}
            results = AppEntitiesConvertor.analyzer_results_from_json(body.get("analyzer_results"))
            made = self.anonymizer.anonymize(body.get("text", ""), results, operators)
            return 200, json.loads(made.to_json())
        except InvalidParamError as error:
            return 422, {"error": error.err_msg}
        except Exception:  # noqa: BLE001 - as the server does
            return 500, {"error": "Internal server error"}

    def _deanonymize(self, body: Any) -> tuple[int, Any]:
        if not body:
            return 400, {"error": "Invalid request json"}
        try:
            operators = AppEntitiesConvertor.operators_config_from_json(body.get("deanonymizers"))
            entities = AppEntitiesConvertor.deanonymize_entities_from_json(body)
            made = self.deanonymizer.deanonymize(body.get("text", ""), entities, operators)
            return 200, json.loads(made.to_json())
        except InvalidParamError as error:
            return 422, {"error": error.err_msg}
        except Exception:  # noqa: BLE001 - as the server does
            return 500, {"error": "Internal server error"}


def _copied(body: object) -> Any:
    """A copy: Presidio takes parameters out of the objects that it is given."""
    return json.loads(json.dumps(body))


def _use_suffix_snapshot() -> None:
    """What stock falls back to without the Internet, without waiting for the Internet."""
    os.environ.setdefault("REGEX_TIMEOUT_SECONDS", "5")
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
