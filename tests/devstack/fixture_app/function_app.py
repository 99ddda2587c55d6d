"""A small app with every kind of trigger, for the host's tests. What it does, it notes in a file."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import time
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions.warmup import WarmUpContext

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
NOTES = Path(os.environ["FIXTURE_NOTES"])

if fault := os.environ.get("FIXTURE_FAULT"):
    raise RuntimeError(fault)


def note(**fields: Any) -> None:
    """Append one line; a single write, so that lines of several processes do not mix."""
    with NOTES.open("a", encoding="utf-8") as out:
        out.write(json.dumps({"pid": os.getpid(), **fields}) + "\n")


atexit.register(note, event="exit")


@app.route(route="echo/{name}/{*rest}", methods=["GET", "POST"])
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Everything that came, as JSON."""
    body = req.get_body()
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route": dict(req.route_params),
        "body_bytes": len(body),
        "body": body[:1000].hex(),
        "trace": context.trace_context.trace_parent,
        "pid": os.getpid(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json", headers={"X-Kind": "echo"})


@app.route(route="echo/special", methods=["GET"])
async def special(req: func.HttpRequest) -> func.HttpResponse:
    """A literal route goes before a template."""
    return func.HttpResponse(
        "special", status_code=202, headers={"Set-Cookie": "a=b; HttpOnly; SameSite=Lax"}
    )


@app.route(route="bytes", methods=["POST"])
async def raw_bytes(req: func.HttpRequest) -> func.HttpResponse:
    """The body as it came."""
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@app.route(route="text", methods=["GET"])
def text(req: func.HttpRequest) -> str:
    """A synchronous function that returns text."""
    return "plain"


@app.route(route="numbers/{number:int}")
async def number(req: func.HttpRequest) -> func.HttpResponse:
    """A constraint, and no list of methods."""
    return func.HttpResponse(req.route_params["number"])


@app.route(route="throw", methods=["GET"])
async def throw(req: func.HttpRequest) -> func.HttpResponse:
    """An exception with a message."""
    raise ValueError("a secret text")


@app.route(route="sleep", methods=["GET"])
async def sleep(req: func.HttpRequest) -> func.HttpResponse:
    """Hold a request for some milliseconds without holding a thread."""
    await asyncio.sleep(int(req.params["ms"]) / 1000)
    note(event="slept")
    return func.HttpResponse(str(os.getpid()))


@app.route(route="block", methods=["GET"])
def block(req: func.HttpRequest) -> func.HttpResponse:
    """Hold a thread for some milliseconds."""
    time.sleep(int(req.params["ms"]) / 1000)
    return func.HttpResponse(str(os.getpid()))


@app.route(route="burn", methods=["GET"])
async def burn(req: func.HttpRequest) -> func.HttpResponse:
    """Compute in a thread for some milliseconds of its own processor time."""

    def compute() -> None:
        end = time.thread_time() + int(req.params["ms"]) / 1000
        while time.thread_time() < end:
            sum(range(200))

    await asyncio.to_thread(compute)
    return func.HttpResponse(str(os.getpid()))


@app.timer_trigger(schedule="%FIXTURE_SCHEDULE%", arg_name="timer", run_on_startup=True)
async def tick(timer: func.TimerRequest) -> None:
    """A timer whose schedule is a setting; it takes as long as another one says."""
    note(event="tick", past_due=timer.past_due, status=timer.schedule_status)  # type: ignore[attr-defined]
    await asyncio.sleep(int(os.environ.get("FIXTURE_TICK_MS", "0")) / 1000)
    note(event="tock")


@app.blob_trigger(arg_name="blob", path="inbox/{name}.{extension}", connection="AzureWebJobsStorage")
async def arrive(blob: func.InputStream) -> None:
    """A blob came; one whose content says so makes it fail."""
    content = blob.read()
    note(event="blob", name=blob.name, length=blob.length, content=content.decode(), metadata=blob.metadata)  # type: ignore[attr-defined]
    if content == b"fail":
        raise ValueError("cannot take this one")


@app.warm_up_trigger(arg_name="warm")
async def warm_up(warm: WarmUpContext) -> None:
    """Called at the start of each worker."""
    note(event="warm")
    if fault := os.environ.get("FIXTURE_WARM_FAULT"):
        raise type("SettingsError", (Exception,), {})(fault)
