"""Fixtures for all tests: one local cloud for those that need the whole service."""

from __future__ import annotations

from tests.support.cloud import cloud, faulty_cloud

__all__ = ["cloud", "faulty_cloud"]
