"""Runs the service through the worker library, makes the calls given on stdin, and prints the answers as
JSON.

The certificate authorities of CA_BUNDLE stand in for the machine's own: in Azure, storage has a public
certificate.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import certifi

ROOT = Path(__file__).resolve().parents[2]
READY_S = 60.0


async def serve(calls: list[dict[str, Any]], wait: bool) -> list[dict[str, Any]]:
    """The answers, in order; where `wait`, once /ready answers 200."""
    from devstack.host.bindings import HttpFunction
    from devstack.host.invoker import Invoker

    invoker = await Invoker.load(ROOT)
    functions = {f.name: f for f in invoker.functions if isinstance(f, HttpFunction)}

    async def call(name: str, token: str | None = None, body: Any = None) -> dict[str, Any]:
        headers = {
            "content-type": "application/json",
            **({"authorization": f"Bearer {token}"} if token else {}),
        }
        data = b"" if body is None else json.dumps(body).encode()
        result = await invoker.call_http(
            functions[name],
            method="GET" if body is None else "POST",
            url=f"http://127.0.0.1/{name}",
            headers=headers,
            query={},
            parameters={},
            body=data,
        )
        assert result.failure is None, result.failure
        http = result.value.http
        return {
            "status": int(http.status_code),
            "headers": {k.lower(): str(getattr(v, "value", v)) for k, v in dict(http.headers).items()},
            "body": bytes(http.body.bytes or http.body.string.encode()).decode(),
        }

    deadline = time.monotonic() + READY_S
    while wait and (await call("ready"))["status"] != 200 and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    return [await call(**entry) for entry in calls]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    bundle = os.environ["CA_BUNDLE"]
    certifi.where = lambda: bundle
    question = json.loads(sys.stdin.read())
    print("ANSWERS " + json.dumps(asyncio.run(serve(question["calls"], question["wait"]))), flush=True)
