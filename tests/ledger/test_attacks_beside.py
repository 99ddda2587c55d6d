"""Every attack on objects beside the logs: all found, each under its right name.

The attacker may do anything to storage and holds no key. Each test counts what it did and prints it.
"""

from __future__ import annotations

import pytest

from shared.ledger.findings import Kind
from shared.ledger.reports import Report
from shared.ledger.sideobjects import (
    ClaimKind,
    approval_key,
    claim_path,
    is_side_path,
    snapshot_path_of,
)
from tests.support.ledgers import ULIDS
from tests.support.side_ledger import (
    check,
    empty_side_ledger,
    side_ledger,
)
from tests.support.tampering import kinds
from tests.support.worm import WormStore

LEDGER = side_ledger()
TIME = "2026-03-01T12:00:09.000000Z"
SIDE = sorted(path for path in LEDGER.store.objects if is_side_path(path))
REPORTS = sorted(path for path in LEDGER.archive.objects if path.startswith("v1/reviews/"))
LISTS = ("v1/once/open-approval/", "v1/once/approved/")


def verify(store: WormStore, archive: WormStore | None = None) -> Report:
    return check(store, archive, clock=LEDGER.clock)


def remarks(report: Report) -> set[Kind]:
    """All that is said, where nothing of it is a doubt."""
    assert report.exit_code == 0, report.findings
    return {finding.kind for finding in report.findings}


def without(store: WormStore, path: str) -> WormStore:
    copy = store.copy()
    del copy.objects[path]
    return copy


def with_object(path: str, data: bytes) -> WormStore:
    copy = LEDGER.store.copy()
    copy.objects[path] = data
    return copy


def test_the_untouched_ledger_is_clean() -> None:
    """What the attacks are measured against: with its archive, and as one copy of both stores."""
    assert verify(LEDGER.store, LEDGER.archive).findings == ()
    both = WormStore({**LEDGER.archive.objects, **LEDGER.store.objects})
    assert verify(both).findings == ()
    assert len(SIDE) == 15
    assert len(REPORTS) == 3


def test_reports_are_not_asked_for_in_the_first_store_alone() -> None:
    """They lie in the archive: without it their absence is remarked upon, and no doubt."""
    assert remarks(verify(LEDGER.store)) == {Kind.REPORT_ELSEWHERE}
    assert check(LEDGER.store, None, elsewhere=LEDGER.archive, clock=LEDGER.clock).findings == ()


# --- deleted ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SIDE)
def test_every_deleted_object_is_found(path: str) -> None:
    """A snapshot, a claim: gone from the store, whether or not the archive has a copy."""
    store = without(LEDGER.store, path)
    expected = Kind.SNAPSHOT_MISSING if path.startswith("v1/config/") else Kind.CLAIM_MISSING
    if path.startswith(LISTS):
        assert Kind.SIDE_UNLISTED in remarks(verify(store))
        expected = Kind.CLAIM_MISSING
    else:
        assert kinds(verify(store)) == {expected}
    assert kinds(verify(store, LEDGER.archive)) == {expected}


@pytest.mark.parametrize("path", REPORTS)
def test_every_deleted_report_is_found(path: str) -> None:
    """One report or all three: the record of the review names them."""
    assert kinds(verify(LEDGER.store, without(LEDGER.archive, path))) == {Kind.REPORT_MISSING}
    bare = WormStore({p: d for p, d in LEDGER.archive.objects.items() if not p.startswith("v1/reviews/")})
    report = verify(LEDGER.store, bare)
    assert kinds(report) == {Kind.REPORT_MISSING}
    assert len(report.findings) == 3
    nightly = check(LEDGER.store, None, elsewhere=without(LEDGER.archive, path), clock=LEDGER.clock)
    assert kinds(nightly) == {Kind.REPORT_MISSING}


def test_a_deleted_second_emergency_is_found() -> None:
    """Numbers are dense: the first of two is missed by its gap, the last by the emergency that it counted."""
    ledger = empty_side_ledger()
    ledger.declare("INC-1", 1)
    ledger.declare("INC-2", 2)
    ledger.finish()
    slots = [path for path in ledger.store.objects if "emergency-slot" in path]
    assert len(slots) == 2
    for path in slots:
        report = check(without(ledger.store, path), None, clock=ledger.clock)
        assert kinds(report) == {Kind.CLAIM_MISSING}


# --- altered ------------------------------------------------------------------------------------------


def test_every_changed_byte_is_found() -> None:
    """Each byte of each object, one bit of it: the archive's copy shows also what no record says."""
    count = 0
    for path in SIDE:
        data = LEDGER.store.objects[path]
        for place in range(len(data)):
            forged = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            found = kinds(verify(with_object(path, forged), LEDGER.archive))
            assert Kind.COPY_DIFFERS in found, f"{path} at {place}"
            assert found <= {
                Kind.COPY_DIFFERS,
                Kind.MALFORMED,
                Kind.CLAIM_ALTERED,
                Kind.CLAIM_MISSING,
                Kind.SNAPSHOT_ALTERED,
            }
            count += 1
    for path in REPORTS:
        data = LEDGER.archive.objects[path]
        for place in range(len(data)):
            archive = LEDGER.archive.copy()
            archive.objects[path] = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            assert kinds(verify(LEDGER.store, archive)) == {Kind.REPORT_ALTERED}, f"{path} at {place}"
            count += 1
    print(f"{count} of {count} changed bytes found")


