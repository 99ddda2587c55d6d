"""One tree of errors. Every error has a stable `code`; the doors map codes to HTTP, nobody else does.

Messages say what was expected and what came. They never carry text, tokens, keys or personal data:
whatever raises one of these must describe the input, not quote it.
"""

from __future__ import annotations


class PresidioAccessError(Exception):
    """The root. `code` is part of the public contract: it stands in answers and in records."""

    code: str = "internal"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class SettingsError(PresidioAccessError):
    """The environment, a configuration file or a tool is wrong. The service refuses to start."""

    code = "settings"

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting


# --- the caller's fault -------------------------------------------------------------------------


class InputError(PresidioAccessError):
    """The request cannot be served as it stands; the message says what to change. HTTP 400."""

    code = "invalid_request"


class InputTooLarge(InputError):
    """More characters, texts or bytes than the policy or the service allows. HTTP 413."""

    code = "too_large"


class UnsupportedMedia(InputError):
    """A content type or encoding that is not served here. HTTP 415."""

    code = "unsupported_media_type"


class NotFound(InputError):
    """Nothing of that name. HTTP 404."""

    code = "not_found"


class Unprocessable(InputError):
    """Well-formed, but a value is not usable (an operator's parameters, a pattern). HTTP 422."""

    code = "unprocessable"


class AuthenticationError(PresidioAccessError):
    """No caller could be established. HTTP 401 (RFC 6750 section 3.1).

    `reason` is a short stable word for the record (`expired`, `wrong_audience`, ...); the answer says
    only `invalid_token`, or nothing at all where no token came (`missing`).
    """

    code = "invalid_token"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    @property
    def is_missing(self) -> bool:
        """True where no token came at all: RFC 6750 wants no error code then."""
        return self.reason == "missing"


class AccessDenied(PresidioAccessError):
    """A known caller may not do this. HTTP 403. `reason` is the decision's reason."""

    code = "insufficient_scope"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RateLimited(PresidioAccessError):
    """Too many requests. HTTP 429 with Retry-After."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


# --- the service's state --------------------------------------------------------------------------


class EngineStarting(PresidioAccessError):
    """The models are still loading. HTTP 503 with Retry-After."""

    code = "starting"


class Overloaded(PresidioAccessError):
    """Too many requests wait already. HTTP 503 with Retry-After."""

    code = "overloaded"


class EngineFailed(PresidioAccessError):
    """Presidio raised. Its message is never passed on: it may quote the text. HTTP 500."""

    code = "engine_failed"


class AnalysisTimedOut(PresidioAccessError):
    """A pattern or the whole analysis ran out of time: a failure, never an empty success. HTTP 422."""

    code = "analysis_timed_out"


class KeysUnavailable(PresidioAccessError):
    """The issuer's key set cannot be read, so no token can be checked. HTTP 503."""

    code = "keys_unavailable"


class DirectoryUnavailable(PresidioAccessError):
    """Nothing of the directory (Microsoft Graph) could be read, so there is nothing to review. HTTP 503."""

    code = "directory_unavailable"


class DirectoryRefused(DirectoryUnavailable):
    """The directory refuses this to the reader (403): a permission or a licence is missing."""

    code = "directory_refused"


class DirectoryMissing(DirectoryUnavailable):
    """The directory knows no object of that id (404)."""

    code = "directory_missing"


class AuditUnavailable(PresidioAccessError):
    """The record could not be committed in time, so the answer does not leave. HTTP 503."""

    code = "audit_unavailable"


# --- the ledger -----------------------------------------------------------------------------------


class LedgerError(PresidioAccessError):
    """A ledger's bytes are not what the format says."""

    code = "ledger"


class MalformedLedger(LedgerError):
    """Bytes that do not parse: a note, a checkpoint, a record line, a tile, a proof."""

    code = "ledger_malformed"


class SignatureInvalid(LedgerError):
    """A signature that does not verify under the key it names."""

    code = "ledger_signature"


class ProofInvalid(LedgerError):
    """An inclusion or consistency proof that does not lead to the root."""

    code = "ledger_proof"


class RecordTooLarge(LedgerError):
    """A record line above 65,535 bytes (the entry limit of C2SP tlog-tiles)."""

    code = "record_too_large"


# --- storage ----------------------------------------------------------------------------------------


class StoreError(PresidioAccessError):
    """An object store did not do what was asked."""

    code = "store"


class StoreUnavailable(StoreError):
    """No clear answer: a time-out, a broken connection, a 5xx, a refused credential.

    The operation may or may not have taken effect.
    """

    code = "store_unavailable"


class StoreDenied(StoreUnavailable):
    """The credential was refused (401, 403): nothing changes until somebody changes it."""

    code = "store_denied"


class ObjectExists(StoreError):
    """Create-only, and the object is there already."""

    code = "store_exists"


class ObjectMissing(StoreError):
    """No such object."""

    code = "store_missing"


class PositionMismatch(StoreError):
    """An append at an expected length, and the object has another length."""

    code = "store_position"


class AppendRefused(StoreError):
    """The object will never take this append (block limit, sealed, wrong kind of blob)."""

    code = "store_refused"


# --- the access review --------------------------------------------------------------------------------


class MalformedReview(PresidioAccessError):
    """A report of an access review is not what its schema or its digest in the ledger says."""

    code = "review_malformed"


class ReviewConflict(PresidioAccessError):
    """Other bytes stand where a review's own belong, or another process is making it just now."""

    code = "review_conflict"
