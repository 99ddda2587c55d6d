"""Fixtures of the local cloud's tests: a small app in worker processes, with Azurite beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.azurite import Azurite, running_azurite
from tests.support.fixture_host import FixtureHost, running_host


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Azurite on a folder of its own."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as azurite:
        yield azurite


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, azurite: Azurite) -> Iterator[FixtureHost]:
    """The fixture app in two workers. Its timer is never due; it only runs at start."""
    with running_host(tmp_path_factory.mktemp("host"), azurite.connection_string) as host:
        yield host


@pytest.fixture
def fresh_host(tmp_path: Path, azurite: Azurite) -> Iterator[FixtureHost]:
    """The same, for one test that kills or stops something."""
    with running_host(tmp_path, azurite.connection_string) as host:
        yield host
