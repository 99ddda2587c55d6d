"""Builds rows as the exporter leaves them in the workspace, from real records and events."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from devstack.loganalytics.cast import ENGINE_DIGEST, POLICY_DIGEST, TENANT, Member
from shared.cloud.azure_monitor import ROLE
from shared.cloud.event_attributes import split_attributes
from shared.cloud.telemetry import AUDIT_EVENT
from shared.records.canonical import format_time
from shared.records.columns import Place, Value, flatten_record
from shared.records.events import ServiceEvent, flatten_event
from shared.records.model import (
    AccessRecord,
    DecisionPart,
    EnginePart,
    Outcome,
    Record,
    ServicePart,
    What,
    Where,
    Who,
)

TableRow = dict[str, Any]
ENGINE = EnginePart(
    digest=ENGINE_DIGEST,
    analyzer="2.2.366",
    anonymizer="2.2.366",
    model="en_core_web_sm",
    model_version="3.8.0",
    model_digest="5c" * 32,
)


def event_row(moment: datetime, name: str, row: Mapping[str, Value], writer: str) -> TableRow:
    """A row of AppEvents."""
    attributes = split_attributes(row)
    return {
        "TimeGenerated": moment.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "Name": name,
        "Properties": attributes.properties,
        "Measurements": attributes.measurements,
        "OperationId": row.get("TraceId") or "0" * 32,
        "ParentId": row.get("SpanId") or "0" * 16,
        "AppRoleName": ROLE,
        "AppRoleInstance": writer,
        "ItemCount": 1,
        "Type": "AppEvents",
    }


@dataclass(slots=True)
class Use:
    """One call, as a record will tell it."""

    member: Member
    at: datetime
    found: dict[str, int] = field(default_factory=dict)
    texts: int = 1
    chars: int | None = None
    operation: str | None = None
    address: str | None = None
    token: str | None = None
    role: str | None = None
    purpose: str | None = None
    justification: str | None = None
    status: int = 200
    code: str | None = None
    reason: str = "granted"


@dataclass(slots=True)
class Stream:
    """Collects what one or more writers tell. `rows` are rows of AppEvents; `flat` the records' columns."""

    writers: list[str]
    version: str = "0.1.0"
    commit: str = "3f9c2d1"
    policy: str = POLICY_DIGEST
    engine: EnginePart = ENGINE
    rows: list[TableRow] = field(default_factory=list)
    flat: list[dict[str, Value]] = field(default_factory=list)
    sizes: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def service(self, writer: str) -> ServicePart:
        """The service that a writer is."""
        return ServicePart(version=self.version, commit=self.commit, writer=writer)

    def tell(self, moment: datetime, event: ServiceEvent, writer: str | None = None) -> None:
        """An event of the service."""
        self.rows.append(event_row(moment, event.NAME, flatten_event(event), writer or self.writers[0]))

    def write(self, moment: datetime, record: Record, writer: str) -> None:
        """A record that was committed at that moment."""
        row = flatten_record(record, Place(writer, self.sizes[writer]))
        self.sizes[writer] += 1
        self.flat.append(row)
        self.rows.append(event_row(moment, AUDIT_EVENT, row, writer))

    def call(self, use: Use, number: int = 0) -> None:
        """One answered call, spread over the writers by `number`."""
        writer = self.writers[number % len(self.writers)]
        total_us = 4_000 + (number * 37) % 3_000
        self.write(
            use.at + timedelta(microseconds=total_us + 9_000), self.record(use, writer, total_us), writer
        )

    def record(self, use: Use, writer: str, total_us: int) -> AccessRecord:
        """The record of a call."""
        member = use.member
        operation = use.operation or member.operation
        is_allowed = use.status == 200
        chars = use.chars if use.chars is not None else member.chars
        found = use.found if is_allowed else {}
        released = found if operation == "pii.analyze" else {}
        recognizers: dict[str, int] = {}
        for name, count in found.items():
            recognizer = member.found.get(name) or member.rarely.get(name) or f"{name.title()}Recognizer"
            recognizers[recognizer] = recognizers.get(recognizer, 0) + count
        seed = f"{member.name}/{use.at.isoformat()}"
        return AccessRecord(
            time=format_time(use.at),
            request_id=hashlib.sha256(seed.encode()).hexdigest()[:26],
            who=Who(
                kind=member.kind,
                issuer="entra",
                tenant=TENANT,
                principal=member.principal,
                app=member.app,
                roles=(member.role,),
                token_id=use.token or f"{member.name}-{use.at:%Y%m%d%H}",
            ),
            what=What(
                operation=operation,
                texts=use.texts,
                input_chars=chars,
                input_bytes=chars + 120,
                output_chars=0 if operation == "pii.analyze" or not is_allowed else chars,
                language="en",
                entities_found=found,
                entities_released=released,
                recognizers=recognizers,
                operators=("replace",) if operation == "pii.redact" else (),
            ),
            where=Where(
                address=use.address or member.address,
                trace_id=hashlib.md5(seed.encode(), usedforsecurity=False).hexdigest(),
                span_id="b7ad6b7169203331",
            ),
            decision=DecisionPart(
                allowed=is_allowed,
                reason=use.reason,
                role=(use.role or member.role) if is_allowed else None,
                purpose=use.purpose or member.purpose,
                justification=use.justification,
                policy=self.policy,
            ),
            outcome=Outcome(status=use.status, code=use.code, total_us=total_us, engine_us=total_us * 3 // 4),
            engine=self.engine,
            service=self.service(writer),
        )
