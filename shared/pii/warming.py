"""The first call, made before anybody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.pii.values import AnalyzeRequest, Operator, RedactRequest

if TYPE_CHECKING:
    from shared.pii.engine import Engine

TEXT = (
    "Jane Miller from Springfield (jane.miller@example.com, +1 212-555-0100) paid with card "
    "4111 1111 1111 1111 on March 3, 2024; her IBAN is DE89370400440532013000, see https://example.com."
)
"""A made-up text that makes the default recognizers load what they load at their first finding."""


def warm_up(engine: Engine) -> None:
    """Run every language once, so that tables are loaded and patterns are compiled."""
    for language in engine.languages:
        analysis = AnalyzeRequest(
            inputs=(TEXT,),
            is_batch=False,
            language=language,
            entities=None,
            score_threshold=None,
            decision_process=False,
            ad_hoc=(),
            context=(),
            allow_list=(),
            allow_list_match="exact",
            regex_flags=0,
            correlation_id=None,
        )
        engine.redact(RedactRequest((TEXT,), analysis, (Operator("DEFAULT", "hash", {}),)), None)
