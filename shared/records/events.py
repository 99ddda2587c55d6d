"""What the service tells its operators besides records: Application Insights custom events by name.

Field names become columns in PascalCase. Like records, these carry the service's own words, numbers,
digests and ids that an identity provider issued; never text.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, get_type_hints

from shared.records.columns import Column, KustoType, Value

_TYPES: dict[object, KustoType] = {
    str: "string",
    int: "long",
    bool: "bool",
    tuple[str, ...]: "dynamic",
    dict[str, int]: "dynamic",
}


def _told(meaning: str) -> Any:
    return field(metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Every minute from a timer: the service lives, and what it runs. `quiet` fires without it."""

    NAME: ClassVar[str] = "PresidioHeartbeat"
    writer: str = _told("the process that the timer ran in")
    uptime_s: int = _told("seconds since that process started")
    is_ledger_writable: bool = _told("false while storage does not take commits")
    queue_depth: int = _told("records that wait for their commit")
    events_dropped: int = _told("events that this process could not hand to the exporter, since its start")
    policy_digest: str = _told("SHA-256 of the policy in force")
    engine_digest: str = _told("SHA-256 over Presidio's versions, model and configuration")
    service_version: str = _told("version of this service")
    service_commit: str = _told("its source commit")


@dataclass(frozen=True, slots=True)
class CommitFailed:
    """Storage did not take commits; counted for ten seconds and told once. `audit-stalled` reads it."""

    NAME: ClassVar[str] = "PresidioCommitFailed"
    writer: str = _told("the process")
    code: str = _told("the last failure's error code, or why a call was refused")
    attempts: int = _told("attempts at storage that failed; each is repeated")
    refused: int = _told("calls that were refused because their records were not stored")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A root checkpoint was written. `seal-late` fires where these stop."""

    NAME: ClassVar[str] = "PresidioSealed"
    root_size: int = _told("leaves of the root log")
    writers: int = _told("writers whose logs grew")
    duration_ms: int = _told("milliseconds that sealing took")


@dataclass(frozen=True, slots=True)
class WriterSealed:
    """One writer's log as storage holds it: what `telemetry-gap` counts events against."""

    NAME: ClassVar[str] = "PresidioWriterSealed"
    writer: str = _told("the writer's log")
    from_size: int = _told("records under the root before this seal")
    to_size: int = _told("records under the root now")


@dataclass(frozen=True, slots=True)
class Verified:
    """The verdict of a verification of the ledger. `ledger-tampered` reads it."""

    NAME: ClassVar[str] = "PresidioVerified"
    findings: int = _told("what was found wrong")
    unchecked: int = _told("what could not be checked")
    classes: tuple[str, ...] = _told("list: the classes of the findings")
    records: int = _told("records that were verified")
    duration_ms: int = _told("milliseconds that it took")


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """One run of a pipeline over documents. `pipeline-failed` reads it."""

    NAME: ClassVar[str] = "PresidioPipelineRun"
    pipeline: str = _told("the pipeline's configured name")
    run_id: str = _told("id of the run")
    outcome: str = _told("succeeded or failed")
    code: str = _told("error code of a failed run, else empty")
    documents: int = _told("documents that were read")
    redacted: int = _told("findings that were redacted")
    duration_ms: int = _told("milliseconds that it took")


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is normal for one caller, recognizer or entity type, over at most thirty days of the ledger.

    `key` is `<tenant>/<principal>` for a caller, else the name. Rules compare with the newest of these,
    because an alert rule may look back two days at most.
    """

    NAME: ClassVar[str] = "PresidioBaseline"
    kind: str = _told("caller, recognizer or entity")
    key: str = _told("whom or what it is about")
    days: int = _told("days of history that it rests on")
    active_days: int = _told("days on which there was any use")
    calls: int = _told("calls in those days")
    peak_hits_per_minute: int = _told("most findings in one minute (recognizer, entity)")
    peak_chars_per_hour: int = _told("most characters sent and received in one hour (caller)")
    peak_reveals_per_hour: int = _told("most texts deanonymized in one hour (caller)")
    sensitive: tuple[str, ...] = _told(
        "list: sensitive entity types told, sensitive operations done (caller)"
    )
    purposes: tuple[str, ...] = _told("list: purposes given (caller)")


ServiceEvent = Heartbeat | CommitFailed | Sealed | WriterSealed | Verified | PipelineRun | Baseline

EVENT_TYPES: tuple[type[ServiceEvent], ...] = (
    Heartbeat,
    CommitFailed,
    Sealed,
    WriterSealed,
    Verified,
    PipelineRun,
    Baseline,
)


def _columns_of(kind: type[ServiceEvent]) -> tuple[Column, ...]:
    hints = get_type_hints(kind)
    return tuple(
        Column(_pascal(part.name), _TYPES[hints[part.name]], (part.name,), part.metadata["meaning"])
        for part in fields(kind)
    )


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


EVENT_COLUMNS: dict[str, tuple[Column, ...]] = {kind.NAME: _columns_of(kind) for kind in EVENT_TYPES}
"""The columns of each event by its name, with their Kusto types and meanings."""


def flatten_event(event: ServiceEvent) -> dict[str, Value]:
    """The row of an event; lists and objects are fresh ones."""
    row: dict[str, Value] = {}
    for column in EVENT_COLUMNS[event.NAME]:
        value = getattr(event, column.fields[0])
        row[column.name] = list(value) if isinstance(value, tuple) else value
    return row
