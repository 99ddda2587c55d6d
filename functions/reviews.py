"""The doors of access reviews: which there are, one of them as JSON or as a page, and deciding."""

from __future__ import annotations

import azure.functions as func

from functions.audited import respond
from shared.usecases.reviews import operations

bp = func.Blueprint()


@bp.function_name("reviews_list")
@bp.route("audit/reviews", methods=["GET"])
async def reviews_list(req: func.HttpRequest) -> func.HttpResponse:
    """The reviews that were made, the newest first."""
    return await respond(req, operations.REVIEWS)


@bp.function_name("reviews_show")
@bp.route("audit/reviews/{id}", methods=["GET"])
async def reviews_show(req: func.HttpRequest) -> func.HttpResponse:
    """A review with how its findings stand: JSON, or the page for `Accept: text/html`."""
    return await respond(req, operations.REVIEW)


@bp.function_name("reviews_decide")
@bp.route("audit/reviews/{id}/decisions", methods=["POST"])
async def reviews_decide(req: func.HttpRequest) -> func.HttpResponse:
    """Approve, revoke or defer findings, or report that a revocation was carried out."""
    return await respond(req, operations.DECIDE)
