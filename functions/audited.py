"""The one step between every audited door and the audited path."""

from __future__ import annotations

import azure.functions as func
from ulid import ULID

from functions.rendering import read_call, render_answer
from shared import wiring
from shared.errors import PresidioAccessError
from shared.usecases.calls import Operation
from shared.usecases.statuses import problem_answer


async def respond(request: func.HttpRequest, operation: Operation) -> func.HttpResponse:
    """Serve a request through the audited path; 503 while there is no ledger to record it in."""
    try:
        service = await wiring.get_service()
    except PresidioAccessError as error:
        return render_answer(problem_answer(wiring.refusal_of(error), str(ULID())))
    call = read_call(request, service.trusted_proxy_hops)
    return render_answer(await service.path.answer(call, operation))
