"""What Azure Storage answers, as the store errors that the use cases know.

Error codes: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
"""

from __future__ import annotations

from azure.core.exceptions import AzureError, HttpResponseError

from shared.errors import (
    AppendRefused,
    ObjectExists,
    ObjectMissing,
    PositionMismatch,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)

_EXISTS = frozenset(
    {
        "BlobAlreadyExists",
        "ConditionNotMet",  # If-None-Match: * on some operations
        "TargetConditionNotMet",
        "UnauthorizedBlobOverwrite",  # 403 where the role may create and not overwrite
        "BlobImmutableDueToPolicy",  # only an object that is there can be immutable
    }
)

_NEVER_APPENDS = frozenset(
    {
        "BlockCountExceedsLimit",
        "MaxBlobSizeConditionNotMet",
        "InvalidBlobType",
        "BlobIsSealed",
        "BlobArchived",
        "BlobBeingRehydrated",
    }
)
# BlobImmutableDueToPolicy is not among them: an append so refused says that the container's policy forbids
# appends altogether. Another segment would fare no better; an operator can allow protected append writes.


def creation_error(status: int, code: str, what: str) -> StoreError:
    """The error of a create-only operation that was answered with this status and error code."""
    if code in _EXISTS or (status in (409, 412) and not code):
        return ObjectExists(f"{what}: it exists already")
    return general_error(status, code, what)


def append_error(status: int, code: str, what: str) -> StoreError:
    """The error of a position-conditional append that was answered with this status and error code."""
    if code == "AppendPositionConditionNotMet" or (status == 412 and not code):
        return PositionMismatch(f"{what}: the object has another length")
    if code in _NEVER_APPENDS:
        return AppendRefused(f"{what}: storage answered {code}")
    return general_error(status, code, what)


def general_error(status: int, code: str, what: str) -> StoreError:
    """The error of any operation that was answered with this status and error code."""
    answer = f"{status} {code}".rstrip()
    if code == "ContainerNotFound":
        return ObjectMissing(f"{what}: there is no such container")
    if status == 404:
        return ObjectMissing(f"{what}: there is no such object")
    if status in (401, 403):
        return StoreDenied(f"{what}: storage answered {answer}")
    return StoreUnavailable(f"{what}: storage answered {answer}")


def sdk_error(error: AzureError, what: str, *, creates: bool = False) -> StoreError:
    """The store error of an exception of Azure's SDK, without its message, which can quote the request."""
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        code = getattr(error, "error_code", None) or ""
        code = str(getattr(code, "value", code))  # the SDK's enumeration, where it knows the code
        return (creation_error if creates else general_error)(error.status_code, code, what)
    return StoreUnavailable(f"{what}: no answer from storage ({type(error).__name__})")
