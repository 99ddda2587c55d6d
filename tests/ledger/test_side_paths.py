"""Names of objects beside the logs: each has one shape, and what has another shape is none of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from shared.errors import MalformedLedger
from shared.ledger.sideobjects import (
    MAX_CLAIM_BYTES,
    Claim,
    ClaimKind,
    ClaimObject,
    ReportObject,
    SnapshotObject,
    approval_key,
    claim_path,
    claims_prefix,
    decision_key,
    emergency_key,
    emergency_slot_key,
    is_side_path,
    overdue_key,
    parse_claim,
    parse_record_name,
    parse_side_path,
    report_path,
    snapshot_path,
    snapshot_path_of,
)

WRITER = "01JNC0000000000000000000AA"
TIME = "2026-03-01T12:00:00.000000Z"
DIGEST = "ab" * 32
KEYS = {
    ClaimKind.OPEN_APPROVAL: approval_key(WRITER, 0),
    ClaimKind.APPROVAL: approval_key(WRITER, 4711),
    ClaimKind.APPROVED: approval_key(WRITER, 4711),
    ClaimKind.EMERGENCY_SLOT: emergency_slot_key("t-1", "p-1", 1),
    ClaimKind.EMERGENCY: emergency_key("t-1", "p-1", "INC-1"),
    ClaimKind.REVIEW: "2026-03",
    ClaimKind.DECISION: decision_key("2026-03", "01JNC0000000000000000000AB"),
    ClaimKind.OVERDUE: overdue_key("2026-03", 2),
}


def test_a_snapshot_is_named_by_the_hash_of_its_bytes() -> None:
    """The name of a snapshot is the SHA-256 of its bytes."""
    digest = hashlib.sha256(b'{"a":1}').hexdigest()
    assert snapshot_path(b'{"a":1}') == snapshot_path_of(digest) == f"v1/config/{digest}.json"
    assert parse_side_path(snapshot_path_of(digest)) == SnapshotObject(digest)


@pytest.mark.parametrize("kind", ClaimKind)
def test_each_kind_of_claim_has_a_path(kind: ClaimKind) -> None:
    """A claim's path gives back its kind and key, and lies in the folder of its kind."""
    path = claim_path(kind, KEYS[kind])
    assert parse_side_path(path) == ClaimObject(kind, KEYS[kind])
    assert path.startswith(claims_prefix(kind))


@pytest.mark.parametrize("file", ["report.json", "report.csv", "report.html"])
def test_a_report_has_a_path(file: str) -> None:
    """A report lies in the folder of its review."""
    assert parse_side_path(report_path("2026-03", file)) == ReportObject("2026-03", file)


@pytest.mark.parametrize(
    "path",
    [
        "v1/config/",
        f"v1/config/{DIGEST.upper()}.json",
        f"v1/config/{DIGEST}",
        f"v1/config/{DIGEST}.json.bak",
        f"v1/config/{DIGEST}.json\n",
        f"v1/config/x/{DIGEST}.json",
        f"v1/once/{DIGEST}.json",
        f"v1/once/unknown/{DIGEST}.json",
        f"v1/once/approval/{DIGEST}.json",
        f"v1/once/approval/{WRITER.lower()}-1.json",
        f"v1/once/approval/{WRITER}-01.json",
        f"v1/once/approval/{WRITER}--1.json",
        f"v1/once/approval/{WRITER}-1.JSON",
        f"v1/once/approval/{WRITER}-\u0661.json",
        f"v1/once/approval/a/{WRITER}-1.json",
        "v1/once/emergency/t-1-p-1-INC-1.json",
        "v1/once/review/.json",
        "v1/once/review/-2026.json",
        "v1/once/review/2026_03.json",
        f"v1/once/review/{'a' * 65}.json",
        "v1/once/overdue/2026.json",
        "v1/once/overdue/2026-03-01x.json",
        "v1/reviews/report.json",
        "v1/reviews/2026-03/report.pdf",
        "v1/reviews/2026-03/x/report.json",
        "v1/reviews/../report.json",
        "v1/reviews/2026-03/Report.json",
        "v1/w/x.seg",
        "",
    ],
)
def test_other_shapes_are_none_of_them(path: str) -> None:
    """A path of any other shape is refused: another case, an ending, one folder more, a foreign digit."""
    with pytest.raises(MalformedLedger):
        parse_side_path(path)


