"""What somebody adds beside the logs: named, and told from what a crash may leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.ledger.findings import Kind
from shared.ledger.reports import Report
from shared.ledger.sideobjects import (
    Claim,
    ClaimKind,
    approval_key,
    claim_path,
    emergency_key,
    snapshot_path,
    snapshot_path_of,
)
from tests.support.ledgers import ULIDS
from tests.support.side_ledger import check, side_ledger
from tests.support.tampering import kinds

LEDGER = side_ledger()
TIME = "2026-03-01T12:00:09.000000Z"


def verify(path: str, data: bytes) -> Report:
    """The ledger with one object more, verified with its archive."""
    store = LEDGER.store.copy()
    store.objects[path] = data
    return check(store, LEDGER.archive, clock=LEDGER.clock)


def test_foreign_objects_are_found() -> None:
    """Other shapes below the three folders: named, and they harm nothing else."""
    names = [
        "v1/config/readme.txt",
        "v1/once/approval/x.json",
        "v1/once/secret/x.json",
        f"v1/once/approval/{ULIDS[0].lower()}-3.json",
        "v1/reviews/2026-03/report.pdf",
        "v1/reviews/2026-03/x/report.json",
    ]
    for name in names:
        report = verify(name, b"junk")
        assert kinds(report) == {Kind.UNEXPECTED_OBJECT}, name
    print(f"{len(names)} of {len(names)} foreign objects found")


def _claim(kind: ClaimKind, key: str, time: str = TIME) -> tuple[str, bytes]:
    claim = Claim(kind, key, time, {"step": "used", "until": time})
    return claim.path, claim.encode()


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: (snapshot_path_of("0" * 64), b"{}"), Kind.SNAPSHOT_ALTERED),
        (lambda: (claim_path(ClaimKind.EMERGENCY, "0" * 64), b"{}"), Kind.MALFORMED),
        (lambda: _claim(ClaimKind.APPROVAL, approval_key(ULIDS[0], 1)), Kind.SIDE_UNMATCHED),
        (lambda: _claim(ClaimKind.OPEN_APPROVAL, approval_key(ULIDS[1], 999)), Kind.SIDE_UNMATCHED),
        (
            lambda: _claim(ClaimKind.APPROVED, approval_key("01JNC0000000000000000000ZZ", 0)),
            Kind.SIDE_UNMATCHED,
        ),
        (lambda: ("v1/reviews/2026-04/report.json", b"{}"), Kind.SIDE_UNMATCHED),
    ],
)
def test_forged_objects_are_found(made: Callable[[], tuple[str, bytes]], expected: Kind) -> None:
    """Of a good shape, about something that no record has begun, or not what its name says."""
    path, data = made()
    assert kinds(verify(path, data)) == {expected}


@pytest.mark.parametrize(
    "made",
    [
        lambda: (snapshot_path(b'{"x":1}'), b'{"x":1}'),
        lambda: _claim(ClaimKind.APPROVAL, approval_key(ULIDS[0], 5)),
        lambda: _claim(ClaimKind.EMERGENCY, emergency_key("t-1", "p-1", "INC-2")),
        lambda: _claim(ClaimKind.REVIEW, "2026-04"),
        lambda: _claim(ClaimKind.OVERDUE, "2026-03-2"),
    ],
)
def test_what_a_crash_may_leave_is_remarked_upon(made: Callable[[], tuple[str, bytes]]) -> None:
    """A claim or snapshot without its record looks the same, whoever left it: it is shown, and no doubt."""
    path, data = made()
    report = verify(path, data)
    assert [(finding.kind, finding.object) for finding in report.findings] == [(Kind.SIDE_UNNAMED, path)]
    assert report.exit_code == 0
