"""One event of each kind, with every field filled."""

from __future__ import annotations

from shared.records.events import (
    Baseline,
    CommitFailed,
    Heartbeat,
    PipelineRun,
    Sealed,
    ServiceEvent,
    Verified,
    WriterSealed,
)
from tests.support.records import WRITER

EVERY_EVENT: tuple[ServiceEvent, ...] = (
    Heartbeat(
        writer=WRITER,
        uptime_s=61,
        is_ledger_writable=False,
        queue_depth=4,
        events_dropped=2,
        policy_digest="33" * 32,
        engine_digest="11" * 32,
        service_version="0.1.0",
        service_commit="abc1234",
    ),
    CommitFailed(writer=WRITER, code="store_position", attempts=3, refused=12),
    Sealed(root_size=7, writers=2, duration_ms=41),
    WriterSealed(writer=WRITER, from_size=10, to_size=25),
    Verified(findings=1, unchecked=2, classes=("root", "tail"), records=1_000_000, duration_ms=90_000),
    PipelineRun(
        pipeline="claims",
        run_id="01JD0000000000000000000RUN",
        outcome="failed",
        code="store",
        documents=12,
        redacted=34,
        duration_ms=1_234,
    ),
    Baseline(
        kind="caller",
        key="tenant/principal",
        days=30,
        active_days=21,
        calls=640,
        peak_hits_per_minute=12,
        peak_chars_per_hour=90_000,
        peak_reveals_per_hour=4,
        sensitive=("CREDIT_CARD", "pii.deanonymize"),
        purposes=("fraud-investigation",),
    ),
)