def test_wrong_names_are_refused_before_they_are_written() -> None:
    """Whoever builds a path of another shape is told at once."""
    builds: list[Callable[[], str]] = [
        lambda: snapshot_path_of("x"),
        lambda: claim_path(ClaimKind.APPROVAL, "../x"),
        lambda: claim_path(ClaimKind.EMERGENCY, "INC-1"),
        lambda: report_path("2026-03/..", "report.json"),
        lambda: report_path("2026-03", "report.txt"),
    ]
    for build in builds:
        with pytest.raises(ValueError, match="beside the logs"):
            build()


def test_a_record_name_is_read_in_both_forms() -> None:
    """`<writer>/<index>` of a record and `<writer>-<index>` of a key name the same record."""
    assert parse_record_name(f"{WRITER}/7") == parse_record_name(approval_key(WRITER, 7)) == (WRITER, 7)
    for wrong in (f"{WRITER}/07", f"{WRITER}/", f"{WRITER}/-1", f"{WRITER[1:]}/1", f"{WRITER}/1\n"):
        with pytest.raises(MalformedLedger):
            parse_record_name(wrong)


def test_an_emergency_is_named_without_naming_anybody() -> None:
    """The key differs by tenant, person and ticket, cannot be shifted between them, and shows none."""
    keys = {
        emergency_key(*names)
        for names in (
            ("t", "p", "INC"),
            ("t", "p", "INC2"),
            ("t", "pI", "NC"),
            ("tp", "", "INC"),
            ("p", "t", "INC"),
        )
    }
    assert len(keys) == 5
    assert all(len(key) == 64 and "INC" not in key for key in keys)


def test_the_three_folders() -> None:
    """What lies below one of the three folders is judged by these rules, whatever its shape."""
    assert is_side_path("v1/config/x") and is_side_path("v1/once/") and is_side_path("v1/reviews/a/b")
    assert not is_side_path("v1/w/x") and not is_side_path("v1/root/config/x")


@pytest.mark.parametrize("kind", ClaimKind)
def test_a_claim_is_read_back(kind: ClaimKind) -> None:
    """The bytes of a claim give back its kind, key, time and members."""
    claim = Claim(kind, KEYS[kind], TIME, {"step": "used", "until": TIME})
    assert parse_claim(claim.encode()) == claim
    assert claim.path == claim_path(kind, KEYS[kind])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"key":"2026-03","kind":"review","time":"2026-03-01T12:00:00.000000Z","v":1} ',
        b'{"key":"2026-03","kind":"review","time":"2026-03-01T12:00:00.000000Z","v":1}\n',
        b'{"kind":"review","key":"2026-03","time":"2026-03-01T12:00:00.000000Z","v":1}',
        b'{"key":"2026-03","kind":"review","time":"2026-03-01T12:00:00.000000Z","v":2}',
        b'{"key":"2026-03","kind":"review","time":"2026-03-01T12:00:00.000000Z","v":true}',
        b'{"key":"2026-03","kind":"review","time":"2026-03-01","v":1}',
        b'{"key":"2026-03","kind":"other","time":"2026-03-01T12:00:00.000000Z","v":1}',
        b'{"key":"2026-03","kind":["review"],"time":"2026-03-01T12:00:00.000000Z","v":1}',
        b'{"key":3,"kind":"review","time":"2026-03-01T12:00:00.000000Z","v":1}',
        b'{"key":"2026-03","kind":"review","time":3,"v":1}',
        b'{"key":"2026-03","kind":"approval","time":"2026-03-01T12:00:00.000000Z","v":1}',
        b'{"key":"2026-03","kind":"review","time":"2026-03-01T12:00:00.000000Z","v":1,"x":"'
        + b"y" * 4096
        + b'"}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_claim_is_refused(data: bytes) -> None:
    """Other bytes, not canonical, without a member, or larger than any claim: refused as malformed."""
    with pytest.raises(MalformedLedger):
        parse_claim(data)


def test_a_claim_stays_small() -> None:
    """A claim beyond the limit is refused where it is made."""
    with pytest.raises(ValueError, match="at most"):
        Claim(ClaimKind.REVIEW, "2026-03", TIME, {"x": "y" * MAX_CLAIM_BYTES}).encode()
