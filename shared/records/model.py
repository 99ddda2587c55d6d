"""The types of audit records. A field that is not written here cannot be written to the ledger.

Every value is a name from the project's or the operator's own vocabulary, a number, a digest, or an
identifier issued by an identity provider. The one exception is `justification`, which a caller writes
to be read by auditors. Words that came from a request and are not in the vocabulary (an unknown entity
type, an ad-hoc recognizer's name) are replaced before they get here: see `vocabulary.py`.

Wire fields are append-only: a field may be added with a default, never renamed, retyped or removed.
`tests/vectors/records/` freezes the bytes of each type.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

Time = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
Hex256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Hex128 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]


class Part(BaseModel):
    """A frozen piece of a record: unknown fields and wrong types are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Who(Part):
    """The caller, as far as a verified token establishes one.

    `anonymous` covers no token and every token that did not verify: nothing that an unverified token
    claims is recorded. `tenant` + `principal` is the key of a person or app (`tid` + `oid` in Entra).
    """

    kind: Literal["person", "app", "anonymous"]
    issuer: str | None = None
    tenant: str | None = None
    principal: str | None = None
    app: str | None = None
    roles: tuple[str, ...] = ()
    token_id: str | None = None


class KeyedDigests(Part):
    """HMAC-SHA-256 of each text, cut to 128 bits (RFC 2104 section 5), in the order of the request.

    Who holds the key can look for a text; nobody else can guess it. `key_id` names the key.
    """

    key_id: str
    values: tuple[Hex128, ...]


class What(Part):
    """The operation and its measures. Characters are Unicode code points; counts are of findings."""

    operation: str
    texts: Count = 0
    input_chars: Count = 0
    input_bytes: Count = 0
    output_chars: Count = 0
    language: str | None = None
    entities_requested: tuple[str, ...] | None = None
    entities_searched: tuple[str, ...] | None = None
    entities_found: dict[str, int] = {}
    entities_released: dict[str, int] = {}
    recognizers: dict[str, int] = {}
    operators: tuple[str, ...] = ()
    ad_hoc_recognizers: Count = 0
    decision_process: bool = False
    input_digests: KeyedDigests | None = None
    correlation_digest: KeyedDigests | None = None


class Where(Part):
    """Whence it came: the address that the platform reports, and ids that other systems' logs carry."""

    address: str | None = None
    gateway_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


class DecisionPart(Part):
    """What the policy said, by which role, and which policy that was."""

    allowed: bool
    reason: str
    role: str | None = None
    purpose: str | None = None
    justification: str | None = None
    policy: Hex256


class Outcome(Part):
    """What left: the HTTP status, the error code if any, and where the time went (microseconds)."""

    status: int
    code: str | None = None
    total_us: Count = 0
    engine_us: Count = 0


class EnginePart(Part):
    """What would find the same things again. `digest` covers all of it and the configuration files."""

    digest: Hex256
    analyzer: str
    anonymizer: str
    model: str
    model_version: str
    model_digest: Hex256


class ServicePart(Part):
    """The code that wrote this: package version, source commit, writer."""

    version: str
    commit: str
    writer: str


class AccessRecord(Part):
    """One call and how it ended: allowed, denied or failed. Exactly one for each answered call."""

    v: Literal[1] = 1
    type: Literal["access"] = "access"
    time: Time
    request_id: str
    who: Who
    what: What
    where: Where
    decision: DecisionPart
    outcome: Outcome
    engine: EnginePart
    service: ServicePart


class IntentRecord(Part):
    """Committed before data is revealed (deanonymize, break-glass); the outcome follows as `access`."""

    v: Literal[1] = 1
    type: Literal["intent"] = "intent"
    time: Time
    request_id: str
    who: Who
    what: What
    where: Where
    decision: DecisionPart
    engine: EnginePart
    service: ServicePart


class RefusalsRecord(Part):
    """Unauthenticated refusals of one source and reason within one second, counted together."""

    v: Literal[1] = 1
    type: Literal["refusals"] = "refusals"
    time: Time
    until: Time
    count: Annotated[int, Field(ge=1)]
    request_ids: tuple[str, ...]
    operations: dict[str, int]
    where: Where
    reason: str
    status: int
    code: str
    policy: Hex256
    service: ServicePart


class GenesisRecord(Part):
    """Record 0 of a writer: who it is, what it runs, and the service key's word for its own key.

    `vkey` is the writer's verifier key (C2SP signed-note). `attestation` holds the signature lines of
    the service's keys over `ledger.genesis.attested_text`, which covers every other field.
    """

    v: Literal[1] = 1
    type: Literal["genesis"] = "genesis"
    time: Time
    log: str
    vkey: str
    policy: Hex256
    engine: EnginePart
    service: ServicePart
    root: str | None = None
    attestation: tuple[str, ...] = ()


class ClosedRecord(Part):
    """The last record of a writer that stopped in order."""

    v: Literal[1] = 1
    type: Literal["closed"] = "closed"
    time: Time
    service: ServicePart


class WithheldRecord(Part):
    """Records that turned out committed after their callers had been answered 503: nothing was released.

    `records` are indexes of `access` records in this log whose outcome never left.
    """

    v: Literal[1] = 1
    type: Literal["withheld"] = "withheld"
    time: Time
    records: tuple[Count, ...]
    service: ServicePart


class GapRecord(Part):
    """Calls answered 503 whose records could not be kept while storage was away: their number."""

    v: Literal[1] = 1
    type: Literal["gap"] = "gap"
    time: Time
    since: Time
    count: Annotated[int, Field(ge=1)]
    service: ServicePart


class RetentionRecord(Part):
    """Committed before a writer's log is deleted from a store because its retention has ended there.

    It keeps what a verifier needs to tell expiry from theft: whose log, how long it was, its root.
    """

    v: Literal[1] = 1
    type: Literal["retention"] = "retention"
    time: Time
    store: Literal["audit", "archive"]
    log_writer: str
    log_size: Count
    log_root: Hex256
    segments: Count
    newest: Time
    keep_days: Count
    service: ServicePart


class VerdictRecord(Part):
    """What a verification of this ledger by the service itself found: findings by class."""

    v: Literal[1] = 1
    type: Literal["verdict"] = "verdict"
    time: Time
    verdict: Literal["intact", "findings", "unchecked"]
    findings: dict[str, int]
    verified_records: Count
    root_size: Count
    root_hash: Hex256
    since_size: Count
    service: ServicePart


Record = Annotated[
    AccessRecord
    | IntentRecord
    | RefusalsRecord
    | GenesisRecord
    | ClosedRecord
    | WithheldRecord
    | GapRecord
    | RetentionRecord
    | VerdictRecord,
    Field(discriminator="type"),
]
"""Any record, before the ledger gives it its place (`seq`, `prev`)."""

RECORD: TypeAdapter[Record] = TypeAdapter(Record)
"""Parses and serialises any record; `strict`, so `"3"` is never a 3."""
