"""One workspace and one real exporter for all telemetry tests: OpenTelemetry's providers are global."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.loganalytics.server import Workspace
from shared.cloud.azure_monitor import open_telemetry
from shared.usecases.telemetry import Telemetry
from tests.support.records import WRITER
from tests.support.workspace import open_workspace


@pytest.fixture(scope="session")
def workspace() -> Iterator[Workspace]:
    """The endpoint that the exporter posts to."""
    with open_workspace() as opened:
        yield opened


@pytest.fixture(scope="session")
def sink(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telemetry]:
    """The real sink over the real exporter."""
    os.environ["OTEL_BLRP_SCHEDULE_DELAY"] = "100"
    os.environ["OTEL_METRIC_EXPORT_INTERVAL"] = "500"
    folder = tmp_path_factory.mktemp("exporter")
    opened = open_telemetry(workspace.connection_string, WRITER, folder=Path(folder))
    yield opened
    opened.close()
