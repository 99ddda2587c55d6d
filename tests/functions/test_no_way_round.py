"""No way round: every registered HTTP function but three leaves exactly one outcome record for each call.

The functions are taken from the app itself, so a route that is added later is walked too, and fails here
if it does not go through the audited path.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import pytest

from shared import wiring
from shared.errors import EngineFailed, SettingsError
from shared.identity.policy import parse_policy
from shared.records.model import AccessRecord, Record, RefusalsRecord
from tests.support.committers import WRITER
from tests.support.functions import Route, http_routes
from tests.support.policies import with_four_eyes
from tests.support.rates import limited_text
from tests.support.reviewed import store_review
from tests.support.services import Bench

OPEN = {"health", "ready", "openapi"}
"""The functions that touch no data. Everything else is audited."""

SPAN = [{"start": 0, "end": 4, "entity_type": "PERSON", "score": 0.8}]
BODIES: dict[str, Any] = {
    "analyze": {"text": "John", "language": "en"},
    "redact": {"text": "John", "language": "en"},
    "anonymize": {"text": "John", "analyzer_results": SPAN},
    "deanonymize": {
        "text": "John",
        "anonymizer_results": SPAN,
        "deanonymizers": {"DEFAULT": {"type": "deanonymize_keep"}},
    },
}
BODIES["approvals_ask"] = {"operation": "pii.deanonymize", "request": BODIES["deanonymize"]}
BODIES["approvals_decide"] = {"approve": True, "justification": "seen, and it is right"}
BODIES["reviews_decide"] = {
    "decisions": [
        {"finding": "f-0000000000000000", "choice": "revoke", "justification": "left the team in May"}
    ]
}
PERSONAS = {
    "reviews_list": "reviewer",
    "reviews_show": "reviewer",
    "reviews_decide": "reviewer",
    "deanonymize": "reidentifier",
    "approvals_ask": "reidentifier",
    "approvals_decide": "approver",
    "audit_records": "auditor",
    "audit_record": "auditor",
    "audit_proof": "auditor",
    "audit_checkpoint": "auditor",
}
GENESIS = {"writer": WRITER, "index": "0"}
"""Route parameters of a record that is always there."""


ROUTES = http_routes()
AUDITED = [route for route in ROUTES if route.name not in OPEN]


@dataclass(frozen=True)
class StandIn:
    """The service, joined around a bench."""

    path: Any
    trusted_proxy_hops: int = 1


LIMIT = 4
"""Calls of each operation in a minute: no other test here makes so many."""


@pytest.fixture
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Under a policy with limits; for the doors of approvals, under one that asks for them, too."""
    callspec = getattr(request.node, "callspec", None)
    path = callspec.params["route"].path if callspec is not None else ""
    text = limited_text(LIMIT)
    policy = parse_policy(with_four_eyes(text) if path.startswith("/approvals") else text, "policy.yaml")
    made = Bench(policy=policy)

    async def get_service() -> StandIn:
        return StandIn(made.path)

    monkeypatch.setattr(wiring, "get_service", get_service)
    yield made
    made.close()


def send(
    route: Route,
    bench: Bench,
    *,
    persona: str | None,
    body: bytes | None = None,
    authorization: str | None = None,
    params: dict[str, str] | None = None,
) -> func.HttpResponse:
    """One call of a function, as the runtime makes it."""
    headers = {
        "Content-Type": "application/json",
        "X-Forwarded-For": "192.0.2.9",
        "X-Purpose": "customer-request",
        "X-Justification": "asked for by the customer",
    }
    if persona is not None:
        authorization = bench.forger.bearer(persona)
    if authorization is not None:
        headers["Authorization"] = authorization
    default = json.dumps(BODIES[route.name]).encode() if route.name in BODIES else b""
    request = func.HttpRequest(
        route.method,
        f"http://localhost/{route.name}",
        headers=headers,
        route_params=params or GENESIS,
        body=default if body is None else body,
    )
    return asyncio.run(route.handler(request))


def ask_for_approval(bench: Bench) -> dict[str, str]:
    """Somebody else asks for an approval; the route parameters that name it."""
    ask = next(route for route in ROUTES if route.name == "approvals_ask")
    answer = json.loads(send(ask, bench, persona="reidentifier").get_body())
    writer, index = answer["approval"].split("/")
    return {"writer": writer, "index": index}


def outcome_of(
    bench: Bench, response: func.HttpResponse, ended: Sequence[Record] = ()
) -> AccessRecord | RefusalsRecord:
    """The one outcome record of a call, by its request id, in the ledger or among those of ended bursts."""
    request_id = response.headers["X-Request-Id"]
    outcomes = [
        record
        for record in [*bench.ledger.records, *ended]
        if (isinstance(record, AccessRecord) and record.request_id == request_id)
        or (isinstance(record, RefusalsRecord) and request_id in record.request_ids)
    ]
    assert len(outcomes) == 1, f"{len(outcomes)} outcome records for one call"
    assert response.headers["X-Audit-Record"]
    assert response.headers["X-Audit-Checkpoint"]
    return outcomes[0]


def status_in(record: AccessRecord | RefusalsRecord) -> int:
    """The status that the record says was answered."""
    return record.outcome.status if isinstance(record, AccessRecord) else record.status


