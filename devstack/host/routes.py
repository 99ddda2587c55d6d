"""Route templates as Azure Functions has them (ASP.NET Core routing): which function serves a path.

Literal text is matched without regard to case. `{name}` is one segment or part of one, `{name?}` may be
missing at the end, `{*rest}` takes all that follows, `{name:int}` has a constraint. A path that no template
matches, and a method that a matching function does not serve, are both 404 with an empty body (the host's
behaviour, azure-functions-host issue 10098).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from devstack.host.bindings import HttpFunction
from devstack.host.errors import HostError

_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)(?::(\w+))?(\?)?\}")
_CONSTRAINTS = {
    None: r"[^/]+?",
    "int": r"-?\d+",
    "long": r"-?\d+",
    "alpha": r"[A-Za-z]+",
    "guid": r"[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}",
    "bool": r"(?i:true|false)",
}


class Router:
    """Finds the function of a request. Literal templates are looked up, others tried by precedence."""

    def __init__(self, functions: Iterable[HttpFunction]) -> None:
        self._literal: dict[str, list[HttpFunction]] = {}
        self._patterns: list[tuple[re.Pattern[str], HttpFunction]] = []
        for function in sorted(functions, key=lambda function: _precedence(function.route)):
            if "{" in function.route:
                self._patterns.append((compile_template(function.route), function))
            else:
                self._literal.setdefault(function.route.lower(), []).append(function)

    def find(self, method: str, raw_path: str) -> tuple[HttpFunction, dict[str, str]] | None:
        """The function and its decoded route parameters, None for 404. `raw_path` is percent-encoded."""
        path = raw_path.strip("/")
        for function in self._literal.get(path.lower(), ()):
            if not function.methods or method in function.methods:
                return function, {}
        for pattern, function in self._patterns:
            match = pattern.fullmatch(path)
            if match and (not function.methods or method in function.methods):
                return function, {name: unquote(value) for name, value in match.groupdict().items() if value}
        return None


def compile_template(route: str) -> re.Pattern[str]:
    """A pattern over a path without its outer slashes. Raises HostError for a template it cannot read."""
    pattern, position = "", 0
    for parameter in _PARAMETER.finditer(route):
        pattern += re.escape(route[position : parameter.start()])
        stars, name, constraint, optional = parameter.groups()
        if constraint not in _CONSTRAINTS:
            raise HostError(f"route {route}: constraint {constraint} is not served by the local host")
        inner = f"(?P<{name}>{'.*' if stars else _CONSTRAINTS[constraint]})"
        if (optional or stars) and pattern.endswith("/"):
            inner = f"(?:/{inner})?"
            pattern = pattern[:-1]
        pattern += inner
        position = parameter.end()
    rest = route[position:]
    if "{" in rest or "}" in rest:
        raise HostError(f"route {route}: unbalanced braces")
    return re.compile(pattern + re.escape(rest), re.IGNORECASE)


def _precedence(route: str) -> tuple[int, ...]:
    """Segment by segment: a literal before a constrained parameter before a free one before a catch-all."""

    def weight(segment: str) -> int:
        parameter = _PARAMETER.search(segment)
        if parameter is None:
            return 1
        if parameter[1]:
            return 5
        return 2 if parameter[3] or parameter[0] != segment else 3

    return tuple(weight(segment) for segment in route.split("/"))
