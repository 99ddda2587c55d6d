"""What a verification is asked: which evidence, against what, and who wants to see its records."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import MalformedLedger
from shared.ledger.checkpoints import Checkpoint
from shared.ledger.notes import COSIGNATURE, VerifierKey
from shared.ledger.receipts import HeldReceipt
from shared.ledger.rootobjects import TimestampCheck
from shared.ledger.sources import Source
from shared.ledger.writercheck import Observe

PATIENCE = timedelta(minutes=10)
"""How long records may stay unsealed and a sealing unfinished before a verifier says so."""

type Progress = Callable[[int, int], None]
"""`(bytes done, bytes in all)`."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to verify, against what.

    `keys` are the trusted verifier keys: of the service (their name is the log's name) and of witnesses.
    `archive` holds copies of what `source` has, or had, and all are compared. `elsewhere` is such an archive
    too, of which only single objects are asked for: reports of reviews, logs that `source` has no more and
    whose records are to be observed, and whether a log is kept there that `since` covers. `since` is a
    checkpoint of the root log that was verified before: what it covers is compared and not read again.

    `observe` sees each record whose commit was verified, in log order for each writer. Of records that were
    sealed, it sees those after `since` and, where given, up to `until`, a later checkpoint of the root log:
    exactly the records that the one does not cover and the other does, also where more had to be read.
    Without `until` it sees whatever is here. A record says what happened only where the report, which comes
    after all of them, has no findings. An error that it raises ends the verification, unless it is one of
    `LedgerError` or `StoreError`, which stand for faults of the evidence.
    """

    source: Source
    keys: tuple[VerifierKey, ...]
    now: datetime
    archive: Source | None = None
    elsewhere: Source | None = None
    receipts: tuple[HeldReceipt, ...] = ()
    since: Checkpoint | None = None
    patience: timedelta = PATIENCE
    progress: Progress | None = None
    check_timestamp: TimestampCheck | None = None
    observe: Observe | None = None
    until: Checkpoint | None = None


def log_name(keys: Collection[VerifierKey]) -> str:
    """The log that the trusted service keys belong to. Raises MalformedLedger for none or several."""
    names = {key.name for key in keys if key.algorithm != COSIGNATURE}
    if len(names) != 1:
        raise MalformedLedger(f"the trusted keys must be of one log, got keys of {len(names)}")
    return names.pop()
