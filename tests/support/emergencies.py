"""Uses of the emergency role over a bench, as the door would make them."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.usecases import presidio
from shared.usecases.calls import Answer
from tests.support.services import Bench

TEXT = {"text": "John lives here", "language": "en"}
REASON = "the mail server was broken into, lists are on the web"


def enter(bench: Bench, ticket: str | None = "INC-4711", **claims: Any) -> Answer:
    """One call of the emergency role; `claims` change the token."""
    headers = {
        "authorization": bench.bearer("breakglass", **claims),
        "x-purpose": "incident-response",
        "x-justification": REASON,
        **({} if ticket is None else {"x-ticket": ticket}),
    }
    return asyncio.run(bench.call(presidio.ANALYZE, TEXT, persona=None, headers=headers))
