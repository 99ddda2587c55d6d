"""Fixtures for all tests: one local cloud for those that need the whole service.

Property tests run on the same examples each time, so that a red run means a change. To look for new ones:
`make test ARGS="--hypothesis-profile=explore tests/ledger"`; an example that is found becomes a test.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from shared.pii.loading import choose_kernels
from tests.support.cloud import cloud, faulty_cloud

__all__ = ["cloud", "faulty_cloud"]

# A busy machine is no finding: neither a slow example nor slow data counts as one.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", _UNTIMED, derandomize=True)
settings.register_profile("explore", _UNTIMED, print_blob=True)
settings.load_profile("same")


def pytest_configure() -> None:
    """As the service does it, before a test imports NumPy."""
    choose_kernels()
