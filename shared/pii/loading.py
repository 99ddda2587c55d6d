"""Load Presidio from its configuration files and close what it leaves open. Takes seconds and memory."""

from __future__ import annotations

import math
import os
import platform
import warnings
from importlib.util import find_spec
from typing import Any

from shared.errors import PresidioAccessError, SettingsError
from shared.pii.configuration import ANALYZER_SETTING, NLP_SETTING, RECOGNIZERS_SETTING
from shared.pii.files import EngineFiles, EngineLimits
from shared.pii.logs import capture_logs

_REGEX_TIMEOUT = "REGEX_TIMEOUT_SECONDS"
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
"""Model hubs are not asked for newer files."""

_PLAIN_KERNELS = "Sandybridge"
"""OpenBLAS's name for its kernels with AVX and without fused multiply-add: `products` says why."""


def load_analyzer(files: EngineFiles, limits: EngineLimits) -> Any:
    """The analyzer over stock Presidio's engine, with its traps closed.

    Raises SettingsError where Presidio refuses the configuration.
    """
    _prepare_process(limits)
    stock = _load_stock(files)
    capture_logs()  # Presidio's import has given its tracer a handler
    return _close_traps(stock)


def check_ahds(limits: EngineLimits) -> None:
    """An endpoint is of no use without its client library. Raises SettingsError."""
    if limits.ahds_endpoint is None:
        return
    try:
        found = find_spec("azure.health.deidentification")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise SettingsError("AHDS_ENDPOINT", "the package azure-health-deidentification is not installed")


def _prepare_process(limits: EngineLimits) -> None:
    """Presidio reads its environment when it is imported: what stands there must stand before."""
    capture_logs()
    whole_seconds = max(1, math.ceil(limits.analysis_timeout_ms / 1000))
    os.environ.setdefault(_REGEX_TIMEOUT, str(whole_seconds))
    for name, value in _OFFLINE.items():
        os.environ.setdefault(name, value)
    choose_kernels()


def choose_kernels() -> None:
    """Say how NumPy shall multiply: on one thread, and as `products` needs it whatever was said before.

    It reads this when it is imported; after that, models are just slower. Only x86 has such kernels.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ["OPENBLAS_CORETYPE"] = _PLAIN_KERNELS


def _load_stock(files: EngineFiles) -> Any:
    refusal: SettingsError
    try:
        from presidio_analyzer import AnalyzerEngineProvider

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Presidio warns about its defaults; spaCy about versions
            return AnalyzerEngineProvider(
                analyzer_engine_conf_file=files.analyzer,
                nlp_engine_conf_file=files.nlp,
                recognizer_registry_conf_file=files.recognizers,
            ).create_engine()
    except PresidioAccessError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a configuration makes Presidio raise
        settings = f"{ANALYZER_SETTING}, {NLP_SETTING} or {RECOGNIZERS_SETTING}"
        refusal = SettingsError(settings, f"Presidio refuses the configuration: {_explain(error)}")
    raise refusal


def _explain(error: Exception) -> str:
    """Presidio's reason: for a field that does not validate its place and rule, never its value."""
    cause = error.__cause__
    if cause is not None and hasattr(cause, "errors"):
        first = cause.errors(include_url=False, include_input=False, include_context=False)[0]
        said = first["msg"] if "{" not in first["msg"] else first["type"]  # some quote a whole pattern
        return f"{'.'.join(map(str, first['loc']))}: {said[:200]}"
    if isinstance(error, ValueError | TypeError | ImportError):
        return f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
    return type(error).__name__


def _close_traps(stock: Any) -> Any:
    """Replace what has a safer or faster equal. What operators have configured otherwise stays stock."""
    from presidio_analyzer import PatternRecognizer, pattern_recognizer
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer

    from shared.pii.analysis import Analyzer
    from shared.pii.emails import SnapshotEmailRecognizer
    from shared.pii.phones import ShorterPhoneRecognizer
    from shared.pii.regexes import guard
    from shared.pii.spacy_texts import LazySpacyEngine

    equals: dict[type[Any], type[Any]] = {
        EmailRecognizer: SnapshotEmailRecognizer,
        PhoneRecognizer: ShorterPhoneRecognizer,
    }
    for recognizer in stock.registry.recognizers:
        # Another class, the same object: every attribute that the configuration has set stays.
        recognizer.__class__ = equals.get(type(recognizer), type(recognizer))
        if isinstance(recognizer, PatternRecognizer):
            flags = recognizer.global_regex_flags or 0
            recognizer.patterns = [guard(pattern, flags) for pattern in recognizer.patterns]  # type: ignore[has-type]
    nlp_engine = stock.nlp_engine
    if type(nlp_engine) is SpacyNlpEngine:
        nlp_engine = LazySpacyEngine(nlp_engine)
    return Analyzer(stock, nlp_engine, pattern_recognizer.REGEX_TIMEOUT_SECONDS)
