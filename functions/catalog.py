"""Presidio's lists: GET /recognizers, /supportedentities, /anonymizers, /deanonymizers; and GET /whoami."""

from __future__ import annotations

import azure.functions as func

from functions.audited import respond
from shared.usecases import catalog
from shared.usecases.whoami import WHOAMI

bp = func.Blueprint()


@bp.function_name("recognizers")
@bp.route("recognizers", methods=["GET"])
async def recognizers(req: func.HttpRequest) -> func.HttpResponse:
    """Names of the recognizers, of one language where `language` is given."""
    return await respond(req, catalog.RECOGNIZERS)


@bp.function_name("supportedentities")
@bp.route("supportedentities", methods=["GET"])
async def supportedentities(req: func.HttpRequest) -> func.HttpResponse:
    """Entity types that can be found, in one language where `language` is given."""
    return await respond(req, catalog.SUPPORTED_ENTITIES)


@bp.function_name("anonymizers")
@bp.route("anonymizers", methods=["GET"])
async def anonymizers(req: func.HttpRequest) -> func.HttpResponse:
    """Names of the operators for /anonymize."""
    return await respond(req, catalog.ANONYMIZERS)


@bp.function_name("deanonymizers")
@bp.route("deanonymizers", methods=["GET"])
async def deanonymizers(req: func.HttpRequest) -> func.HttpResponse:
    """Names of the operators for /deanonymize."""
    return await respond(req, catalog.DEANONYMIZERS)


@bp.function_name("whoami")
@bp.route("whoami", methods=["GET"])
async def whoami(req: func.HttpRequest) -> func.HttpResponse:
    """The caller, its permissions and limits, as the service sees them."""
    return await respond(req, WHOAMI)
