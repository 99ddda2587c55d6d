"""Presidio's configuration files and the bounds of the engine, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """Presidio's three files: ANALYZER_CONF_FILE, NLP_CONF_FILE, RECOGNIZER_REGISTRY_CONF_FILE.

    As in Presidio, sections inside the analyzer file win over the other two; without `recognizers`, and
    without such a section, Presidio's own default recognizers are loaded.
    """

    analyzer: Path
    nlp: Path
    recognizers: Path | None


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Bounds that hold for every call, whoever makes it. The policy's limits lie below these.

    `analysis_timeout_ms` bounds the wall-clock time of one call, batches included; `ad_hoc_timeout_ms` the
    processor time of patterns that a request brings along. `max_text_chars` is for one text (spaCy's own
    limit is 1,000,000), `max_matches` for what the patterns of one call match, `max_output_chars` for what
    it makes of texts. `ahds_endpoint` is the only endpoint that the operator `surrogate_ahds` may use.
    """

    analysis_timeout_ms: int = 10_000
    ad_hoc_timeout_ms: int = 1_000
    max_text_chars: int = 1_000_000
    max_matches: int = 100_000
    max_output_chars: int = 10_000_000
    ahds_endpoint: str | None = None
