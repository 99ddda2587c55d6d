"""The fault proxy of the tests does to storage what it says, seen through the storage SDK."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError
from azure.storage.blob import BlobClient, ContainerClient

from devstack.azurite import Azurite, connection_string
from devstack.processes import wait_until
from tests.support.fault_proxy import FaultProxy

NUMBERS = itertools.count()


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[FaultProxy]:
    """A proxy in front of Azurite."""
    with FaultProxy(azurite.port) as proxy:
        yield proxy


@pytest.fixture
def blob(azurite: Azurite, proxy: FaultProxy) -> Iterator[BlobClient]:
    """An append blob of its own, reached through the proxy, without the SDK's retries."""
    connection = connection_string(proxy.port)
    options: Any = {"retry_total": 0, "connection_timeout": 2, "read_timeout": 1}
    with ContainerClient.from_connection_string(
        connection, f"proxied-{next(NUMBERS)}", **options
    ) as container:
        container.create_container()
        with container.get_blob_client("b") as blob:
            blob.create_append_blob()
            yield blob


def test_without_a_fault_everything_passes_and_is_counted(blob: BlobClient, proxy: FaultProxy) -> None:
    """Requests are counted by method."""
    blob.append_block(b"abc")
    assert blob.download_blob().readall() == b"abc"
    assert proxy.counts["PUT"] == 3
    assert proxy.counts["GET"] == 1
    assert proxy.counts["forwarded"] == 4


@pytest.mark.parametrize("status", [403, 412, 500, 503])
def test_a_status_is_an_answer_of_storage_without_effect(
    blob: BlobClient, proxy: FaultProxy, status: int
) -> None:
    """The SDK reads code and error code; storage never saw the request."""
    proxy.set("status", status=status)
    with pytest.raises(HttpResponseError) as raised:
        blob.append_block(b"abc")
    assert raised.value.status_code == status
    proxy.clear()
    assert blob.get_blob_properties().size == 0


def test_a_dropped_answer_has_its_effect(blob: BlobClient, proxy: FaultProxy) -> None:
    """The append is there, and the client cannot know."""
    proxy.set("drop")
    with pytest.raises(AzureError):
        blob.append_block(b"abc")
    proxy.clear()
    assert blob.download_blob().readall() == b"abc"


def test_a_cut_answer_is_an_error(blob: BlobClient, proxy: FaultProxy) -> None:
    """Half an answer is none."""
    blob.append_block(b"x" * 10_000)
    proxy.set("cut")
    with pytest.raises(AzureError):
        blob.download_blob().readall()


def test_a_stalled_request_is_never_forwarded(blob: BlobClient, proxy: FaultProxy) -> None:
    """The client waits for as long as it likes."""
    proxy.set("stall")
    started = time.monotonic()
    with pytest.raises(AzureError):
        blob.append_block(b"abc")
    assert time.monotonic() - started >= 1
    proxy.clear()
    assert blob.get_blob_properties().size == 0


def test_refused_connections_come_back_on_the_same_port(blob: BlobClient, proxy: FaultProxy) -> None:
    """As when storage is stopped and started again."""
    proxy.set("refuse")
    with pytest.raises(ServiceRequestError):
        blob.append_block(b"abc")
    proxy.clear()
    blob.append_block(b"abc")
    assert blob.get_blob_properties().size == 3


def test_slow_is_slow_and_faults_can_be_limited(blob: BlobClient, proxy: FaultProxy) -> None:
    """To some methods, and to a number of requests."""
    proxy.set("slow", delay_ms=800, methods={"PUT"}, times=1)
    started = time.monotonic()
    blob.get_blob_properties()
    assert time.monotonic() - started < 0.6
    blob.append_block(b"abc")
    assert time.monotonic() - started >= 0.8
    after = time.monotonic()
    blob.append_block(b"abc")
    assert time.monotonic() - after < 0.6
    assert proxy.counts["faulted"] == 1


def test_a_fault_can_be_changed_under_load(blob: BlobClient, proxy: FaultProxy) -> None:
    """Clients on kept connections see each change; afterwards everything works."""
    failures = 0
    stop = threading.Event()

    def read() -> None:
        nonlocal failures
        while not stop.is_set():
            try:
                blob.get_blob_properties()
            except AzureError:
                failures += 1

    def has_grown(before: int) -> bool:
        return failures > before

    reader = threading.Thread(target=read)
    reader.start()
    for kind in ("refuse", "status", "drop", "cut", "stall"):
        proxy.set(kind)
        before = failures
        assert wait_until(partial(has_grown, before), 10.0)
        proxy.clear()
    stop.set()
    reader.join()
    assert blob.get_blob_properties().size == 0
