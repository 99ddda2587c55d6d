"""What Presidio logs, scrubbed at one place: where log records are made.

Presidio writes what it finds into its logs: matched values as arguments, entity types and operators inside
finished messages, keys in `repr`s, context words at DEBUG, every token where `log_decision_process` is on.
A finished message cannot be told from a template, so none passes. What passes is the place in the source
that wrote it and the kind of exception: enough to look up what it says, nothing of what it said.

Loggers, handlers and levels can be changed by anybody at any time, and telemetry libraries do; a record that
was made without its message stays without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

LOUD = ("presidio-analyzer", "presidio-anonymizer", "spacy", "tldextract", "filelock")
"""Loggers (and those below them) that are heard from WARNING on."""

SILENT = ("decision_process",)
"""Presidio's tracer: every token of every text. Turned off as well."""


class ScrubbingFactory:
    """Makes log records as another factory does, those of `LOUD` and `SILENT` without their content."""

    def __init__(self, inner: Callable[..., logging.LogRecord]) -> None:
        self._inner = inner

    def __call__(
        self,
        name: str,
        level: int,
        path: str,
        line: int,
        msg: object,
        args: Any,
        exc_info: Any,
        *rest: Any,
        **named: Any,
    ) -> logging.LogRecord:
        """The signature of `logging.LogRecord`."""
        if name.partition(".")[0] not in (*LOUD, *SILENT):
            return self._inner(name, level, path, line, msg, args, exc_info, *rest, **named)
        kind = exc_info[0] if isinstance(exc_info, tuple) else None
        raised = f" after {kind.__name__}" if kind is not None else ""
        place = f"{PurePath(path).name}:{line}"
        return self._inner(name, level, path, line, "message of %s withheld%s", (place, raised), None)


def capture_logs() -> None:
    """Scrub from now on. Call before Presidio is imported and after: its import adds a handler on stderr."""
    if not isinstance(logging.getLogRecordFactory(), ScrubbingFactory):
        logging.setLogRecordFactory(ScrubbingFactory(logging.getLogRecordFactory()))
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SILENT:
        tracer = logging.getLogger(name)
        tracer.handlers.clear()
        tracer.setLevel(logging.CRITICAL + 1)
