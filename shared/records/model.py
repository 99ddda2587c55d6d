"""The types of audit records. A field that is not written here cannot be written to the ledger.

Every value is a name from the project's or the operator's own vocabulary, a number, a digest, or an
identifier issued by an identity provider. The one exception is `justification`, which a caller writes
to be read by auditors. Words that came from a request and are not in the vocabulary (an unknown entity
type, an ad-hoc recognizer's name) are replaced before they get here: see `vocabulary.py`.

Wire fields are append-only: a field may be added with a default, never renamed, retyped or removed.
`tests/vectors/records/` freezes the bytes of each type.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from shared.records.calls import (
    BURST_ENDED,
    AccessRecord,
    IntentRecord,
    RefusalsRecord,
)
from shared.records.governance import (
    ApprovalRecord,
    ChangePart,
    CommitPart,
    ConfigRecord,
    EmergencyRecord,
    ReviewDecisionRecord,
    ReviewFailedRecord,
    ReviewOverdueRecord,
    ReviewRecord,
)
from shared.records.logs import (
    ClosedRecord,
    GapRecord,
    GenesisRecord,
    RetentionRecord,
    VerdictRecord,
    WithheldRecord,
)
from shared.records.parts import (
    Count,
    DecisionPart,
    EnginePart,
    Hex128,
    Hex256,
    KeyedDigests,
    Outcome,
    Part,
    ServicePart,
    Time,
    What,
    Where,
    Who,
)

__all__ = [
    "BURST_ENDED",
    "RECORD",
    "AccessRecord",
    "ApprovalRecord",
    "ChangePart",
    "ClosedRecord",
    "CommitPart",
    "ConfigRecord",
    "Count",
    "DecisionPart",
    "EmergencyRecord",
    "EnginePart",
    "GapRecord",
    "GenesisRecord",
    "Hex128",
    "Hex256",
    "IntentRecord",
    "KeyedDigests",
    "Outcome",
    "Part",
    "Record",
    "RefusalsRecord",
    "RetentionRecord",
    "ReviewDecisionRecord",
    "ReviewFailedRecord",
    "ReviewOverdueRecord",
    "ReviewRecord",
    "ServicePart",
    "Time",
    "VerdictRecord",
    "What",
    "Where",
    "Who",
    "WithheldRecord",
]

Record = Annotated[
    AccessRecord
    | IntentRecord
    | RefusalsRecord
    | GenesisRecord
    | ClosedRecord
    | WithheldRecord
    | GapRecord
    | RetentionRecord
    | VerdictRecord
    | ConfigRecord
    | EmergencyRecord
    | ApprovalRecord
    | ReviewRecord
    | ReviewDecisionRecord
    | ReviewOverdueRecord
    | ReviewFailedRecord,
    Field(discriminator="type"),
]
"""Any record, before the ledger gives it its place (`seq`, `prev`)."""

RECORD: TypeAdapter[Record] = TypeAdapter(Record)
"""Parses and serialises any record; `strict`, so `"3"` is never a 3."""
