"""Fixtures of the adapters' tests: Azurite on a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from devstack.azurite import Azurite, create_containers, running_azurite
from shared.cloud.blobs import BlobLedgerStore, open_store


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """One for all tests of a module."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as azurite:
        yield azurite


@pytest.fixture
def container(azurite: Azurite) -> str:
    """A new, empty container."""
    name = f"audit-{uuid4().hex[:12]}"
    create_containers(azurite.connection_string, name)
    return name


@pytest.fixture
def store(azurite: Azurite, container: str) -> Iterator[BlobLedgerStore]:
    """The store under test, on a new container."""
    store = open_store(container, connection_string=azurite.connection_string)
    yield store
    store.close()
