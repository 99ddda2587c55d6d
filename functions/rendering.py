"""Between the Functions runtime's HTTP types and ours."""

from __future__ import annotations

import ipaddress
import time
from datetime import UTC, datetime

import azure.functions as func
import orjson
from ulid import ULID

from shared.review.page.document import Page
from shared.usecases.calls import Answer, Call

SECURITY_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Answers hold personal data: no cache may keep them, and no browser may guess their type."""


def read_call(request: func.HttpRequest, trusted_hops: int) -> Call:
    """The request as a value. Its id is made here; `X-Request-Id` of the caller is only a gateway's id."""
    return Call(
        request_id=str(ULID()),
        received=datetime.now(UTC),
        started_ns=time.monotonic_ns(),
        headers={name.lower(): value for name, value in request.headers.items()},
        query=dict(request.params),
        params=dict(request.route_params),
        body=request.get_body(),
        address=client_address(request.headers.get("X-Forwarded-For"), trusted_hops),
    )


def client_address(forwarded: str | None, trusted_hops: int) -> str | None:
    """What the outermost trusted proxy saw: entry `trusted_hops` of X-Forwarded-For, from the right.

    Entries further left were written by the client and prove nothing. A port is cut off; anything that is
    not an address gives None.
    """
    hops = [hop.strip() for hop in (forwarded or "").split(",")]
    if len(hops) < trusted_hops:
        return None
    hop = hops[-trusted_hops]
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return None


def render_answer(answer: Answer) -> func.HttpResponse:
    """JSON with sorted keys, as Presidio's servers send it, plain text for a str, HTML for a page.

    A problem keeps its order: `error` stands first, where clients of Presidio look for it.
    """
    headers = {**SECURITY_HEADERS, **answer.headers}
    if isinstance(answer.body, Page):
        # What a page forbids itself holds before its first byte is read; framing can be forbidden here alone.
        headers["Content-Security-Policy"] = f"{answer.body.policy}; frame-ancestors 'none'"
        body, mimetype = answer.body.html.encode(), "text/html"
    elif isinstance(answer.body, str):
        body, mimetype = answer.body.encode(), "text/plain"
    else:
        option = orjson.OPT_SORT_KEYS if answer.status < 400 else None
        body, mimetype = orjson.dumps(answer.body, option=option), "application/json"
    return func.HttpResponse(body, status_code=answer.status, headers=headers, mimetype=mimetype)
