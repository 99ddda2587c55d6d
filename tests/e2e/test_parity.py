"""Drop-in over HTTP: an existing client's requests, with a token, get stock Presidio's answers.

The same cases run against the engine alone in tests/pii; here they go through host, token, policy and ledger.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.cloud import Answer, Cloud
from tests.support.engine_room import stock_presidio
from tests.support.parity import comparable, is_same_refusal
from tests.support.parity_cases import PARITY_CASES, Case
from tests.support.parity_faults import FAULT_CASES

FEWEST_CASES = 300
PURPOSE = {"X-Purpose": "customer-request"}


def send(cloud: Cloud, case: Case) -> Answer:
    """The request as a client of Presidio sends it, and a token."""
    persona = "reidentifier" if case.path == "/deanonymize" else "engineer"
    path = f"{case.path}?{urlencode(case.query)}" if case.query else case.path
    return cloud.call(case.method, path, case.body, persona=persona, headers=PURPOSE)


def is_forbidden(case: Case) -> bool:
    """The one operator that the default policy gives to nobody: it would send texts to an endpoint."""
    return "surrogate_ahds" in json.dumps(case.body)


def assert_forbidden(answer: Answer) -> None:
    """Stock would try it; here the policy refuses, on record."""
    assert answer.status == 403
    assert "surrogate_ahds" in answer.json["error"]
    assert answer.record


def test_there_are_at_least_three_hundred_requests() -> None:
    """Over every field of the API, generated and hand-picked."""
    assert len(PARITY_CASES) >= FEWEST_CASES


@pytest.mark.parametrize("case", PARITY_CASES, ids=lambda case: case.name)
def test_the_answer_is_stock_presidio_s(cloud: Cloud, case: Case) -> None:
    """The same status and, as JSON, the same body; and a receipt."""
    if is_forbidden(case):
        assert_forbidden(send(cloud, case))
        return
    stock_status, stock_body = stock_presidio().answer(case.method, case.path, case.body, case.query)
    answer = send(cloud, case)
    body: Any = answer.json
    assert answer.status == stock_status, body
    assert answer.record
    if stock_status == 200:
        assert comparable(case, body) == comparable(case, stock_body)
    else:
        assert is_same_refusal(stock_body, body), (stock_body, body)


@pytest.mark.parametrize("case", FAULT_CASES, ids=lambda case: case.name)
def test_a_fault_of_the_client_is_a_4xx(cloud: Cloud, case: Case) -> None:
    """Where stock answers 500 for the client's fault, ours is a recorded 4xx that says what to change."""
    answer = send(cloud, case)
    if is_forbidden(case):
        assert_forbidden(answer)
        return
    assert answer.status in (400, 413, 415, 422), answer.body
    assert answer.json["error"]
    assert answer.record
