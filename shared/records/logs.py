"""Records of the ledger's own life: how a log begins and ends, what is missing from it, what was verified."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.records.parts import Count, EnginePart, Hex256, Part, ServicePart, Time


class GenesisRecord(Part):
    """Record 0 of a writer: who it is, what it runs, and the service key's word for its own key.

    `vkey` is the writer's verifier key (C2SP signed-note). `attestation` holds the signature lines of
    the service's keys over `ledger.genesis.attested_text`, which covers every other field. `configuration`
    is the SHA-256 of the snapshot (`v1/config/<sha256>.json`) of what this writer runs; where it is another
    than the writer's before, a `config` record follows in the same commit.
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
    configuration: Hex256 | None = None
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
