"""The shared local clouds of the end-to-end tests."""

from __future__ import annotations

from tests.support.cloud import cloud, faulty_cloud

__all__ = ["cloud", "faulty_cloud"]
