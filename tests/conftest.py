"""Fixtures for all tests: one local cloud for those that need the whole service."""

from __future__ import annotations

from shared.pii.loading import choose_kernels
from tests.support.cloud import cloud, faulty_cloud

__all__ = ["cloud", "faulty_cloud"]


def pytest_configure() -> None:
    """As the service does it, before a test imports NumPy."""
    choose_kernels()
