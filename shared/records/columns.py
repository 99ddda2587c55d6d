"""A record as one flat row: the columns of the telemetry event `PresidioAudit` and of the auditor's table.

Both sides use the same names and types, so that a query which was tried in Log Analytics works on the
evidence, and the other way round. Types are Kusto's. Columns are append-only, as the record's fields are.

An absent fact is None here, a null in a table and no property at all on an event.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel

from shared.records.model import Record

KustoType = Literal["string", "long", "bool", "datetime", "dynamic"]
Listed = list[str] | list[int] | list[dict[str, str | None]]
Value = str | int | bool | Listed | dict[str, int] | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in the ledger: the writer's log and the index in it."""

    writer: str
    index: int


@dataclass(frozen=True, slots=True)
class Column:
    """One column: Kusto type, the fields of a record that it comes from (one a record type), meaning."""

    name: str
    type: KustoType
    fields: tuple[str, ...]
    meaning: str


def _column(name: str, type_: KustoType, fields: str, meaning: str) -> Column:
    return Column(name, type_, tuple(fields.split()), meaning)


COLUMNS: tuple[Column, ...] = (
    _column(
        "RecordType",
        "string",
        "type",
        "access, intent, refusals, genesis, closed, withheld, gap, retention, verdict, config, emergency, "
        "approval, review, review_decision, review_overdue, review_failed",
    ),
    _column("RecordTime", "datetime", "time", "when the call was received (UTC, microseconds)"),
    _column("RequestId", "string", "request_id", "the X-Request-Id of the answer"),
    _column("CallerKind", "string", "who.kind", "person, app or anonymous"),
    _column("Issuer", "string", "who.issuer", "the configured name of the token's issuer"),
    _column("CallerTenant", "string", "who.tenant", "tid of the token"),
    _column(
        "Principal", "string", "who.principal", "oid of the token: with CallerTenant, the key of a caller"
    ),
    _column("ClientApp", "string", "who.app", "the client application (azp or appid)"),
    _column("Roles", "dynamic", "who.roles", "list: the roles that the token carries"),
    _column("TokenId", "string", "who.token_id", "uti or jti of the token"),
    _column("Operation", "string", "what.operation", "pii.analyze, pii.deanonymize, ..."),
    _column("Texts", "long", "what.texts texts", "texts in the request, or in the one that is asked for"),
    _column(
        "InputChars",
        "long",
        "what.input_chars chars",
        "characters in the request's texts, or in those of the one that is asked for",
    ),
    _column("InputBytes", "long", "what.input_bytes", "bytes of the request's body"),
    _column("OutputChars", "long", "what.output_chars", "characters of the texts in the answer"),
    _column("Language", "string", "what.language", "language that was asked for, (other) if unknown"),
    _column(
        "EntitiesRequested", "dynamic", "what.entities_requested", "list: entity types named in the request"
    ),
    _column("EntitiesSearched", "dynamic", "what.entities_searched", "list: entity types that were searched"),
    _column("EntitiesFound", "dynamic", "what.entities_found", "object: entity type -> findings"),
    _column(
        "EntitiesReleased",
        "dynamic",
        "what.entities_released",
        "object: entity type -> findings told to the caller",
    ),
    _column("Recognizers", "dynamic", "what.recognizers", "object: recognizer -> its findings"),
    _column(
        "Operators",
        "dynamic",
        "what.operators operators",
        "list: anonymizing operators that were used, or are asked for",
    ),
    _column(
        "OperatorsRequested",
        "dynamic",
        "what.operators_requested",
        "list: operators that the request named, Presidio's default included",
    ),
    _column(
        "AdHocRecognizers", "long", "what.ad_hoc_recognizers", "recognizers that the request brought with it"
    ),
    _column("DecisionProcess", "bool", "what.decision_process", "the request asked for Presidio's reasoning"),
    _column("InputDigestKey", "string", "what.input_digests.key_id", "id of the key of InputDigests"),
    _column("InputDigests", "dynamic", "what.input_digests.values", "list: keyed digest of each text"),
    _column(
        "CorrelationDigestKey",
        "string",
        "what.correlation_digest.key_id",
        "id of the key of CorrelationDigests",
    ),
    _column(
        "CorrelationDigests",
        "dynamic",
        "what.correlation_digest.values",
        "list: keyed digest of correlation_id",
    ),
    _column("Address", "string", "where.address", "the caller's address as the platform reports it"),
    _column("GatewayId", "string", "where.gateway_id", "the gateway's id of the request"),
    _column("TraceId", "string", "where.trace_id", "trace id of the incoming traceparent"),
    _column("SpanId", "string", "where.span_id", "span id of the incoming traceparent"),
    _column("Allowed", "bool", "decision.allowed", "the policy allowed it"),
    _column("Reason", "string", "decision.reason reason", "why: the decision's reason, or the refusal's"),
    _column("Role", "string", "decision.role role", "the role that allowed it"),
    _column("Purpose", "string", "decision.purpose purpose", "X-Purpose, one of the policy's"),
    _column(
        "Justification",
        "string",
        "decision.justification justification",
        "X-Justification, or a reviewer's reason; written for auditors",
    ),
    _column("Ticket", "string", "decision.ticket ticket", "X-Ticket: names the emergency"),
    _column(
        "Approval",
        "string",
        "decision.approval approval",
        "the record by which a second person approved it; approval: the record that asked",
    ),
    _column("PolicyDigest", "string", "decision.policy policy", "SHA-256 of the policy in force"),
    _column("Status", "long", "outcome.status status", "HTTP status of the answer"),
    _column(
        "Code",
        "string",
        "outcome.code code",
        "error code of the answer; review_failed: of what stopped the review",
    ),
    _column("TotalUs", "long", "outcome.total_us", "microseconds from request to answer"),
    _column("EngineUs", "long", "outcome.engine_us", "microseconds in Presidio"),
    _column(
        "EngineDigest", "string", "engine.digest", "SHA-256 over Presidio's versions, model and configuration"
    ),
    _column("AnalyzerVersion", "string", "engine.analyzer", "version of presidio-analyzer"),
    _column("AnonymizerVersion", "string", "engine.anonymizer", "version of presidio-anonymizer"),
    _column("ModelName", "string", "engine.model", "name of the language model"),
    _column("ModelVersion", "string", "engine.model_version", "version of the language model"),
    _column("ModelDigest", "string", "engine.model_digest", "SHA-256 of the language model"),
    _column("ServiceVersion", "string", "service.version", "version of this service"),
    _column("ServiceCommit", "string", "service.commit", "its source commit"),
    _column("ServiceWriter", "string", "service.writer", "the process that wrote the record"),
    _column("Count", "long", "count", "refusals: calls counted together; gap: records lost; else 1"),
    _column(
        "Until",
        "datetime",
        "until",
        "refusals: when the last of them came; emergency, review: when the time ends",
    ),
    _column("RequestIds", "dynamic", "request_ids", "refusals: list of the calls' request ids"),
    _column("Operations", "dynamic", "operations", "refusals: object, operation -> calls"),
    _column("LogName", "string", "log", "genesis: name of the ledger"),
    _column("WriterKey", "string", "vkey", "genesis: the writer's verifier key"),
    _column("RootCheckpoint", "string", "root", "genesis: the root checkpoint known at start"),
    _column("Attestation", "dynamic", "attestation", "genesis: signature lines of the service's keys"),
    _column("WithheldRecords", "dynamic", "records", "withheld: indexes of records whose answers never left"),
    _column("Since", "datetime", "since", "gap: when records began to be lost; review: first time"),
    _column("SweptStore", "string", "store", "retention: where a log was deleted, audit or archive"),
    _column("SweptWriter", "string", "log_writer", "retention: the writer whose log was deleted"),
    _column("SweptSize", "long", "log_size", "retention: records of that log"),
    _column("SweptRoot", "string", "log_root", "retention: root of that log, hex"),
    _column("SweptSegments", "long", "segments", "retention: segments of that log"),
    _column("SweptNewest", "datetime", "newest", "retention: time of that log's newest record"),
    _column("KeepDays", "long", "keep_days", "retention: days that had to pass"),
    _column("Verdict", "string", "verdict", "verdict: intact, findings or unchecked"),
    _column(
        "FindingsByClass", "dynamic", "findings", "verdict, review: object, class of finding -> how many"
    ),
    _column("VerifiedRecords", "long", "verified_records", "verdict: records that were read and proven"),
    _column("RootSize", "long", "root_size", "verdict: entries of the root log that were proven"),
    _column("RootHash", "string", "root_hash", "verdict: root of the root log, hex"),
    _column("SinceSize", "long", "since_size", "verdict: root size that had been verified before"),
    _column("ConfigState", "string", "state", "config: in_force or on_disk"),
    _column("ConfigDigest", "string", "configuration", "config, genesis: SHA-256 of the snapshot"),
    _column("PreviousConfig", "string", "previous", "config: SHA-256 of the snapshot before"),
    _column("Changes", "dynamic", "changes", "config: list of objects: part, path, action, old, new"),
    _column("MoreChanges", "long", "more_changes", "config: changes that are not listed"),
    _column("CommitId", "string", "commit.id", "config: source commit"),
    _column("CommitSigned", "string", "commit.signed", "config: good, bad, unsigned or unknown"),
    _column("CommitAuthorKey", "string", "commit.author.key_id", "config: id of the key of CommitAuthor"),
    _column(
        "CommitAuthor", "dynamic", "commit.author.values", "config: keyed digest of the author's address"
    ),
    _column("ApprovalStep", "string", "step", "approval: requested, approved, rejected, used or expired"),
    _column("ApprovalOperation", "string", "operation", "approval: the operation that was asked for"),
    _column("DemandDigestKey", "string", "demand.key_id", "approval: id of the key of DemandDigests"),
    _column("DemandDigests", "dynamic", "demand.values", "approval: keyed digest of all that was asked for"),
    _column("Expires", "datetime", "expires", "approval: when it ends"),
    _column("ReviewId", "string", "review_id", "review: its id"),
    _column("ReviewFromSize", "long", "from_size", "review: root size at its beginning"),
    _column("ReviewFromRoot", "string", "from_root", "review: root at its beginning, hex"),
    _column("ReviewToSize", "long", "to_size", "review: root size at its end"),
    _column("ReviewToRoot", "string", "to_root", "review: root at its end, hex"),
    _column("Principals", "long", "principals", "review: principals that hold a role"),
    _column("Risks", "dynamic", "risks", "review: object, risk -> findings"),
    _column("UnknownCodes", "dynamic", "unknown", "review: list of what could not be read"),
    _column("Reports", "dynamic", "reports", "review: object, file name -> SHA-256"),
    _column("DecideBy", "datetime", "decide_by", "review: when everything should be decided"),
    _column("FindingId", "string", "finding_id", "review_decision: the finding"),
    _column("Choice", "string", "choice", "review_decision: approve, revoke, defer or applied"),
    _column("DeferUntil", "datetime", "defer_until", "review_decision: deferred until"),
    _column("ReportDigest", "string", "report", "review_decision: SHA-256 of the report that was judged"),
    _column("Undecided", "long", "undecided", "review_overdue: findings without a decision"),
    _column("Escalation", "long", "level", "review_overdue: how many times it was said"),
    _column("FormatVersion", "long", "v", "version of the record's format"),
)
"""Every field of every record type stands here exactly once; a test walks the model and holds it."""