def by_name(route: Route) -> str:
    return f"{route.method} {route.name}"


def test_the_walk_sees_every_door() -> None:
    """The app has the routes of the contract, and the open ones are the three that it names."""
    assert {route.name for route in ROUTES} >= {
        "analyze", "anonymize", "deanonymize", "redact", "recognizers", "supportedentities",
        "anonymizers", "deanonymizers", "whoami", *OPEN,
    }  # fmt: skip
    assert {route.name for route in ROUTES} >= OPEN


@pytest.mark.parametrize("route", AUDITED, ids=by_name)
def test_success_leaves_one_record(route: Route, bench: Bench) -> None:
    """An allowed call is recorded as allowed, with the role that granted it where one was needed."""
    params = ask_for_approval(bench) if route.name == "approvals_decide" else None
    if route.path.startswith("/audit/reviews"):
        params = {"id": store_review(bench).id}
    response = send(route, bench, persona=PERSONAS.get(route.name, "engineer"), params=params)
    record = outcome_of(bench, response)
    # nothing is sealed in this ledger, so there is no root checkpoint to give: the one success that is a 404
    expected = 404 if route.name == "audit_checkpoint" else 200
    assert response.status_code == status_in(record) == expected, response.get_body()
    assert isinstance(record, AccessRecord)
    assert record.decision.allowed
    assert record.where.address == "192.0.2.9"


@pytest.mark.parametrize("authorization", [None, "Bearer x.y.z", "Basic eDp5", "Bearer"])
@pytest.mark.parametrize("route", AUDITED, ids=by_name)
def test_a_caller_who_is_not_known_leaves_one_record(
    route: Route, authorization: str | None, bench: Bench
) -> None:
    """No token and bad tokens are counted as refusals, and reach no engine."""
    response = send(route, bench, persona=None, authorization=authorization)
    assert response.status_code == status_in(outcome_of(bench, response)) == 401
    assert bench.engine.calls == []


@pytest.mark.parametrize("route", [r for r in AUDITED if r.name != "whoami"], ids=by_name)
def test_a_caller_without_a_role_leaves_one_record(route: Route, bench: Bench) -> None:
    """A denied call is recorded with its caller."""
    response = send(route, bench, persona="nobody")
    record = outcome_of(bench, response)
    assert response.status_code == status_in(record) == 403
    assert isinstance(record, AccessRecord)
    assert not record.decision.allowed
    assert record.who.principal is not None
    assert bench.engine.calls == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"text": 1}', b"null"])
@pytest.mark.parametrize("route", [r for r in AUDITED if r.method == "POST"], ids=by_name)
def test_bad_input_leaves_one_record(route: Route, body: bytes, bench: Bench) -> None:
    """A body that cannot be served is a recorded 4xx."""
    response = send(route, bench, persona=PERSONAS.get(route.name, "engineer"), body=body)
    record = outcome_of(bench, response)
    assert response.status_code == status_in(record)
    assert 400 <= response.status_code < 500
    assert bench.engine.calls == []


@pytest.mark.parametrize("route", AUDITED, ids=by_name)
def test_calls_over_the_limit_leave_one_record_each(
    route: Route, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A burst has a record at once for its first call and one at its end; each call stands in one of them."""
    monkeypatch.setattr(bench.path.limiter, "_now_ns", lambda: 0)
    persona = PERSONAS.get(route.name, "engineer")
    for _ in range(LIMIT):
        served = send(route, bench, persona=persona)
        assert served.status_code != 429
    before = list(bench.engine.calls)
    over = [send(route, bench, persona=persona) for _ in range(4)]
    assert len(bench.ledger.records) <= 2 * LIMIT + 1, "a record for each call over the limit"
    ended = bench.path.bursts.end_all()
    for response in over:
        assert response.status_code == status_in(outcome_of(bench, response, ended)) == 429
        assert int(response.headers["Retry-After"]) > 0
    assert len({response.headers["X-Audit-Record"] for response in over}) == 1
    assert bench.engine.calls == before


@pytest.mark.parametrize("failure", [RuntimeError("canary"), EngineFailed("it raised"), MemoryError()])
@pytest.mark.parametrize(
    "route", [r for r in AUDITED if not r.path.startswith(("/whoami", "/audit", "/approvals"))], ids=by_name
)
def test_an_exception_inside_presidio_leaves_one_record(
    route: Route, failure: Exception, bench: Bench
) -> None:
    """Whatever the engine raises is a recorded 500 that says nothing of it."""
    bench.engine.failure = failure
    response = send(route, bench, persona=PERSONAS.get(route.name, "engineer"))
    assert response.status_code == status_in(outcome_of(bench, response)) == 500
    assert b"canary" not in response.get_body()


@pytest.mark.parametrize("route", AUDITED, ids=by_name)
def test_without_a_ledger_there_is_no_answer(
    route: Route, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that could not be joined serves nothing, and does not tell callers which setting is wrong."""

    async def get_service() -> StandIn:
        raise SettingsError("DIGEST_KEY", "is not set")

    monkeypatch.setattr(wiring, "get_service", get_service)
    response = send(route, bench, persona="engineer")
    assert response.status_code == 503
    assert b"DIGEST_KEY" not in response.get_body()
    assert bench.engine.calls == []
