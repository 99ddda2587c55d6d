"""The doors of four eyes: ask for an approval, see what is open, decide about what others asked for."""

from __future__ import annotations

import azure.functions as func

from functions.audited import respond
from shared.usecases.approvals import operations

bp = func.Blueprint()


@bp.function_name("approvals_ask")
@bp.route("approvals", methods=["POST"])
async def approvals_ask(req: func.HttpRequest) -> func.HttpResponse:
    """Ask a second person for one call; the answer's name goes into X-Approval of that call."""
    return await respond(req, operations.ASK)


@bp.function_name("approvals_open")
@bp.route("approvals", methods=["GET"])
async def approvals_open(req: func.HttpRequest) -> func.HttpResponse:
    """Open approvals: all of them for who may decide, one's own for others."""
    return await respond(req, operations.READ)


@bp.function_name("approvals_decide")
@bp.route("approvals/{writer}/{index}/decision", methods=["POST"])
async def approvals_decide(req: func.HttpRequest) -> func.HttpResponse:
    """Approve or reject what somebody else asked for."""
    return await respond(req, operations.DECIDE)