DERIVED: tuple[Column, ...] = (
    Column("RecordId", "string", (), "<writer>/<index>, as in X-Audit-Record"),
    Column("Writer", "string", (), "the writer's log"),
    Column("RecordIndex", "long", (), "the index in the writer's log"),
    Column("FoundTotal", "long", (), "findings, all entity types together"),
    Column("ReleasedTotal", "long", (), "findings told to the caller, all entity types together"),
)
"""Columns that are computed: the record's place, and sums."""

ALL_COLUMNS: tuple[Column, ...] = (*DERIVED[:3], *COLUMNS, *DERIVED[3:])
"""The columns in the order of a table. A table's own `TimeGenerated` comes before them."""


def flatten_record(record: Record, place: Place) -> dict[str, Value]:
    """The row of a record: every name of `ALL_COLUMNS`, in that order. Lists and objects are fresh ones."""
    row: dict[str, Value] = {
        "RecordId": f"{place.writer}/{place.index}",
        "Writer": place.writer,
        "RecordIndex": place.index,
    }
    for name, paths in _paths(type(record)):
        row[name] = _plain(_read(record, paths))
    if row["Count"] is None:
        row["Count"] = 1
    row["FoundTotal"] = _total(row["EntitiesFound"])
    row["ReleasedTotal"] = _total(row["EntitiesReleased"])
    return row


@functools.cache
def _paths(kind: type[BaseModel]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Column -> the attribute path that this type of record has for it, () where it has none."""
    return tuple(
        (column.name, next((p for p in map(_split, column.fields) if p[0] in kind.model_fields), ()))
        for column in COLUMNS
    )


def _split(field: str) -> tuple[str, ...]:
    return tuple(field.split("."))


def _read(value: object, path: tuple[str, ...]) -> object:
    if not path:
        return None
    for name in path:
        if value is None:
            return None
        value = getattr(value, name)
    return value


def _plain(value: object) -> Value:
    if isinstance(value, tuple):
        return [item.model_dump() if isinstance(item, BaseModel) else item for item in value]
    if isinstance(value, dict):
        return dict(value)
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"a record's field holds {type(value).__name__}; no column type carries that")


def _total(counts: Value) -> int | None:
    return sum(counts.values()) if isinstance(counts, dict) else None


def record_types() -> tuple[type[BaseModel], ...]:
    """The models of all record types."""
    union = get_args(Record)[0]
    return tuple(get_args(union))
