"""A small ledger to tamper with, and what an auditor who knows the service key says of the result."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from shared.ledger.findings import Kind, Weight
from shared.ledger.receipts import HeldReceipt
from shared.ledger.reports import Report
from shared.ledger.segments import parse_segment
from shared.ledger.verifier import Question, verify_ledger
from tests.support.ledgers import small_ledger
from tests.support.worm import WormStore

LEDGER = small_ledger()
NOW = LEDGER.clock() + timedelta(days=1)

# what may be said of bytes of a record or checkpoint that were changed, removed or moved
CONTENT = {
    Kind.MALFORMED,
    Kind.TRUNCATED,
    Kind.RECORD_MISSING,
    Kind.RECORD_REPEATED,
    Kind.CHAIN_BROKEN,
    Kind.SIZE_MISMATCH,
    Kind.ROOT_MISMATCH,
    Kind.SIGNATURE_INVALID,
    Kind.GENESIS_UNTRUSTED,
}


def verify(
    store: WormStore, receipts: Iterable[HeldReceipt] = (), archive: WormStore | None = None
) -> Report:
    """Verify as an auditor does who knows the service key alone."""
    return verify_ledger(Question(store, LEDGER.keys, NOW, archive=archive, receipts=tuple(receipts)))


def kinds(report: Report) -> set[Kind]:
    """The classes that make the verdict."""
    return {finding.kind for finding in report.findings if finding.weight is Weight.TAMPERING}


def expect(store: WormStore, allowed: set[Kind], what: str) -> Kind:
    """The attack is found, and all that is said of it is among the allowed classes."""
    report = verify(store)
    found = kinds(report)
    assert report.exit_code == 1, f"not found: {what}"
    assert found <= allowed, f"{what} was called {found}"
    return report.findings[0].kind


def changed(path: str, data: bytes | None) -> WormStore:
    """The ledger with one object replaced, or removed."""
    store = LEDGER.store.copy()
    if data is None:
        del store.objects[path]
    else:
        store.objects[path] = data
    return store


SEGMENTS = sorted(path for path in LEDGER.store.objects if path.startswith("v1/w/"))
ROOT_OBJECTS = sorted(path for path in LEDGER.store.objects if path.startswith("v1/root/"))


def record_places(path: str) -> list[tuple[int, int]]:
    """Start and end (with newline) of every record line of a segment."""
    places = []
    for commit in parse_segment([LEDGER.store.objects[path]]):
        start = commit.offset
        for line in commit.lines:
            places.append((start, start + len(line) + 1))
            start += len(line) + 1
    return places


def commit_places(path: str) -> list[tuple[int, int]]:
    return [
        (commit.offset, commit.offset + commit.size) for commit in parse_segment([LEDGER.store.objects[path]])
    ]
