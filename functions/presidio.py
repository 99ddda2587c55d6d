"""Presidio's own routes: POST /analyze, /anonymize, /deanonymize, and /redact, which does two in one."""

from __future__ import annotations

import azure.functions as func

from functions.audited import respond
from shared.usecases import presidio

bp = func.Blueprint()


@bp.function_name("analyze")
@bp.route("analyze", methods=["POST"])
async def analyze(req: func.HttpRequest) -> func.HttpResponse:
    """Find personal data."""
    return await respond(req, presidio.ANALYZE)


@bp.function_name("anonymize")
@bp.route("anonymize", methods=["POST"])
async def anonymize(req: func.HttpRequest) -> func.HttpResponse:
    """Replace found spans."""
    return await respond(req, presidio.ANONYMIZE)


@bp.function_name("deanonymize")
@bp.route("deanonymize", methods=["POST"])
async def deanonymize(req: func.HttpRequest) -> func.HttpResponse:
    """Restore replaced spans; the intent is recorded first."""
    return await respond(req, presidio.DEANONYMIZE)


@bp.function_name("redact")
@bp.route("redact", methods=["POST"])
async def redact(req: func.HttpRequest) -> func.HttpResponse:
    """Find and replace in one call; the caller never sees the values."""
    return await respond(req, presidio.REDACT)
