"""What the rules look at: directory, policy and usage, joined by principal and role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from shared.review.directory import Directory, Grant, Principal, PrincipalKey
from shared.review.options import ReviewOptions
from shared.review.policy_view import PolicyView, RoleView
from shared.review.uses import CallerUse, RoleUse, Usage


@dataclass(frozen=True, slots=True)
class Holding:
    """A principal holds a role, by one or several grants. `view` is None for a role without policy.

    `days_held`: at least so long, as far as the directory tells; None where it does not. A member's time in
    a group is not told: it counts from the group's assignment, but never from before the member was there.
    """

    principal: Principal
    role: str
    view: RoleView | None
    grants: tuple[Grant, ...]
    days_held: int | None
    use: RoleUse | None

    @property
    def assignments(self) -> tuple[str, ...]:
        """Ids of the principal's own assignments: deleting them takes the role from nobody else."""
        return tuple(sorted(grant.assignment for grant in self.grants if grant.group is None))

    @property
    def groups(self) -> tuple[str, ...]:
        """Ids of the groups through which the role is held."""
        return tuple(sorted({grant.group for grant in self.grants if grant.group is not None}))

    @property
    def is_effective(self) -> bool:
        """True where the policy knows the role and lets this kind of principal use it."""
        return self.view is not None and self.view.grants(self.principal.kind)

    @property
    def is_standing(self) -> bool:
        """True for an effective role that is for every day, so that not using it says something."""
        return self.view is not None and self.is_effective and not self.view.is_emergency

    @property
    def permissions(self) -> frozenset[str]:
        """What the role permits this principal."""
        return self.view.permissions if self.view is not None and self.is_effective else frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a rule may look at. `holdings` are sorted by principal and role."""

    directory: Directory
    policy: PolicyView
    usage: Usage
    options: ReviewOptions
    holdings: tuple[Holding, ...]

    def by_principal(self) -> Iterator[tuple[Principal, tuple[Holding, ...]]]:
        """Each principal that holds a role, with its holdings."""
        for _, group in groupby(self.holdings, key=lambda holding: holding.principal.key):
            held = tuple(group)
            yield held[0].principal, held

    def is_judged(self, holding: Holding) -> bool:
        """True where the role was held, and records are there, for long enough to say that it is unused."""
        days = holding.days_held
        return days is not None and min(days, self.usage.history_days) >= self.options.unused_days

    @property
    def unused_before(self) -> datetime:
        """What was last used before this moment counts as unused."""
        return self.usage.until - timedelta(days=self.options.unused_days)

    def is_unused(self, holding: Holding) -> bool:
        """True where the role was not exercised within `unused_days`."""
        last = holding.use.last if holding.use is not None else None
        return last is None or last < self.unused_before

    def caller(self, key: PrincipalKey) -> CallerUse | None:
        """What the principal did, None where no record names it."""
        return self.usage.callers.get(key)


def is_out(principal: Principal) -> bool:
    """True for a principal that was disabled or deleted: all that it holds is one matter."""
    return principal.state in ("disabled", "deleted")


def make_case(directory: Directory, policy: PolicyView, usage: Usage, options: ReviewOptions) -> Case:
    """Join grants with policy and usage. A grant that leads to no role in a token holds nothing."""
    by_holding: dict[tuple[PrincipalKey, str], list[Grant]] = {}
    for grant in directory.grants:
        if not grant.is_effective:
            continue
        by_holding.setdefault((grant.principal, grant.role), []).append(grant)
    views = {role.name: role for role in policy.roles}
    holdings = []
    for (key, role), grants in sorted(by_holding.items()):
        principal = find_principal(directory, usage, key)
        caller = usage.callers.get(key)
        holdings.append(
            Holding(
                principal=principal,
                role=role,
                view=views.get(role),
                grants=tuple(sorted(grants, key=lambda grant: (grant.group or "", grant.assignment))),
                days_held=_days_held(grants, principal, directory.read_at),
                use=caller.roles.get(role) if caller is not None else None,
            )
        )
    return Case(directory, policy, usage, options, tuple(holdings))


def find_principal(directory: Directory, usage: Usage, key: PrincipalKey) -> Principal:
    """The principal as the directory says; of one that it says nothing about, the records say the kind."""
    known: Mapping[PrincipalKey, Principal] = directory.principals
    if key in known:
        return known[key]
    caller = usage.callers.get(key)
    return Principal(key, "app" if caller is not None and caller.kind == "app" else "person", "unknown")


def _days_held(grants: list[Grant], principal: Principal, now: datetime) -> int | None:
    """Of several grants the oldest counts; one that tells no time leaves open only how much longer it was."""
    times = [grant.since for grant in grants if grant.since is not None]
    if not times:
        return None
    since = min(times) if principal.created is None else max(min(times), principal.created)
    return max(0, (now - since).days)
