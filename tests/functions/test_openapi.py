"""The OpenAPI document is true to the app."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from functions.openapi import build_openapi
from shared.version import VERSION
from tests.support.functions import http_routes


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_openapi(VERSION)


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    """A validator that is not ours accepts it."""
    validate(document)


def test_the_document_names_exactly_the_registered_routes(document: dict[str, Any]) -> None:
    """Every route and method is there, and no other."""
    registered = {(route.path, route.method.lower()) for route in http_routes()}
    documented = {(path, method) for path, item in document["paths"].items() for method in item}
    assert documented == registered


def test_only_the_open_routes_need_no_token(document: dict[str, Any]) -> None:
    """The security of an operation is the default's unless it is one of three."""
    without = {
        path
        for path, item in document["paths"].items()
        for operation in item.values()
        if operation.get("security") == []
    }
    assert without == {"/health", "/ready", "/openapi.json"}
