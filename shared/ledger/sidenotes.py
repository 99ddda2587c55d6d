"""What verified records say of objects beside the logs: which must be there, and what must be in them.

Memory grows with configurations, approvals, emergencies and reviews: with what people do, not with calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shared.errors import MalformedLedger
from shared.ledger.sideobjects import (
    ClaimKind,
    approval_key,
    claim_path,
    decision_key,
    emergency_key,
    overdue_key,
    parse_record_name,
    report_path,
    snapshot_path_of,
)

ENDS = ("used", "rejected", "expired")


class Place(NamedTuple):
    """Which record says it: the index is its `seq`."""

    writer: str
    seq: int


class End(NamedTuple):
    """A record that ends an approval."""

    step: str
    place: Place


class Person(NamedTuple):
    """Who took a step: tenant and principal."""

    tenant: str
    principal: str


class Review(NamedTuple):
    """A record of a review; `reports` gives the hex SHA-256 of each of its files."""

    reports: Mapping[str, str]
    place: Place


class SideNotes:
    """Gathers what records say. Keys are those of the claims (`sideobjects.py`)."""

    def __init__(self) -> None:
        self.snapshots: dict[str, Place] = {}
        self.requested: dict[str, tuple[Place, Person]] = {}
        self.approved: dict[str, list[tuple[Place, Person]]] = {}
        self.ends: dict[str, list[End]] = {}
        self.emergencies: dict[str, dict[str, Place]] = {}
        """By key: each end of its time that a record says, and the first record that says it."""
        self.reviews: dict[str, Review] = {}
        self.failed: dict[str, Place] = {}
        self.decisions: dict[str, Place] = {}
        self.overdue: dict[str, Place] = {}

    def take(self, writer: str, index: int, fields: Mapping[str, Any]) -> None:
        """Note a record of one of the types in `NAMING`. Raises MalformedLedger where members are missing."""
        try:
            NAMING[fields["type"]](self, Place(writer, index), fields)
        except (KeyError, TypeError, AttributeError, ValueError, MalformedLedger) as error:
            raise MalformedLedger("a record without the members of its type") from error

    def _take_genesis(self, place: Place, fields: Mapping[str, Any]) -> None:
        self._take_snapshot(place, fields.get("configuration"))

    def _take_config(self, place: Place, fields: Mapping[str, Any]) -> None:
        self._take_snapshot(place, fields["configuration"])
        self._take_snapshot(place, fields.get("previous"))

    def _take_snapshot(self, place: Place, digest: str | None) -> None:
        if digest is not None:
            snapshot_path_of(digest)
            self.snapshots.setdefault(digest, place)

    def _take_approval(self, place: Place, fields: Mapping[str, Any]) -> None:
        step = fields["step"]
        if step == "requested":
            self.requested[approval_key(*place)] = (place, _person(fields))
            return
        key = approval_key(*parse_record_name(fields["approval"]))
        if step == "approved":
            self.approved.setdefault(key, []).append((place, _person(fields)))
        elif step in ENDS:
            self.ends.setdefault(key, []).append(End(step, place))

    def _take_emergency(self, place: Place, fields: Mapping[str, Any]) -> None:
        person = _person(fields)
        key = emergency_key(person.tenant, person.principal, _text(fields["ticket"]))
        self.emergencies.setdefault(key, {}).setdefault(_text(fields["until"]), place)

    def _take_review(self, place: Place, fields: Mapping[str, Any]) -> None:
        review_id = fields["review_id"]
        claim_path(ClaimKind.REVIEW, review_id)
        for name, digest in fields["reports"].items():
            report_path(review_id, name)
            _text(digest)
        self.reviews.setdefault(review_id, Review(fields["reports"], place))

    def _take_failure(self, place: Place, fields: Mapping[str, Any]) -> None:
        self.failed.setdefault(_text(fields["review_id"]), place)

    def _take_decision(self, place: Place, fields: Mapping[str, Any]) -> None:
        key = decision_key(_text(fields["review_id"]), _text(fields["request_id"]))
        claim_path(ClaimKind.DECISION, key)
        self.decisions.setdefault(key, place)

    def _take_overdue(self, place: Place, fields: Mapping[str, Any]) -> None:
        key = overdue_key(_text(fields["review_id"]), fields["level"])
        claim_path(ClaimKind.OVERDUE, key)
        self.overdue.setdefault(key, place)


NAMING: Mapping[str, Callable[[SideNotes, Place, Mapping[str, Any]], None]] = {
    "genesis": SideNotes._take_genesis,
    "config": SideNotes._take_config,
    "approval": SideNotes._take_approval,
    "emergency": SideNotes._take_emergency,
    "review": SideNotes._take_review,
    "review_failed": SideNotes._take_failure,
    "review_decision": SideNotes._take_decision,
    "review_overdue": SideNotes._take_overdue,
}
"""Types of records that name objects beside the logs."""


def _person(fields: Mapping[str, Any]) -> Person:
    who = fields["who"]
    return Person(_text(who.get("tenant", "")), _text(who.get("principal", "")))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value
