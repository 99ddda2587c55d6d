"""From an error to the answer that a client gets: one table, and RFC 6750's rules for 401 and 403."""

from __future__ import annotations

from shared.errors import (
    AccessDenied,
    AnalysisTimedOut,
    AuditUnavailable,
    AuthenticationError,
    DirectoryUnavailable,
    EngineFailed,
    EngineStarting,
    InputError,
    InputTooLarge,
    KeysUnavailable,
    NotFound,
    Overloaded,
    PresidioAccessError,
    RateLimited,
    RecordTooLarge,
    StoreUnavailable,
    Unprocessable,
    UnsupportedMedia,
)
from shared.usecases.calls import Answer

REALM = "presidio"

STATUSES: tuple[tuple[type[PresidioAccessError], int], ...] = (
    (InputTooLarge, 413),
    (UnsupportedMedia, 415),
    (NotFound, 404),
    (Unprocessable, 422),
    (InputError, 400),
    (AuthenticationError, 401),
    (AccessDenied, 403),
    (RateLimited, 429),
    (AnalysisTimedOut, 422),
    (RecordTooLarge, 413),
    (EngineStarting, 503),
    (Overloaded, 503),
    (KeysUnavailable, 503),
    (StoreUnavailable, 503),
    (DirectoryUnavailable, 503),
    (AuditUnavailable, 503),
    (EngineFailed, 500),
)
"""The first class that fits decides; everything else is a 500."""

RETRY_AFTER_S = 2


def status_of(error: PresidioAccessError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def problem_answer(error: PresidioAccessError, request_id: str) -> Answer:
    """`{"error", "code", "request_id"}`, `error` being a string as in all of Presidio's own answers.

    A refusal of a known caller also has its `reason`, the stable word that stands in the record.
    """
    status = status_of(error)
    headers = {"X-Request-Id": request_id}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, AuthenticationError):
        headers["WWW-Authenticate"] = _challenge(error)
    if isinstance(error, AccessDenied):
        headers["WWW-Authenticate"] = f'Bearer realm="{REALM}", error="insufficient_scope"'
    code = "unauthorized" if isinstance(error, AuthenticationError) and error.is_missing else error.code
    body = {"error": error.message, "code": code, "request_id": request_id}
    if isinstance(error, AccessDenied):
        body["reason"] = error.reason
    return Answer(status, body, headers)


def _challenge(error: AuthenticationError) -> str:
    """RFC 6750 section 3.1: no error code where the request carried no authentication at all."""
    if error.is_missing:
        return f'Bearer realm="{REALM}"'
    return f'Bearer realm="{REALM}", error="invalid_token"'
