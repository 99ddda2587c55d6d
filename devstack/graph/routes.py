"""The local directory's HTTP face, and the endpoint of the identity that may read it.

GET, POST /v1.0/...        Microsoft Graph, for a token of the managed identity
GET       /msi/token       such a token, as App Service gives it
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.graph.answers import Answer, GraphAnswers
from devstack.graph.people import local_tenant
from devstack.graph.tokens import API_VERSION, IDENTITY_HEADER, identity_answer, permissions_of
from devstack.keyring import Keyring

PREFIX = "/v1.0"


def graph_routes(keyring: Callable[[], Keyring], base_url: str) -> list[Route]:
    """Routes for an application at this address. `keyring` gives the keys of the moment."""
    answers = GraphAnswers(local_tenant(datetime.now(UTC)), base_url)

    async def ask(request: Request) -> Response:
        header = request.headers.get("Authorization", "")
        permissions = permissions_of(header.removeprefix("Bearer "), keyring(), base_url)
        if permissions is None:
            return _render(Answer(401, {"error": {"code": "InvalidAuthenticationToken", "message": ""}}))
        path = request.scope["raw_path"].decode("ascii").removeprefix(PREFIX)
        if request.method == "POST" and path == "/$batch":
            try:
                body = json.loads(await request.body())
            except ValueError:
                body = None
            return _render(answers.answer_batch(body, permissions))
        query = request.url.query
        return _render(answers.answer(f"{path}?{query}" if query else path, permissions))

    def give_token(request: Request) -> Response:
        resource = request.query_params.get("resource", "")
        is_sound = request.headers.get("X-IDENTITY-HEADER") == IDENTITY_HEADER
        if not is_sound or not resource or request.query_params.get("api-version") != API_VERSION:
            return JSONResponse({"statusCode": 400, "message": "no such identity"}, 400)
        return JSONResponse(identity_answer(keyring(), base_url, resource, int(time.time())))

    return [
        Route(PREFIX + "/{path:path}", ask, methods=["GET", "POST"]),
        Route("/msi/token", give_token),
    ]


def _render(answer: Answer) -> Response:
    return JSONResponse(answer.body, answer.status)
