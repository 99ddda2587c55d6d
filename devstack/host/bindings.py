"""What an app's bindings ask the host for: routes, timers, blob triggers, a warm-up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from devstack.host.errors import HostError

_SETTING = re.compile(r"%([^%]+)%")
_OUTPUTS = {"http"}


@dataclass(frozen=True, slots=True)
class Function:
    """A function as the worker library indexed it."""

    id: str
    name: str
    parameter: str


@dataclass(frozen=True, slots=True)
class HttpFunction(Function):
    """`methods` is empty where every method is served. `route` has no leading slash."""

    route: str
    methods: frozenset[str]


@dataclass(frozen=True, slots=True)
class TimerFunction(Function):
    """`schedule` is NCRONTAB text with settings filled in."""

    schedule: str
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True, slots=True)
class BlobFunction(Function):
    """`path` is `<container>/<name pattern>`; `connection` is a storage connection string."""

    path: str
    connection: str


@dataclass(frozen=True, slots=True)
class WarmupFunction(Function):
    """Called once in each worker before it is warm."""


def read_functions(metadata: Iterable[Any], settings: Mapping[str, str], prefix: str) -> list[Function]:
    """The functions of the worker library's metadata. `prefix` is host.json's route prefix.

    Raises HostError for a trigger or an output binding that this host does not serve, for an authorisation
    level that needs keys, and for a setting that is not set.
    """
    return [_read_function(entry, settings, prefix) for entry in metadata]


def read_route_prefix(host_json: Mapping[str, Any]) -> str:
    """`extensions.http.routePrefix`; "api" where it is not set, as in Azure."""
    prefix = host_json.get("extensions", {}).get("http", {}).get("routePrefix", "api")
    return str(prefix).strip("/")


def fill_settings(text: str, settings: Mapping[str, str], where: str) -> str:
    """Replace each `%NAME%` by the application setting of that name. Raises HostError where it is not set."""

    def value_of(match: re.Match[str]) -> str:
        if match[1] not in settings:
            raise HostError(f"{match[1]}: is not set, and {where} needs it")
        return settings[match[1]]

    return _SETTING.sub(value_of, text)


def _read_function(entry: Any, settings: Mapping[str, str], prefix: str) -> Function:
    name: str = entry.name
    bindings = [json.loads(raw) for raw in entry.raw_bindings]
    triggers = [binding for binding in bindings if binding["type"].endswith("Trigger")]
    for binding in bindings:
        if binding not in triggers and binding["type"] not in _OUTPUTS:
            raise HostError(
                f"function {name}: binding type {binding['type']} is not served by the local host"
            )
    [trigger] = triggers
    common = {"id": entry.function_id, "name": name, "parameter": trigger["name"]}
    match trigger["type"]:
        case "httpTrigger":
            return _read_http(common, trigger, prefix)
        case "timerTrigger":
            schedule = fill_settings(trigger["schedule"], settings, f"the timer {name}")
            on_startup, monitor = trigger.get("runOnStartup") is True, trigger.get("useMonitor") is not False
            return TimerFunction(**common, schedule=schedule, run_on_startup=on_startup, use_monitor=monitor)
        case "blobTrigger":
            path = fill_settings(trigger["path"], settings, f"the blob trigger {name}")
            return BlobFunction(**common, path=path, connection=_connection(name, trigger, settings))
        case "warmupTrigger":
            return WarmupFunction(**common)
    raise HostError(f"function {name}: trigger type {trigger['type']} is not served by the local host")


def _read_http(common: dict[str, str], trigger: Mapping[str, Any], prefix: str) -> HttpFunction:
    level = str(trigger.get("authLevel", "function")).lower()
    if level != "anonymous":
        raise HostError(
            f"function {common['name']}: authorisation level {level} needs keys that are not here"
        )
    route = str(trigger.get("route") or common["name"]).strip("/")
    methods = frozenset(method.upper() for method in trigger.get("methods") or ())
    return HttpFunction(**common, route=f"{prefix}/{route}".strip("/"), methods=methods)


def _connection(name: str, trigger: Mapping[str, Any], settings: Mapping[str, str]) -> str:
    setting = trigger.get("connection") or "AzureWebJobsStorage"
    for candidate in (setting, f"AzureWebJobs{setting}"):
        if settings.get(candidate):
            return settings[candidate]
    raise HostError(f"{setting}: is not set, and the blob trigger {name} needs its connection string")
