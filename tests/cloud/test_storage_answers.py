"""Storage that answers badly, or not at all: one error each, nothing repeated, all ended in time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from devstack.azurite import connection_string
from shared.cloud.blob_requests import StorageTimeouts
from shared.cloud.blobs import BlobLedgerStore, open_store
from shared.errors import (
    AppendRefused,
    ObjectExists,
    ObjectMissing,
    PositionMismatch,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from tests.support.stub_storage import StubStorage, stub_storage

QUICK = StorageTimeouts(connect_s=0.3, read_s=0.3)

ACTS: dict[str, Callable[[BlobLedgerStore], object]] = {
    "append": lambda store: store.append("a", b"x", 0),
    "create": lambda store: store.create("a", b"x"),
    "create_appendable": lambda store: store.create_appendable("a"),
    "read": lambda store: store.read("a"),
    "size": lambda store: store.size("a"),
    "list": lambda store: list(store.list("a")),
}


def open_stub(stub: StubStorage) -> BlobLedgerStore:
    return open_store("audit", connection_string=stub.connection_string, timeouts=QUICK)


APPEND_ANSWERS = [
    (412, "AppendPositionConditionNotMet", PositionMismatch),
    (412, "", PositionMismatch),
    (412, "LeaseIdMissing", StoreUnavailable),
    (404, "BlobNotFound", ObjectMissing),
    (404, "ContainerNotFound", ObjectMissing),
    (409, "BlockCountExceedsLimit", AppendRefused),
    (409, "InvalidBlobType", AppendRefused),
    (409, "BlobIsSealed", AppendRefused),
    (409, "BlobArchived", AppendRefused),
    (409, "BlobImmutableDueToPolicy", StoreUnavailable),
    (409, "ContainerBeingDeleted", StoreUnavailable),
    (413, "RequestBodyTooLarge", StoreUnavailable),
    (400, "InvalidHeaderValue", StoreUnavailable),
    (401, "InvalidAuthenticationInfo", StoreDenied),
    (403, "AuthorizationFailure", StoreDenied),
    (403, "AuthorizationPermissionMismatch", StoreDenied),
    (429, "TooManyRequests", StoreUnavailable),
    (500, "InternalError", StoreUnavailable),
    (500, "OperationTimedOut", StoreUnavailable),
    (503, "ServerBusy", StoreUnavailable),
    (200, "", StoreUnavailable),
    (302, "", StoreUnavailable),
    (599, "x" * 500, StoreUnavailable),
]


@pytest.mark.parametrize(("status", "code", "expected"), APPEND_ANSWERS)
def test_an_append_is_answered(status: int, code: str, expected: type[StoreError]) -> None:
    """Each answer to an append has exactly one error, after exactly one request."""
    with stub_storage(status, code) as stub:
        with pytest.raises(StoreError) as caught:
            open_stub(stub).append("a", b"x", 0)
        assert type(caught.value) is expected
        assert [(method, path) for method, path, _ in stub.asked] == [
            ("PUT", "/devstoreaccount1/audit/a?comp=appendblock")
        ]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "BlobAlreadyExists", ObjectExists),
        (403, "UnauthorizedBlobOverwrite", ObjectExists),
        (409, "BlobImmutableDueToPolicy", ObjectExists),
        (412, "ConditionNotMet", ObjectExists),
        (409, "ContainerBeingDeleted", StoreUnavailable),
        (404, "ContainerNotFound", ObjectMissing),
        (403, "AuthorizationFailure", StoreDenied),
        (503, "ServerBusy", StoreUnavailable),
    ],
)
@pytest.mark.parametrize("act", ["create", "create_appendable"])
def test_a_creation_is_answered(act: str, status: int, code: str, expected: type[StoreError]) -> None:
    """Each answer to a creation has exactly one error, after exactly one request."""
    with stub_storage(status, code) as stub:
        with pytest.raises(StoreError) as caught:
            ACTS[act](open_stub(stub))
        assert type(caught.value) is expected
        assert len(stub.asked) == 1
        assert stub.asked[0][2]["if-none-match"] == "*"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("status", [500, 503])
def test_nothing_is_repeated(act: str, status: int) -> None:
    """A server in trouble is asked once: who repeats, and when, is the committer's decision."""
    with stub_storage(status) as stub:
        with pytest.raises(StoreUnavailable):
            ACTS[act](open_stub(stub))
        assert len(stub.asked) == 1


@pytest.mark.parametrize("act", ACTS)
def test_a_stalled_answer_ends_in_time(act: str) -> None:
    """Storage accepts and never answers: the time-out ends it, and it was asked once."""
    with stub_storage(-1) as stub:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="no answer from storage"):
            ACTS[act](open_stub(stub))
        assert time.monotonic() - started < 6.0
        assert len(stub.asked) == 1


@pytest.mark.parametrize("act", ACTS)
def test_a_cut_connection_is_no_answer(act: str) -> None:
    """Storage closes the connection instead of answering."""
    with stub_storage(0) as stub:
        with pytest.raises(StoreUnavailable, match="no answer from storage"):
            ACTS[act](open_stub(stub))
        assert len(stub.asked) == 1


@pytest.mark.parametrize("act", ACTS)
def test_a_closed_port_is_no_answer(act: str) -> None:
    """Nothing listens there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = open_store("audit", connection_string=connection_string(port), timeouts=QUICK)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="no answer from storage"):
        ACTS[act](store)
    assert time.monotonic() - started < 6.0


def test_one_connection_serves_many_appends() -> None:
    """No handshake for each append."""
    with stub_storage(201) as stub:
        store = open_stub(stub)
        for at in range(50):
            store.append("a", b"x", at)
        assert len(stub.asked) == 50
        assert store._requests._connections.opened == 1


@pytest.mark.parametrize("act", ACTS)
def test_no_error_quotes_the_key(act: str) -> None:
    """Neither the account key nor a signature stands in a message."""
    with stub_storage(403, "AuthenticationFailed") as stub:
        with pytest.raises(StoreDenied) as caught:
            ACTS[act](open_stub(stub))
        sent = stub.asked[0][2]["authorization"]
        assert sent.startswith("SharedKey devstoreaccount1:")
        assert sent.split(":")[1] not in str(caught.value)
        assert "Eby8" not in str(caught.value)
