"""The registered functions of the app, read once: the SDK counts names, and refuses a second reading."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions.decorators.http import HttpTrigger

from function_app import app

type Handler = Callable[[func.HttpRequest], Coroutine[Any, Any, func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of a registered HTTP function."""

    name: str
    path: str
    method: str
    handler: Handler


@functools.cache
def registered_functions() -> tuple[Any, ...]:
    """The app's functions."""
    return tuple(app.get_functions())


def trigger_types() -> dict[str, str]:
    """The kind of trigger of each function."""
    return {str(one.get_function_name()): str(one.get_trigger().type) for one in registered_functions()}


@functools.cache
def http_routes() -> tuple[Route, ...]:
    """Every method of every HTTP function."""
    routes = []
    for function in registered_functions():
        trigger = function.get_trigger()
        if not isinstance(trigger, HttpTrigger):
            continue
        for method in trigger.methods or []:
            name, handler = str(function.get_function_name()), function.get_user_function()
            routes.append(Route(name, f"/{trigger.route}", str(getattr(method, "value", method)), handler))
    return tuple(routes)
