"""The compiler, once for all tests of this folder, and a loud word at the end where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.support.bicep import NOT_FOUND, SNAPSHOT, Bicep, Edit, evaluate, find_compiler
from tests.support.deployment import Deployment, read

Evaluate = Callable[[Mapping[str, str], Edit | None], Deployment]


@pytest.fixture(scope="session")
def bicep() -> Iterator[Bicep]:
    """A running compiler; tests that need one are skipped, loudly, where there is none."""
    path = find_compiler()
    if path is None:
        pytest.skip(NOT_FOUND)
    compiler = Bicep(path)
    yield compiler
    compiler.close()


@pytest.fixture(scope="session")
def deployments() -> Iterator[Evaluate]:
    """Evaluates the deployment with variables and at most one edit;

    without a compiler, what was committed.
    """
    path = find_compiler()
    compiler = Bicep(path) if path else None
    known: dict[tuple[tuple[str, str], ...], Deployment] = {}

    def deploy(variables: Mapping[str, str], edit: Edit | None) -> Deployment:
        if compiler is None:
            if variables or edit is not None:
                pytest.skip(NOT_FOUND)
            return read(json.loads(SNAPSHOT.read_text("utf-8")))
        if edit is not None:
            return read(evaluate(compiler, variables, edit))
        key = tuple(sorted(variables.items()))
        if key not in known:
            known[key] = read(evaluate(compiler, variables))
        return known[key]

    yield deploy
    if compiler is not None:
        compiler.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Silence would look like success."""
    if find_compiler() is None:
        terminalreporter.section("infra", red=True, bold=True)
        terminalreporter.line(NOT_FOUND, red=True)
