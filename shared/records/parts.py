"""The pieces that records are made of, each with an allow-list of fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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
    """The operation and its measures. Characters are Unicode code points; counts are of findings.

    `operators` are those that ran, or, where none did, those that would have. `operators_requested` are all
    that the request needed the policy's leave for, whether or not they found something to work on.
    """

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
    operators_requested: tuple[str, ...] | None = None
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
    """What the policy said, by which role, and which policy that was.

    `ticket` names the emergency (X-Ticket). `approval` is the record (`<writer>/<index>`) by which a second
    person approved the call.
    """

    allowed: bool
    reason: str
    role: str | None = None
    purpose: str | None = None
    justification: str | None = None
    policy: Hex256
    ticket: str | None = None
    approval: str | None = None


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
