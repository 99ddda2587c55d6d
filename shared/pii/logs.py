"""Presidio's loggers, captured, levelled and scrubbed at one place.

Presidio writes what it finds into its logs: matched values as arguments, entity types and operators inside
finished messages, keys in `repr`s, context words at DEBUG, every token where `log_decision_process` is on.
A finished message cannot be told from a template, so none passes. What passes is the place in the source
that wrote it and the kind of exception: enough to look up what it says, nothing of what it said.
"""

from __future__ import annotations

import logging

TARGET = "presidio_access.engine"
"""The service's own logger, to which the places are reported."""

LOUD = ("presidio-analyzer", "presidio-anonymizer", "spacy", "tldextract", "filelock")
"""Reported from WARNING on."""

SILENT = ("decision_process",)
"""Presidio's tracer: every token of every text. Never reported, whoever turns it on."""


class PlaceHandler(logging.Handler):
    """Reports where a record was written, at its level, without its message, arguments and traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line on the service's logger."""
        kind = record.exc_info[0] if isinstance(record.exc_info, tuple) else None
        raised = f" after {kind.__name__}" if kind is not None else ""
        logging.getLogger(TARGET).log(
            record.levelno,
            "%s: message of %s:%d withheld%s",
            record.name,
            record.module,
            record.lineno,
            raised,
        )


def capture_logs() -> None:
    """Take over the loggers, their handlers and their levels. Call before Presidio is loaded and after.

    Presidio gives its tracer a handler on stderr when it is imported; a second call takes that away again.
    """
    for name in LOUD:
        _take_over(logging.getLogger(name), [PlaceHandler()], logging.WARNING)
    for name in SILENT:
        _take_over(logging.getLogger(name), [logging.NullHandler()], logging.CRITICAL + 1)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(tuple(f"{parent}." for parent in LOUD + SILENT)):
            _take_over(logging.getLogger(name), [], logging.NOTSET, propagate=True)


def _take_over(
    logger: logging.Logger, handlers: list[logging.Handler], level: int, propagate: bool = False
) -> None:
    logger.handlers[:] = handlers
    logger.filters.clear()
    logger.setLevel(level)
    logger.propagate = propagate
    logger.disabled = False
