"""Objects beside the logs: snapshots of configurations, claims that exist once, reports of reviews.

Each is created once and never changed. None is believed by itself: records of the ledger name them, and the
verifier compares the two (`sidecheck.py`; docs/ledger-format.md, "Objects beside the logs").

    v1/config/<sha256>.json       a snapshot, named by the hash of its bytes
    v1/once/<kind>/<key>.json     a claim: who creates it has won, whoever comes later has not
    v1/reviews/<review>/<file>    a report of an access review; in the archive alone
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.errors import MalformedLedger
from shared.ledger.lines import parse_line
from shared.records.canonical import canonical_bytes, parse_time, sha256_hex

CONFIG_PREFIX = "v1/config/"
ONCE_PREFIX = "v1/once/"
REVIEWS_PREFIX = "v1/reviews/"

REPORT_FILES = ("report.json", "report.csv", "report.html")

MAX_CLAIM_BYTES = 4_096
MAX_SNAPSHOT_BYTES = 16 << 20
MAX_REPORT_BYTES = 256 << 20

_ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
_NUMBER = "(?:0|[1-9][0-9]{0,15})"
_REVIEW = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,62}[0-9A-Za-z])?"
_RECORD_NAME = re.compile(rf"({_ULID})[/-]({_NUMBER})")
_CONFIG_PATH = re.compile(r"v1/config/([0-9a-f]{64})\.json")
_CLAIM_PATH = re.compile(r"v1/once/([a-z-]{1,32})/([0-9A-Za-z-]{1,120})\.json")
_REPORT_PATH = re.compile(rf"v1/reviews/({_REVIEW})/(report\.(?:json|csv|html))")


class ClaimKind(StrEnum):
    """What a claim is about, and what its key is made of."""

    OPEN_APPROVAL = "open-approval"
    """An approval was asked for. Key: the place of its `requested` record, `<writer>-<index>`."""
    APPROVAL = "approval"
    """An approval has ended: used, rejected or expired. The same key; who creates it ends the approval."""
    APPROVED = "approved"
    """A second person said yes. The same key; `record` names the `approved` record. A hint that saves a
    search: whoever follows it verifies the record."""
    EMERGENCY_SLOT = "emergency-slot"
    """One of the windows that a person has opened, counted. Key: `emergency_slot_key`; made before the claim
    of its emergency, whose key it holds, so that windows a week can be counted, and counted exactly."""
    EMERGENCY = "emergency"
    """The limited time of an emergency began. Key: `emergency_key`."""
    REVIEW = "review"
    """A review is being made. Key: the review's id."""
    DECISION = "decision"
    """Decisions about a review's findings are being recorded. Key: `<review id>-<request id>`; made before
    their records, so that who knows the review finds all of them."""
    OVERDUE = "overdue"
    """An escalation of a review. Key: `<review id>-<level>`."""


