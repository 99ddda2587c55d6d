"""The OpenAPI document against the running service: schemathesis makes requests and checks the answers."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from functions.openapi import build_openapi
from shared.version import VERSION
from tests.support.cloud import Cloud

EXAMPLES = 12
PERSONAS = {"/deanonymize": "reidentifier", "/audit": "auditor"}

schema = schemathesis.openapi.from_dict(build_openapi(VERSION))


def persona_for(path: str) -> str:
    return next((persona for prefix, persona in PERSONAS.items() if path.startswith(prefix)), "engineer")


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_answers_are_as_documented(case: Any, cloud: Cloud) -> None:
    """Whatever the document allows, and some that it does not, is answered as documented."""
    token = cloud.state.personas[persona_for(case.path)].token
    response = case.call(
        base_url=cloud.state.base_url,
        headers={"Authorization": f"Bearer {token}", "X-Purpose": "customer-request"},
        timeout=30,
    )
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )


def test_the_served_document_is_the_built_one(cloud: Cloud) -> None:
    """GET /openapi.json, without a token."""
    assert cloud.call("GET", "/openapi.json").json == build_openapi(VERSION)


def test_the_document_is_walked_wholly() -> None:
    """Every operation of it was made a test."""
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    operations = {(operation.path, operation.method) for operation in found}
    documented = {(path, method) for path, item in build_openapi(VERSION)["paths"].items() for method in item}
    assert {(path, method.lower()) for path, method in operations} == documented


@pytest.mark.parametrize("path", ["/analyze", "/nothing"])
def test_other_methods_and_paths_reach_no_function(cloud: Cloud, path: str) -> None:
    """What is not in the document is not served."""
    answer = cloud.call("DELETE", path, persona="engineer")
    assert answer.status in {404, 405}
