"""API Management's limits are the policy's: for every route, in whatever way a policy spells its rates."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func
import pytest

from shared import wiring
from shared.identity.policy import parse_policy
from shared.usecases.calls import Answer, Call, Operation
from tests.support.bicep import INFRA, Bicep, evaluate
from tests.support.deployment import read
from tests.support.functions import Route, http_routes
from tests.support.rules_network import GATED, gateway_limits, largest_rate

OTHERWISE = 600
"""The default of gatewayCallsPerMinute."""

OPEN = {"health", "ready", "openapi"}
ROUTES = [route for route in http_routes() if route.name not in OPEN]

POLICY = """\
version: 1
refused_a_minute: 40
roles:
  Reader:
    permissions: [pii.analyze, audit.read]
    max_chars: 10
    max_texts: 1
    requests_a_minute: {pii.analyze: 70, audit.read: 9}
  Another:
    permissions: [pii.analyze]
    max_chars: 10
    max_texts: 1
    requests_a_minute: 50
    burst: 500
  Auditor:
    permissions: [audit.read]
    requests_a_minute:
      audit.read: 11
      catalog.read: 5
"""


@dataclass
class Listener:
    """Stands where the service is, and hears which operation a door asks for."""

    heard: list[str] = field(default_factory=list)
    trusted_proxy_hops: int = 1

    @property
    def path(self) -> Listener:
        return self

    async def answer(self, call: Call, operation: Operation) -> Answer:
        self.heard.append(operation.name)
        return Answer(200, {})


def operation_of(route: Route, monkeypatch: pytest.MonkeyPatch) -> str:
    """The operation that a route's function asks for."""
    listener = Listener()

    async def get_service() -> Any:
        return listener

    monkeypatch.setattr(wiring, "get_service", get_service)
    request = func.HttpRequest(route.method, f"http://localhost{route.path}", body=b"")
    asyncio.run(route.handler(request))
    return listener.heard[0]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_counted_as_its_operation(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    """infra/gateway/routes.json finds the operation of each registered function.

    The doors of approvals are one path by several methods: asking and looking count as deciding does.
    """
    entries = json.loads((INFRA / "gateway" / "routes.json").read_text("utf-8"))
    found = next((e["operation"] for e in entries if f"{route.path}/".startswith(e["path"])), None)
    operation = operation_of(route, monkeypatch)
    assert found == ("approval.decide" if operation.startswith("approval.") else operation)


def test_every_entry_is_a_route() -> None:
    """Nothing is counted that does not exist."""
    for entry in json.loads((INFRA / "gateway" / "routes.json").read_text("utf-8")):
        assert any(f"{route.path}/".startswith(entry["path"]) for route in ROUTES), entry


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 1"),
        ("refused_a_minute: 40\n", ""),
        ("    requests_a_minute: 50\n    burst: 500\n", ""),
        ("      catalog.read: 5\n", ""),
        ("{pii.analyze: 70, audit.read: 9}", "70"),
    ],
)
def test_whatever_the_policy_says_the_gateway_takes(old: str, new: str, bicep: Bicep) -> None:
    """Numbers, mappings, and none at all; the largest of an operation, for the code and for Bicep alike."""
    text = POLICY.replace(old, new)
    policy = parse_policy(text, "policy.yaml")
    answer = evaluate(bicep, GATED, policy=text)
    assert answer["diagnostics"] == []
    limits = gateway_limits(read(answer))
    assert limits.pop("other")[0] == OTHERWISE
    for calls, key in limits.values():
        operation = key.rpartition("/")[2].rstrip('")')
        assert calls == (largest_rate(policy, operation) or OTHERWISE), operation
        assert key == f'@((string)context.Variables["caller"] + "/{operation}")'


def test_a_refused_call_is_told_when_to_come_again() -> None:
    """Every limit of the gateway sends Retry-After."""
    limit = (INFRA / "gateway" / "limit.xml").read_text("utf-8")
    guarded = (INFRA / "gateway" / "guarded.xml").read_text("utf-8")
    for text in (limit, guarded):
        assert text.count("<rate-limit-by-key") == text.count('retry-after-header-name="Retry-After"') == 1
