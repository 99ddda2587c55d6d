"""From an Application Insights envelope to a row of a Log Analytics table. Pure.

The exporter posts a JSON array of envelopes, or one a line (`application/x-json-stream`). Field names:
the exporter's generated models; columns: Microsoft's reference pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]

_TAGS = {
    "ai.cloud.role": "AppRoleName",
    "ai.cloud.roleInstance": "AppRoleInstance",
    "ai.application.ver": "AppVersion",
    "ai.operation.id": "OperationId",
    "ai.operation.name": "OperationName",
    "ai.operation.parentId": "ParentId",
    "ai.operation.syntheticSource": "SyntheticSource",
    "ai.user.id": "UserId",
    "ai.user.authUserId": "UserAuthenticatedId",
    "ai.user.accountId": "UserAccountId",
    "ai.session.id": "SessionId",
    "ai.internal.sdkVersion": "SDKVersion",
    "ai.device.type": "ClientType",
    "ai.device.osVersion": "ClientOS",
}


class BadEnvelope(ValueError):
    """An envelope that the real endpoint would refuse, too."""


def parse_body(body: bytes) -> list[Any]:
    """The envelopes of a request body: a JSON array, one object, or one object a line."""
    text = body.decode("utf-8")
    if text.lstrip().startswith("["):
        envelopes = json.loads(text)
        return envelopes if isinstance(envelopes, list) else [envelopes]
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def file_envelope(envelope: object) -> tuple[str, Row]:
    """The table and the row of one envelope. Raises BadEnvelope where it is none."""
    if not isinstance(envelope, dict) or not isinstance(envelope.get("data"), dict):
        raise BadEnvelope("expected an object with data")
    kind = envelope["data"].get("baseType")
    data = envelope["data"].get("baseData")
    if kind not in _FILERS or not isinstance(data, dict):
        raise BadEnvelope("expected a known baseType with baseData")
    table, file = _FILERS[kind]
    row = _common(envelope, data)
    row |= file(data)
    return table, {**row, "Type": table}


def _common(envelope: Mapping[str, Any], data: Mapping[str, Any]) -> Row:
    row: Row = {
        "TimeGenerated": _time(envelope.get("time")),
        "IKey": envelope.get("iKey"),
        "ItemCount": round(100 / (envelope.get("sampleRate") or 100)),
        "SourceSystem": "Azure",
        "ClientIP": "0.0.0.0",  # noqa: S104 - what Application Insights keeps of addresses by default
        "Properties": data.get("properties") or {},
    }
    tags = envelope.get("tags") or {}
    for tag, column in _TAGS.items():
        row[column] = tags.get(tag)
    if data.get("measurements") is not None:
        row["Measurements"] = data["measurements"]
    return row


def _time(text: object) -> str:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise BadEnvelope("expected a time of ISO 8601") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _event(data: Mapping[str, Any]) -> Row:
    return {"Name": data.get("name")}


def _trace(data: Mapping[str, Any]) -> Row:
    return {"Message": data.get("message"), "SeverityLevel": _severity(data)}


def _request(data: Mapping[str, Any]) -> Row:
    return {
        "Id": data.get("id"),
        "Name": data.get("name"),
        "Url": data.get("url"),
        "Source": data.get("source"),
        "ResultCode": str(data.get("responseCode", "")),
        "Success": data.get("success"),
        "DurationMs": parse_duration_ms(data.get("duration")),
    }


def _dependency(data: Mapping[str, Any]) -> Row:
    return {
        "Id": data.get("id"),
        "Name": data.get("name"),
        "DependencyType": data.get("type"),
        "Target": data.get("target"),
        "Data": data.get("data"),
        "ResultCode": str(data.get("resultCode", "")),
        "Success": data.get("success", True),
        "DurationMs": parse_duration_ms(data.get("duration")),
    }


def _exception(data: Mapping[str, Any]) -> Row:
    details = data.get("exceptions") or [{}]
    outer, inner = details[0], details[-1]
    return {
        "ProblemId": data.get("problemId"),
        "SeverityLevel": _severity(data),
        "ExceptionType": outer.get("typeName"),
        "OuterType": outer.get("typeName"),
        "OuterMessage": outer.get("message"),
        "InnermostType": inner.get("typeName"),
        "InnermostMessage": inner.get("message"),
        "Details": details,
    }


def _metric(data: Mapping[str, Any]) -> Row:
    point = (data.get("metrics") or [{}])[0]
    value = point.get("value")
    return {
        "Name": point.get("name"),
        "ItemCount": point.get("count") or 1,
        "Sum": value,
        "Min": point["min"] if point.get("min") is not None else value,
        "Max": point["max"] if point.get("max") is not None else value,
    }


def _severity(data: Mapping[str, Any]) -> int | None:
    level = data.get("severityLevel")
    names = ("verbose", "information", "warning", "error", "critical")
    if isinstance(level, str):
        return names.index(level.lower()) if level.lower() in names else None
    return level


def parse_duration_ms(text: object) -> float | None:
    """Milliseconds of `d.hh:mm:ss.fff`, the exporter's form of a duration; None for anything else."""
    parts = str(text).split(":")
    if len(parts) != 3:
        return None
    days, _, hours = parts[0].rpartition(".")
    try:
        seconds = (int(days or 0) * 24 + int(hours)) * 3600 + int(parts[1]) * 60 + float(parts[2])
    except ValueError:
        return None
    return round(seconds * 1_000, 3)


_FILERS: dict[str, tuple[str, Callable[[Mapping[str, Any]], Row]]] = {
    "EventData": ("AppEvents", _event),
    "MessageData": ("AppTraces", _trace),
    "RequestData": ("AppRequests", _request),
    "RemoteDependencyData": ("AppDependencies", _dependency),
    "ExceptionData": ("AppExceptions", _exception),
    "MetricData": ("AppMetrics", _metric),
}