_KEYS = {
    ClaimKind.OPEN_APPROVAL: re.compile(f"{_ULID}-{_NUMBER}"),
    ClaimKind.APPROVAL: re.compile(f"{_ULID}-{_NUMBER}"),
    ClaimKind.APPROVED: re.compile(f"{_ULID}-{_NUMBER}"),
    ClaimKind.EMERGENCY_SLOT: re.compile("[0-9a-f]{64}-[0-9]{6}"),
    ClaimKind.EMERGENCY: re.compile("[0-9a-f]{64}"),
    ClaimKind.REVIEW: re.compile(_REVIEW),
    ClaimKind.DECISION: re.compile(f"{_REVIEW}-[0-9A-Za-z]{{1,64}}"),
    ClaimKind.OVERDUE: re.compile(f"{_REVIEW}-{_NUMBER}"),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim holds. `time` is a record's time, when it was made; `members` differ by kind.

    A verifier relies on `step` of an approval (`used`, `rejected`, `expired`) and on `until` of an emergency
    (a record's time), which are what the ledger's record of it says; it passes over others. No personal data.
    """

    kind: ClaimKind
    key: str
    time: str
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where it stands."""
        return claim_path(self.kind, self.key)

    def encode(self) -> bytes:
        """Its bytes: RFC 8785. Raises ValueError beyond `MAX_CLAIM_BYTES`."""
        fields = {**self.members, "v": 1, "kind": self.kind.value, "key": self.key, "time": self.time}
        data = canonical_bytes(fields)
        if len(data) > MAX_CLAIM_BYTES:
            raise ValueError(f"a claim has at most {MAX_CLAIM_BYTES} bytes, got {len(data)}")
        return data


def parse_claim(data: bytes) -> Claim:
    """Read a claim's bytes, strictly. Raises MalformedLedger."""
    if len(data) > MAX_CLAIM_BYTES:
        raise MalformedLedger(f"a claim has at most {MAX_CLAIM_BYTES} bytes")
    members = parse_line(data)
    try:
        if (version := members.pop("v")) != 1 or version is True:
            raise ValueError("another version")
        kind, key, time = ClaimKind(members.pop("kind")), members.pop("key"), members.pop("time")
        if not isinstance(key, str):
            raise TypeError("a key is text")
        parse_time(time)
        claim_path(kind, key)
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedLedger("a claim has `v` 1, a known `kind`, its `key` and `time`") from error
    return Claim(kind, key, time, members)


@dataclass(frozen=True, slots=True)
class SnapshotObject:
    """The place of a configuration's snapshot: hex SHA-256 of its bytes."""

    digest: str


@dataclass(frozen=True, slots=True)
class ClaimObject:
    """The place of a claim."""

    kind: ClaimKind
    key: str


@dataclass(frozen=True, slots=True)
class ReportObject:
    """The place of a report of a review; `file` is one of `REPORT_FILES`."""

    review_id: str
    file: str


type SideObject = SnapshotObject | ClaimObject | ReportObject


def is_side_path(path: str) -> bool:
    """True below one of the three prefixes, well-shaped or not."""
    return path.startswith((CONFIG_PREFIX, ONCE_PREFIX, REVIEWS_PREFIX))


def is_side_object(path: str) -> bool:
    """True for a path of exactly one of the shapes above."""
    try:
        parse_side_path(path)
    except MalformedLedger:
        return False
    return True


def parse_side_path(path: str) -> SideObject:
    """What stands at a path. Raises MalformedLedger for any shape that is not exactly one of those above."""
    if match := _CONFIG_PATH.fullmatch(path):
        return SnapshotObject(match[1])
    if match := _REPORT_PATH.fullmatch(path):
        return ReportObject(match[1], match[2])
    match = _CLAIM_PATH.fullmatch(path)
    if match is not None and match[1] in set(ClaimKind):
        kind = ClaimKind(match[1])
        if _KEYS[kind].fullmatch(match[2]):
            return ClaimObject(kind, match[2])
    raise MalformedLedger("neither a snapshot of a configuration, a claim, nor a report of a review")


def snapshot_path(data: bytes) -> str:
    """The path of a snapshot, from its bytes."""
    return snapshot_path_of(sha256_hex(data))


def snapshot_path_of(digest: str) -> str:
    """The path of the snapshot of that hex SHA-256. Raises ValueError."""
    return _checked(f"{CONFIG_PREFIX}{digest}.json")


def claim_path(kind: ClaimKind, key: str) -> str:
    """The path of a claim. Raises ValueError for a key that is not of its kind's shape."""
    return _checked(f"{ONCE_PREFIX}{kind.value}/{key}.json")


def claims_prefix(kind: ClaimKind) -> str:
    """The folder of all claims of a kind."""
    return f"{ONCE_PREFIX}{kind.value}/"


def report_path(review_id: str, file: str) -> str:
    """The path of a report in the archive. Raises ValueError."""
    return _checked(f"{REVIEWS_PREFIX}{review_id}/{file}")


def approval_key(writer: str, index: int) -> str:
    """The key of an approval: the place of its `requested` record."""
    return f"{writer}-{index}"


def parse_record_name(text: str) -> tuple[str, int]:
    """Writer and index of `<writer>/<index>`, or of a key `<writer>-<index>`. Raises MalformedLedger."""
    match = _RECORD_NAME.fullmatch(text)
    if match is None:
        raise MalformedLedger("a record is named <ULID>/<index>")
    return match[1], int(match[2])


def emergency_key(tenant: str, principal: str, ticket: str) -> str:
    """The key of one person's emergency under one ticket: a hash, so that a path carries neither."""
    return sha256_hex(canonical_bytes({"tenant": tenant, "principal": principal, "ticket": ticket}))


def emergency_slots(tenant: str, principal: str) -> str:
    """What the keys of all windows of one person begin with."""
    return sha256_hex(canonical_bytes({"tenant": tenant, "principal": principal}))


def emergency_slot_key(tenant: str, principal: str, number: int) -> str:
    """The key of a person's window of that number, counted from 1 without gaps."""
    return f"{emergency_slots(tenant, principal)}-{number:06d}"


def decision_key(review_id: str, request_id: str) -> str:
    """The key of the decisions that one call made about a review."""
    return f"{review_id}-{request_id}"


def overdue_key(review_id: str, level: int) -> str:
    """The key of one escalation of a review."""
    return f"{review_id}-{level}"


def _checked(path: str) -> str:
    try:
        parse_side_path(path)
    except MalformedLedger as error:
        raise ValueError("an object beside the logs has a name of its kind's shape") from error
    return path
