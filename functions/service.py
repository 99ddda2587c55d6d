"""The open doors, which touch no data and leave no record: /health, /ready, /openapi.json; and warm-up."""

from __future__ import annotations

import logging

import azure.functions as func
from azure.functions.warmup import WarmUpContext
from ulid import ULID

from functions.openapi import build_openapi
from functions.rendering import render_answer
from shared import wiring
from shared.errors import PresidioAccessError, SettingsError
from shared.usecases.calls import Answer
from shared.version import VERSION

logger = logging.getLogger("presidio_access.service")

bp = func.Blueprint()


@bp.function_name("health")
@bp.route("health", methods=["GET"])
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """The process answers. Nothing else is looked at."""
    return render_answer(_open(Answer(200, "Presidio Access Audit is up")))


@bp.function_name("ready")
@bp.route("ready", methods=["GET"])
async def ready(req: func.HttpRequest) -> func.HttpResponse:
    """A call that came now would be checked, served and recorded."""
    try:
        service = await wiring.get_service()
    except SettingsError:
        return render_answer(_open(Answer(503, {"settings": "wrong"})))
    except PresidioAccessError as error:
        return render_answer(_open(Answer(503, {"service": error.code}, {"Retry-After": "2"})))
    return render_answer(_open(service.readiness.answer()))


@bp.function_name("openapi")
@bp.route("openapi.json", methods=["GET"])
async def openapi(req: func.HttpRequest) -> func.HttpResponse:
    """This API, as OpenAPI 3.1."""
    return render_answer(_open(Answer(200, build_openapi(VERSION))))


@bp.function_name("warmup")
@bp.warm_up_trigger("context")
async def warmup(context: WarmUpContext) -> None:
    """Join the service and load the models before the first call. Raises SettingsError: refuse to start."""
    service = await wiring.get_service()
    logger.info("writer %s is open; the engine is %s", service.writer, service.engines.state)


def _open(answer: Answer) -> Answer:
    return Answer(answer.status, answer.body, {**answer.headers, "X-Request-Id": str(ULID())})
