"""Calls an app's functions through `azure_functions_runtime`, the library that Azure's own worker runs.

One app a process: the library keeps its registry in module state.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import uuid
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime

from devstack.host.bindings import (
    BlobFunction,
    Function,
    HttpFunction,
    TimerFunction,
    WarmupFunction,
    read_functions,
    read_route_prefix,
)
from devstack.host.errors import HostError
from devstack.host.protos import PROTOS, ParameterBinding, RpcHttp, StatusResult, TypedData

_NO_RETRY = SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)
_NO_BODY = TypedData(bytes=b"")

logger = logging.getLogger("devstack.host")


@dataclass(frozen=True, slots=True)
class Result:
    """How an invocation ended. `failure` is the exception's text, None for success."""

    value: Any = None
    failure: str | None = None


class Invoker:
    """The functions of one app, ready to be called."""

    def __init__(self, functions: list[Function]) -> None:
        self.functions = functions
        self._begun: set[asyncio.Task[Result]] = set()

    @classmethod
    async def load(cls, folder: Path, settings: Mapping[str, str] = os.environ) -> Invoker:
        """Import and index the app of a folder, as Azure's host has its worker do.

        Raises HostError: in Azure an app that does not import has no functions, here it does not start.
        """
        sys.path.insert(0, str(folder))
        runtime.start_threadpool_executor()
        init = SimpleNamespace(capabilities={}, function_app_directory=str(folder))
        answer = await runtime.worker_init_request(_request(worker_init_request=init))
        if answer.result.status != StatusResult.Success:
            logger.error("%s\n%s", answer.result.exception.message, answer.result.exception.stack_trace)
            raise HostError(answer.result.exception.message)
        metadata = (await runtime.functions_metadata_request(_request())).function_metadata_results
        if not metadata:
            raise HostError(f"no functions found in {folder / 'function_app.py'}")
        host_json = json.loads((folder / "host.json").read_text(encoding="utf-8"))
        return cls(read_functions(metadata, settings, read_route_prefix(host_json)))

    async def call_http(
        self,
        function: HttpFunction,
        *,
        method: str,
        url: str,
        headers: dict[str, str],
        query: dict[str, str],
        parameters: dict[str, str],
        body: bytes,
    ) -> Result:
        """Call an HTTP function. Headers have lower-case names; the value is an `RpcHttp` or `TypedData`."""
        http = RpcHttp(
            method=method,
            url=url,
            headers=headers,
            query=query,
            params=parameters,
            body=TypedData(bytes=body) if body else _NO_BODY,
        )
        trace_parent = child_trace(headers.get("traceparent"))
        return await self._call(
            function, TypedData(http=http), {}, trace_parent, headers.get("tracestate", "")
        )

    async def call_timer(self, function: TimerFunction, info: Mapping[str, Any]) -> Result:
        """Call a timer function with the host's timer info (IsPastDue, Schedule, ScheduleStatus)."""
        return await self._carry_through(self._call(function, TypedData(json=json.dumps(info))))

    async def call_blob(self, function: BlobFunction, data: bytes, metadata: Mapping[str, Any]) -> Result:
        """Call a blob function; strings in the metadata travel as strings, everything else as JSON."""
        typed = {
            name: TypedData(string=value) if isinstance(value, str) else TypedData(json=json.dumps(value))
            for name, value in metadata.items()
        }
        return await self._carry_through(self._call(function, TypedData(bytes=data), typed))

    async def call_warmup(self, function: WarmupFunction) -> Result:
        """Call the warm-up function."""
        return await self._call(function, TypedData(string=""))

    async def finish(self, patience_s: float) -> None:
        """Let timer and blob functions that were begun come to their end."""
        if self._begun:
            await asyncio.wait(self._begun, timeout=patience_s)

    async def _carry_through(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Await a call that goes on where its trigger is cancelled."""
        task = asyncio.ensure_future(call)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return await asyncio.shield(task)

    async def _call(
        self,
        function: Function,
        data: TypedData,
        metadata: Mapping[str, TypedData] | None = None,
        trace_parent: str | None = None,
        trace_state: str = "",
    ) -> Result:
        trace = SimpleNamespace(
            trace_parent=trace_parent or child_trace(None), trace_state=trace_state, attributes={}
        )
        invocation = SimpleNamespace(
            invocation_id=str(uuid.uuid4()),
            function_id=function.id,
            input_data=[ParameterBinding(name=function.parameter, data=data)],
            trigger_metadata=metadata or {},
            trace_context=trace,
            retry_context=_NO_RETRY,
        )
        answer = await runtime.invocation_request(_request(invocation_request=invocation))
        if answer.result.status == StatusResult.Success:
            return Result(value=answer.return_value)
        exception = answer.result.exception
        logger.error("function %s failed: %s\n%s", function.name, exception.message, exception.stack_trace)
        return Result(failure=exception.message)


def child_trace(parent: str | None) -> str:
    """The host's own span below a W3C `traceparent`, or the first span of a new trace where there is none."""
    parts = (parent or "").split("-")
    span = os.urandom(8).hex()
    if len(parts) == 4 and len(parts[1]) == 32 and len(parts[2]) == 16:
        return f"00-{parts[1]}-{span}-{parts[3]}"
    return f"00-{os.urandom(16).hex()}-{span}-00"


def _request(**fields: Any) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**fields), properties={"host": "127.0.0.1", "protos": PROTOS}
    )