@pytest.mark.parametrize("path", SIDE)
def test_every_changed_object_is_found_without_a_copy(path: str) -> None:
    """Emptied, cut, continued, other spelling: the store alone shows it."""
    data = LEDGER.store.objects[path]
    allowed = {Kind.MALFORMED, Kind.SNAPSHOT_ALTERED}
    for forged in (b"", data[:-1], data + b"\n", data + b" ", data.replace(b'":', b'": ', 1), b"x" * 5_000):
        assert kinds(verify(with_object(path, forged))) <= allowed
        assert kinds(verify(with_object(path, forged)))


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (ClaimKind.APPROVAL, b'"step":"used"', b'"step":"expired"'),
        (ClaimKind.APPROVAL, b'"step":"rejected"', b'"step":"used"'),
        (ClaimKind.APPROVAL, b'"step":"expired",', b""),
        (ClaimKind.APPROVAL, b'-3","kind"', b'-4","kind"'),
        (ClaimKind.APPROVAL, b'"kind":"approval"', b'"kind":"approved"'),
        (ClaimKind.APPROVED, b'/2"', b'/3"'),
        (ClaimKind.EMERGENCY, b'"until":"2026', b'"until":"2027'),
        (ClaimKind.EMERGENCY, b'"until":', b'"later":'),
        (ClaimKind.EMERGENCY_SLOT, b'"ticket":"', b'"ticket":"x'),
        (ClaimKind.REVIEW, b'"key":"2026-03"', b'"key":"2026-04"'),
        (ClaimKind.REVIEW, b'"report":"', b'"report":"0'),
        (ClaimKind.OVERDUE, b"2026-03-1", b"2026-03-2"),
    ],
)
def test_a_claim_that_says_something_else_is_found(kind: ClaimKind, old: bytes, new: bytes) -> None:
    """Another end, a later end, another key: records say what it must be."""
    changed = 0
    for path in SIDE:
        data = LEDGER.store.objects[path]
        if path.startswith(f"v1/once/{kind}/") and old in data:
            found = kinds(verify(with_object(path, data.replace(old, new))))
            assert found <= {Kind.CLAIM_ALTERED, Kind.MALFORMED, Kind.CLAIM_MISSING}, path
            assert found, path
            changed += 1
    assert changed


# --- swapped, renamed ---------------------------------------------------------------------------------


def test_every_swap_is_found() -> None:
    """Each two objects of the store change their places, and so do each two reports."""
    count = 0
    for index, one in enumerate(SIDE):
        for other in SIDE[index + 1 :]:
            store = LEDGER.store.copy()
            store.objects[one], store.objects[other] = store.objects[other], store.objects[one]
            found = kinds(verify(store))
            assert found, f"{one} and {other}"
            assert found <= {Kind.CLAIM_ALTERED, Kind.CLAIM_MISSING, Kind.MALFORMED, Kind.SNAPSHOT_ALTERED}
            count += 1
    for index, one in enumerate(REPORTS):
        for other in REPORTS[index + 1 :]:
            archive = LEDGER.archive.copy()
            archive.objects[one], archive.objects[other] = archive.objects[other], archive.objects[one]
            assert kinds(verify(LEDGER.store, archive)) == {Kind.REPORT_ALTERED}
            count += 1
    print(f"{count} of {count} swaps found")
    assert count == 15 * 14 // 2 + 3


def test_every_renamed_object_is_found() -> None:
    """Under another well-shaped name, another ending, in another folder."""
    allowed = {
        Kind.CLAIM_ALTERED,
        Kind.CLAIM_MISSING,
        Kind.SNAPSHOT_MISSING,
        Kind.SNAPSHOT_ALTERED,
        Kind.UNEXPECTED_OBJECT,
        Kind.SIDE_UNMATCHED,
        Kind.MALFORMED,
    }
    count = 0
    for path in SIDE:
        folder, _, name = path.rpartition("/")
        names = [
            path + ".bak",
            path.upper(),
            f"v2/{path[3:]}",
            f"{folder}/x/{name}",
            snapshot_path_of("0" * 64),
            claim_path(ClaimKind.APPROVAL, approval_key(ULIDS[1], 77)),
            claim_path(ClaimKind.OPEN_APPROVAL, approval_key("01JNC0000000000000000000ZZ", 0)),
            claim_path(ClaimKind.EMERGENCY, "0" * 64),
            claim_path(ClaimKind.REVIEW, "2026-99"),
        ]
        for other in names:
            store = without(LEDGER.store, path)
            store.objects[other] = LEDGER.store.objects[path]
            found = kinds(verify(store))
            assert found, f"{path} as {other}"
            assert found <= allowed, f"{path} as {other}: {found}"
            count += 1
    for path in REPORTS:
        for other in (path.replace("2026-03", "2026-04"), path + ".old", path.replace("reviews", "review")):
            archive = without(LEDGER.archive, path)
            archive.objects[other] = LEDGER.archive.objects[path]
            found = kinds(verify(LEDGER.store, archive))
            assert Kind.REPORT_MISSING in found
            assert found <= {Kind.REPORT_MISSING, Kind.SIDE_UNMATCHED, Kind.UNEXPECTED_OBJECT}
            count += 1
    print(f"{count} of {count} renamings found")
