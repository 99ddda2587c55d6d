"""A made-up organisation: principals, grants and the records of their calls, and what a review must find.

Everything comes from one seed. Records are real ones, made through the record types.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from shared.identity.policy import Policy, parse_policy
from shared.records.canonical import format_time
from shared.records.model import (
    AccessRecord,
    DecisionPart,
    EmergencyRecord,
    IntentRecord,
    Outcome,
    Record,
    RefusalsRecord,
    What,
    Where,
    Who,
)
from shared.review.directory import AppRole, Directory, Grant, Principal, PrincipalKey
from shared.review.findings import FindingKind
from shared.review.policy_view import PolicyView
from shared.usecases.reviews.policy import view_policy
from tests.support.organisation_policy import CALLS, POLICY, CallShape
from tests.support.records import ENGINE, SERVICE

TENANT = "6f1d2a34-5b6c-4d7e-8f90-a1b2c3d4e5f6"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAYS = 400
START = NOW - timedelta(days=DAYS)
PRINCIPALS = 200
FRONT_END = "2c3d4e5f-6071-4283-94a5-b6c7d8e9f012"
"""The client app through which people call."""

OFFICE = "198.51.100.1"
"""The address that people and some apps share."""

type Matter = tuple[PrincipalKey | None, str | None]
type Fields = dict[str, Any]


@dataclass(slots=True)
class Organisation:
    """What is there (`directory`, `policy`, `records`), and what must be found in it (`plan`)."""

    seed: int
    policy: Policy = field(default_factory=lambda: parse_policy(POLICY, "policy.yaml"))
    principals: dict[PrincipalKey, Principal] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    groups: dict[str, int] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    plan: dict[FindingKind, set[Matter]] = field(default_factory=dict)
    random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    @property
    def view(self) -> PolicyView:
        """The policy as a review sees it."""
        return view_policy(self.policy)

    def directory(self) -> Directory:
        """The directory as a reader would give it, in no particular order of grants."""
        grants = list(self.grants)
        random.Random(self.seed).shuffle(grants)
        offered = {grant.role for grant in grants} | {role.name for role in self.policy.roles} | {"Offered"}
        return Directory(
            read_at=NOW,
            tenant=TENANT,
            roles=tuple(AppRole(name) for name in sorted(offered)),
            principals=self.principals,
            grants=tuple(grants),
            groups=self.groups,
        )

    def stream(self) -> Iterator[tuple[str, int, Fields]]:
        """The records as a ledger has them: in the order of time, spread over three writers."""
        indexes = dict.fromkeys(("01JW1", "01JW2", "01JW3"), 0)
        source = random.Random(self.seed)
        for record in sorted(self.records, key=lambda each: each.time):
            writer = source.choice(sorted(indexes))
            yield writer, indexes[writer], record.model_dump(mode="json", exclude_none=True)
            indexes[writer] += 1

    def expect(self, kind: FindingKind, key: PrincipalKey | None, role: str | None = None) -> None:
        """This must be found."""
        self.plan.setdefault(kind, set()).add((key, role))

    def id(self) -> str:
        """A new GUID."""
        return str(uuid.UUID(int=self.random.getrandbits(128)))

    def person(self, **fields: Any) -> PrincipalKey:
        """A person in the directory."""
        return self._principal("person", fields)

    def app(self, **fields: Any) -> PrincipalKey:
        """An app in the directory, with an owner."""
        return self._principal("app", {"owners": 1, **fields})

    def _principal(self, kind: Literal["person", "app"], fields: dict[str, Any]) -> PrincipalKey:
        key = (TENANT, self.id())
        self.principals[key] = Principal(**{"key": key, "kind": kind, "state": "enabled", **fields})
        return key

    def group(self) -> str:
        """A group that roles can be assigned to."""
        group = self.id()
        self.groups[group] = 0
        return group

    def grant(
        self,
        key: PrincipalKey,
        role: str,
        days: int | None = 395,
        group: str | None = None,
        is_effective: bool = True,
    ) -> None:
        """The principal holds the role since so many days; None: the directory does not say."""
        since = None if days is None else NOW - timedelta(days=days)
        self.grants.append(Grant(key, role, self.id(), since, group, is_effective))
        if group is not None:
            self.groups[group] += 1

    def days(self, first: int = 390, last: int = 1, step: int | None = None) -> Iterator[datetime]:
        """Moments in office hours of working days, from `first` to `last` days ago, every `step` days."""
        begin = max(last, first - self.random.randint(0, 3))
        for ago in range(begin, last - 1, -(step or self.random.randint(2, 5))):
            moment = self.moment(ago, self.random.randint(8, 16))
            if moment.weekday() < 5:
                yield moment

    def moment(self, ago: int, hour: int) -> datetime:
        """A moment in that hour, so many days ago."""
        day = (NOW - timedelta(days=ago)).replace(hour=hour, minute=0)
        return day + timedelta(microseconds=self.random.randrange(3_600_000_000))

    def workday(self, least_ago: int) -> int:
        """So many days ago, or some more, so that it is a Tuesday: no weekend near."""
        ago = least_ago
        while (NOW - timedelta(days=ago)).weekday() != 1:
            ago += 1
        return ago

    def work(
        self, key: PrincipalKey, role: str, moments: Iterator[datetime] | None = None, **how: Any
    ) -> None:
        """Calls of the role's own kind at these moments: all that it allows is used, in turn."""
        shapes: Sequence[CallShape] = how.pop("shapes", None) or CALLS[role]
        for turn, moment in enumerate(moments if moments is not None else self.days()):
            self.call(key, role, moment, shapes[turn % len(shapes)], **how)

    def call(
        self,
        key: PrincipalKey,
        role: str | None,
        at: datetime,
        shape: CallShape,
        *,
        reason: str = "granted",
        client: str | None = None,
        address: str | None = None,
        as_intent: bool = False,
        texts: int = 1,
    ) -> None:
        """One call: allowed under the role, or refused for the reason where there is no role."""
        is_allowed = role is not None
        facts = {**shape, "texts": shape.get("texts", texts)}
        if not is_allowed:
            facts = {"operation": shape["operation"], "texts": texts}
        parts: dict[str, Any] = {
            "time": format_time(at),
            "request_id": self.id(),
            "who": self.who(key, client),
            "what": What(input_chars=120, **facts),
            "where": Where(address=address or self._address(key)),
            "decision": DecisionPart(allowed=is_allowed, reason=reason, role=role, policy=self.policy.digest),
            "engine": ENGINE,
            "service": SERVICE,
        }
        if as_intent:
            self.records.append(IntentRecord(**parts))
            return
        self.records.append(AccessRecord(outcome=Outcome(status=200 if is_allowed else 403), **parts))

    def refusals(self, at: datetime, count: int, key: PrincipalKey | None = None) -> None:
        """Refusals that were counted together: of a caller's burst, or of nobody who is known."""
        self.records.append(
            RefusalsRecord(
                time=format_time(at),
                until=format_time(at + timedelta(seconds=1)),
                count=count,
                request_ids=(),
                operations={"pii.analyze": count},
                where=Where(address=OFFICE),
                reason="expired" if key is None else "rate_limited",
                status=401 if key is None else 429,
                code="invalid_token",
                policy=self.policy.digest,
                service=SERVICE,
                who=None if key is None else self.who(key, None),
            )
        )

    def emergency(self, key: PrincipalKey, at: datetime) -> None:
        """An emergency begins."""
        self.records.append(
            EmergencyRecord(
                time=format_time(at),
                request_id=self.id(),
                who=self.who(key, None),
                role="Sec.BreakGlass",
                ticket="INC-1",
                purpose="incident-response",
                justification="Something is on fire",
                until=format_time(at + timedelta(hours=4)),
                where=Where(address=OFFICE),
                policy=self.policy.digest,
                service=SERVICE,
            )
        )

    def who(self, key: PrincipalKey, client: str | None) -> Who:
        """The caller as its token says; an app's client is its own."""
        kind = self.principals[key].kind if key in self.principals else "person"
        own = FRONT_END if kind == "person" else client_of(key)
        return Who(kind=kind, issuer="entra", tenant=key[0], principal=key[1], app=client or own)

    def _address(self, key: PrincipalKey) -> str:
        return OFFICE if self.principals.get(key, None) is None or self._is_person(key) else "203.0.113.7"

    def _is_person(self, key: PrincipalKey) -> bool:
        return self.principals[key].kind == "person"


def client_of(key: PrincipalKey) -> str:
    """The client id of an app."""
    return str(uuid.uuid5(uuid.UUID(key[1]), "client"))
