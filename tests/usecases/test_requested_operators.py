"""A record names the operators that a request asked for, whether or not they found something to work on.

A review needs it: a role without an operator that a request names would refuse the request, also where that
operator had nothing to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from shared.records.model import AccessRecord
from shared.usecases import presidio
from shared.usecases.calls import Operation
from tests.support.services import Bench

TEXT = {"text": "John lives here", "language": "en"}


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def requested(bench: Bench, operation: Operation, body: dict[str, Any], **how: Any) -> tuple[str, ...] | None:
    """What the record of the call says that was asked for."""
    asyncio.run(bench.call(operation, body, persona="redactor", **how))
    record = bench.ledger.records[-1]
    assert isinstance(record, AccessRecord)
    return record.what.operators_requested


def test_operators_that_found_nothing_are_named(bench: Bench) -> None:
    """The engine here replaces; `keep` was asked for all the same, for a type that is not in the text."""
    body = {**TEXT, "anonymizers": {"DEFAULT": {"type": "replace"}, "CREDIT_CARD": {"type": "keep"}}}
    assert requested(bench, presidio.REDACT, body) == ("keep", "replace")
    record = bench.ledger.records[-1]
    assert isinstance(record, AccessRecord)
    assert record.what.operators == ("replace",)


def test_presidios_default_is_asked_for_where_nothing_is_named(bench: Bench) -> None:
    """Without anonymizers, everything is replaced."""
    assert requested(bench, presidio.REDACT, TEXT) == ("replace",)


def test_refused_operators_are_named_too(bench: Bench) -> None:
    """What was tried is what an auditor asks about."""
    body = {**TEXT, "anonymizers": {"DEFAULT": {"type": "encrypt", "key": "WmZq4t7w!z%C&F)J"}}}
    assert requested(bench, presidio.REDACT, body) == ("encrypt",)


def test_operations_without_operators_and_bodies_that_are_none_name_nothing(bench: Bench) -> None:
    """Absent, not empty: nothing is known to have been asked for."""
    assert requested(bench, presidio.ANALYZE, TEXT) is None
    assert requested(bench, presidio.REDACT, {"language": "en"}) is None
