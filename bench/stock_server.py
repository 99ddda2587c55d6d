"""Stock Presidio behind Flask, answering as its own server does: the other side of every comparison.

Presidio's wheel has no server; its image runs a Flask application under gunicorn's sync workers. This is the
smallest such application over the same engine calls (`BatchAnalyzerEngine` for /analyze, as upstream), set up
by the same three configuration variables. It is only ever run here:

    gunicorn --workers 2 'bench.stock_server:create_app()'
"""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask
    from presidio_analyzer import BatchAnalyzerEngine

# Flask and Presidio are imported where an application is made, so that the benchmarks can look into this
# package without loading them.


def _load_analyzer() -> BatchAnalyzerEngine:
    from presidio_analyzer import AnalyzerEngineProvider, BatchAnalyzerEngine

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    provider = AnalyzerEngineProvider(
        analyzer_engine_conf_file=os.environ.get("ANALYZER_CONF_FILE") or None,
        nlp_engine_conf_file=os.environ.get("NLP_CONF_FILE") or None,
        recognizer_registry_conf_file=os.environ.get("RECOGNIZER_REGISTRY_CONF_FILE") or None,
    )
    return BatchAnalyzerEngine(provider.create_engine())


def _analyze(engine: Any, content: dict[str, Any]) -> str:
    from presidio_analyzer import AnalyzerRequest

    call = AnalyzerRequest(content)
    is_batch = isinstance(call.text, list)
    texts: list[Any] = call.text if isinstance(call.text, list) else [call.text]
    engine.analyzer_engine.get_supported_entities(call.language)  # upstream's check of the language
    found = engine.analyze_iterator(
        texts=texts,
        language=call.language,
        batch_size=len(texts),
        n_process=1,
        entities=call.entities,
        correlation_id=call.correlation_id,
        score_threshold=call.score_threshold,
        return_decision_process=call.return_decision_process,
        ad_hoc_recognizers=call.ad_hoc_recognizers,
        context=call.context,
        allow_list=call.allow_list,
        allow_list_match=call.allow_list_match,
        regex_flags=call.regex_flags,
    )
    answers = [[_without_metadata(finding.to_dict()) for finding in findings] for findings in found]
    return json.dumps(
        answers if is_batch else answers[0], default=lambda value: value.to_dict(), sort_keys=True
    )


def _without_metadata(finding: dict[str, Any]) -> dict[str, Any]:
    """Presidio's server leaves `recognition_metadata` out of its answers."""
    finding.pop("recognition_metadata", None)
    return finding


def create_app() -> Flask:
    """The WSGI application, with its engines loaded: what gunicorn calls once in each worker."""
    from flask import Flask, Response, request
    from presidio_anonymizer import AnonymizerEngine
    from presidio_anonymizer.services.app_entities_convertor import AppEntitiesConvertor

    app = Flask(__name__)
    analyzer, anonymizer = _load_analyzer(), AnonymizerEngine()  # type: ignore[no-untyped-call]

    @app.post("/analyze")
    def analyze() -> Response:
        return Response(_analyze(analyzer, request.get_json()), content_type="application/json")

    @app.post("/anonymize")
    def anonymize() -> Response:
        content = request.get_json()
        answer = anonymizer.anonymize(
            text=content.get("text"),
            analyzer_results=AppEntitiesConvertor.analyzer_results_from_json(content.get("analyzer_results")),
            operators=AppEntitiesConvertor.operators_config_from_json(content.get("anonymizers")),
        )
        return Response(answer.to_json(), content_type="application/json")

    return app
