"""What a deployment would make: the predicted resources of a Bicep snapshot, and ways to ask about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Resource = Mapping[str, Any]
Check = Callable[["Deployment"], list[str]]
"""What is wrong, one sentence each; nothing where the rule holds."""

MISSING = object()


@dataclass(frozen=True, slots=True)
class Deployment:
    """The predicted resources of one set of parameters."""

    resources: tuple[Resource, ...]

    def of(self, kind: str, part: str = "") -> list[Resource]:
        """Resources of a type (without `Microsoft.`) in whose id the pattern `part` is found."""
        wanted = f"Microsoft.{kind}".lower()
        return [r for r in self.resources if r["type"].lower() == wanted and re.search(part, r["id"])]

    def one(self, kind: str, part: str = "") -> Resource:
        """The only such resource. Raises LookupError."""
        found = self.of(kind, part)
        if len(found) != 1:
            raise LookupError(f"expected one {kind} with {part!r} in its id, got {len(found)}")
        return found[0]


def read(snapshot: Mapping[str, Any]) -> Deployment:
    """A snapshot, as the compiler writes it."""
    return Deployment(tuple(snapshot["predictedResources"]))


def look_up(value: Any, path: str) -> Any:
    """The value at a dotted path of names; MISSING where there is none."""
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def holds(kind: str, path: str, wanted: object, part: str = "") -> Check:
    """A check: each such resource (one at least) has `wanted` at a path;

    a callable `wanted` decides by itself.
    """

    def check(deployment: Deployment) -> list[str]:
        found = deployment.of(kind, part)
        if not found:
            return [f"there is no {kind} with {part!r} in its id"]
        return [
            f"{resource['name']}: {path} is {_render(look_up(resource, path))}"
            for resource in found
            if not _meets(look_up(resource, path), wanted)
        ]

    return check


def exists(kind: str, part: str = "") -> Check:
    """A check: there is such a resource."""
    return lambda deployment: (
        [] if deployment.of(kind, part) else [f"there is no {kind} with {part!r} in its id"]
    )


def every(*checks: Check) -> Check:
    """A check: all of these hold."""
    return lambda deployment: [problem for check in checks for problem in check(deployment)]


def logs(part: str, category: str) -> Check:
    """A check: the diagnostic settings of a resource send this category to the workspace."""

    def check(deployment: Deployment) -> list[str]:
        for setting in deployment.of("Insights/diagnosticSettings", part):
            properties = setting["properties"]
            sent = {
                entry.get("category", entry.get("categoryGroup")) for entry in enabled(properties["logs"])
            }
            if category in sent and "/workspaces/" in properties["workspaceId"]:
                return []
        return [f"{category} of {part} goes to no workspace"]

    return check


def enabled(entries: Any) -> Iterator[Mapping[str, Any]]:
    """Those that are switched on."""
    return (entry for entry in entries if entry.get("enabled") is True)


def _meets(value: object, wanted: object) -> bool:
    if callable(wanted):
        return value is not MISSING and bool(wanted(value))
    return type(value) is type(wanted) and value == wanted


def _render(value: object) -> str:
    return "missing" if value is MISSING else repr(value)[:120]
