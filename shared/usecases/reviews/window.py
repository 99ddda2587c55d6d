"""The records of a review's window: between two checkpoints of the root log, verified as they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from shared.errors import ObjectMissing
from shared.ledger.checkpoints import Checkpoint
from shared.ledger.findings import Weight
from shared.ledger.hashing import EMPTY_ROOT
from shared.ledger.notes import VerifierKey
from shared.ledger.reports import Report
from shared.ledger.rootlog import parse_seal, tile_path
from shared.ledger.tiles import TILE_WIDTH, Tile, decode_entries
from shared.ledger.verifier import Progress, Question, log_name, verify_ledger
from shared.records.canonical import parse_time
from shared.review.findings import Window
from shared.usecases.ports import Reader
from shared.usecases.rootstore import EMPTY, RootHead, RootView

SLACK = timedelta(hours=1)
"""Records stand in the order in which calls ended, and are sealed some seconds later: a window begins at a
checkpoint that is older than its first moment by this much, and passes over what it did not ask for."""

type Observe = Callable[[str, int, dict[str, Any]], None]

VERDICTS: dict[int, Literal["intact", "findings", "unchecked"]] = {0: "intact", 1: "findings", 2: "unchecked"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a review's records are: the ledger's store and, where it is at hand, the archive."""

    reader: Reader
    keys: tuple[VerifierKey, ...]
    archive: Reader | None = None


def observe_window(
    evidence: Evidence,
    since: datetime,
    until: datetime,
    now: datetime,
    observe: Observe,
    progress: Progress | None = None,
) -> Window:
    """Verify the ledger between the checkpoints that enclose `since` and `until`; show each record of it.

    What the verification finds wrong is in the window's verdict and stops nothing. Raises LedgerError where
    the root log itself does not verify, StoreError where storage does not answer.
    """
    view = RootView(evidence.reader, log_name(evidence.keys), evidence.keys)
    end = view.find_head()
    start = find_start(evidence.reader, view, end, since - SLACK)
    records = 0

    def count(writer: str, index: int, fields: dict[str, Any]) -> None:
        nonlocal records
        records += 1
        observe(writer, index, fields)

    report = verify_ledger(
        Question(
            source=evidence.reader,
            keys=evidence.keys,
            now=now,
            elsewhere=evidence.archive,
            since=_checkpoint(evidence.keys, start) if start != EMPTY else None,
            until=_checkpoint(evidence.keys, end),
            progress=progress,
            observe=count,
        )
    )
    return _window(report, start, end, since, until, records)


def find_start(reader: Reader, view: RootView, end: RootHead, moment: datetime) -> RootHead:
    """The newest checkpoint all of whose seals were made before `moment`; EMPTY where there is none.

    Seals are in the order of time, so their number is found by bisection; not every size has a checkpoint.
    """
    low, high = 0, end.size
    while low < high:
        middle = (low + high) // 2
        if read_seal_time(reader, end.size, middle) < moment:
            low = middle + 1
        else:
            high = middle
    for size in _sizes_down_from(reader, low):
        if (head := view.read_head(size)) is not None:
            return head
    return EMPTY


def _sizes_down_from(reader: Reader, size: int) -> list[int]:
    """Sizes up to this one that have a checkpoint, the largest first: those of the nearest thousand."""
    for group in range(size // 1000, -1, -1):
        prefix = f"v1/root/checkpoint/{group * 1000:012}"[:-3]
        names = [item.path[-12:] for item in reader.list(prefix)]
        found = [int(name) for name in names if name.isdecimal() and int(name) <= size]
        if found:
            return sorted(found, reverse=True)
    return []


def read_seal_time(reader: Reader, size: int, index: int) -> datetime:
    """When the seal at that place of a root log of that size was made. Raises LedgerError, StoreError."""
    bundle, place = divmod(index, TILE_WIDTH)
    width = min(TILE_WIDTH, size - bundle * TILE_WIDTH)
    entries = decode_entries(reader.read(tile_path(Tile(None, bundle, width))))
    if place >= len(entries):
        raise ObjectMissing(f"the root log has no entry {index}")
    return parse_time(parse_seal(entries[place]).time)


def _checkpoint(keys: Collection[VerifierKey], head: RootHead) -> Checkpoint:
    return Checkpoint(log_name(keys), head.size, head.root)


def _window(
    report: Report, start: RootHead, end: RootHead, since: datetime, until: datetime, records: int
) -> Window:
    weighty = [finding for finding in report.findings if finding.weight is not Weight.REMARK]
    return Window(
        since=since,
        until=until,
        from_size=start.size,
        from_root=start.root.hex(),
        to_size=end.size,
        to_root=(end.root if end.size else EMPTY_ROOT).hex(),
        records=records,
        verdict=VERDICTS[report.exit_code],
        verification=dict(sorted(Counter(finding.kind.value for finding in weighty).items())),
    )
