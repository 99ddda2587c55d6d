"""The directory of an access review, read from Microsoft Graph v1.0. Implements `DirectoryReader`.

What is asked, in this order: the application's service principal and its roles; the assignments of these
roles; the members of assigned groups; people and apps that hold a role; owners of apps; last sign-ins. Only
the first must succeed. Whatever else fails leaves a gap that is said, and nothing is concluded from it.
Sign-ins of apps are in Graph's beta version alone, which may change any day: they are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.core.credentials import TokenCredential

from shared.cloud.graph.app import ReviewedApp
from shared.cloud.graph.details import read_owners, read_sign_ins
from shared.cloud.graph.gaps import Gaps
from shared.cloud.graph.grants import (
    Assignment,
    Holding,
    Members,
    each_holding,
    read_assignments,
    read_groups,
)
from shared.cloud.graph.items import read_flag, read_guid, read_instant, read_text
from shared.cloud.graph.principals import APPS, PEOPLE, Found, read_principals
from shared.cloud.graph.requests import GraphRequests, check_graph_url
from shared.cloud.graph.tokens import IdentityTokens
from shared.cloud.graph.waiting import GraphLimits
from shared.errors import DirectoryMissing, DirectoryRefused, DirectoryUnavailable
from shared.review.directory import AppRole, Directory, Grant, Principal, PrincipalKey, PrincipalKind


@dataclass(frozen=True, slots=True)
class _Registration:
    """The application as the directory shows it: id of its service principal, role id -> value, enabled."""

    id: str
    roles: Mapping[str, tuple[str | None, bool]] = field(default_factory=dict)


class NoDirectory:
    """Where there is none to read. `reason` says why."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def read(self, now: datetime, names: bool = False) -> Directory:
        """Raises DirectoryUnavailable."""
        raise DirectoryUnavailable(self._reason)


class GraphDirectory:
    """Reads with a set of connections of its own each time; a reading is rare. Thread-safe."""

    def __init__(self, app: ReviewedApp, open_requests: Callable[[], GraphRequests]) -> None:
        """`open_requests` starts the time of a reading and is called once for each."""
        self._app = app
        self._open = open_requests

    def read(self, now: datetime, names: bool = False) -> Directory:
        """One reading. Raises DirectoryUnavailable where not even the application could be read."""
        with closing(self._open()) as asking:
            gaps = Gaps()
            registration = _read_registration(asking, self._app.app_id)
            assignments = read_assignments(asking, registration.id, gaps)
            return self._join(asking, registration, assignments, gaps, now, names)

    def _join(
        self,
        asking: GraphRequests,
        registration: _Registration,
        assignments: list[Assignment],
        gaps: Gaps,
        now: datetime,
        names: bool,
    ) -> Directory:
        assigned = sorted({one.principal for one in assignments if one.holder == "Group"})
        groups = read_groups(asking, sorted({*assigned, *self._app.group_roles}), gaps)
        holdings = list(each_holding(assignments, groups, gaps))
        grants = {
            *self._grants(holdings, registration, gaps),
            *self._mapped_grants(groups),
        }
        for issuer in self._app.other_issuers:
            gaps.add("assignments", [issuer], "roles that this issuer gives are not in Microsoft Graph")
        kinds = {one: kind for members in groups.values() for one, kind in members.kinds.items()}
        kinds |= {one.principal: one.kind for one in holdings}
        holders = {grant.principal[1]: kinds[grant.principal[1]] for grant in grants}
        return Directory(
            read_at=now,
            tenant=self._app.tenant,
            roles=self._roles(registration),
            principals=self._principals(asking, holders, names, gaps),
            grants=tuple(sorted(grants, key=_order)),
            groups={group: len(members.kinds) for group, members in groups.items()},
            unknown=gaps.say(),
        )

    def _roles(self, registration: _Registration) -> tuple[AppRole, ...]:
        roles: dict[str, bool] = {}
        for value, is_enabled in registration.roles.values():
            for name in self._app.roles_of(value):
                roles[name] = roles.get(name, False) or is_enabled
        return tuple(AppRole(name, is_enabled) for name, is_enabled in sorted(roles.items()))

    def _grants(
        self, holdings: Iterable[Holding], registration: _Registration, gaps: Gaps
    ) -> Iterator[Grant]:
        for one in holdings:
            if one.role not in registration.roles:
                gaps.add("app_roles", [one.role], "assigned, and not among the application's roles")
                continue
            for role in self._app.roles_of(registration.roles[one.role][0]):
                yield Grant(
                    self._key(one.principal), role, one.assignment, one.since, one.group, one.is_effective
                )

    def _mapped_grants(self, groups: Mapping[str, Members]) -> Iterator[Grant]:
        """Roles of the setting's `group_map`: a token's groups are transitive, and apps' tokens have none."""
        for group, roles in self._app.group_roles.items():
            for principal, kind in groups[group].kinds.items() if group in groups else ():
                for role in roles:
                    key = self._key(principal)
                    yield Grant(key, role, "", None, group, is_effective=kind == "person")

    def _principals(
        self, asking: GraphRequests, holders: Mapping[str, PrincipalKind], names: bool, gaps: Gaps
    ) -> dict[PrincipalKey, Principal]:
        people = read_principals(
            asking, PEOPLE, [one for one, kind in holders.items() if kind == "person"], names, gaps
        )
        apps = read_principals(
            asking, APPS, [one for one, kind in holders.items() if kind == "app"], names, gaps
        )
        owners = read_owners(asking, apps.items, self._app.tenant, gaps)
        sign_ins = read_sign_ins(asking, people.items, gaps) if people.items else {}
        found: dict[PrincipalKey, Principal] = {}
        for one, kind in sorted(holders.items()):
            source = people if kind == "person" else apps
            found[self._key(one)] = Principal(
                key=self._key(one),
                kind=kind,
                state=source.states[one],
                created=_lenient(read_instant, source, one, "createdDateTime"),
                owners=owners.get(one),
                last_sign_in=sign_ins.get(one),
                sign_ins_known=one in sign_ins,
                name=_lenient(read_text, source, one, "displayName") if names else None,
            )
        return found

    def _key(self, principal: str) -> PrincipalKey:
        return self._app.tenant, principal


def open_graph(
    url: str,
    app: ReviewedApp,
    open_credential: Callable[[], TokenCredential],
    limits: GraphLimits | None = None,
) -> GraphDirectory:
    """The directory behind an address, read as the principal of a credential. Touches no network.

    Each cloud has its address, and tokens are asked for that address. Raises SettingsError.
    """
    origin = check_graph_url(url)
    tokens = IdentityTokens(open_credential, f"{origin}/.default")
    return GraphDirectory(app, lambda: GraphRequests(origin, tokens, limits or GraphLimits()))


def _read_registration(asking: GraphRequests, app_id: str) -> _Registration:
    """Raises DirectoryUnavailable that says what to do."""
    path = f"/servicePrincipals(appId='{app_id}')?$select=id,appRoles"
    try:
        item = asking.get(path)
        listed = item.get("appRoles")
        if not isinstance(listed, list) or not all(isinstance(role, dict) for role in listed):
            raise DirectoryUnavailable("expected a list of objects in `appRoles`, got something else")
        roles = {
            read_guid(role, "id"): (read_text(role, "value"), read_flag(role, "isEnabled") is not False)
            for role in listed
        }
        return _Registration(read_guid(item, "id"), roles)
    except DirectoryMissing:
        raise DirectoryUnavailable(
            "the directory has no service principal of this client id; see REVIEW_APP_ID"
        ) from None
    except DirectoryRefused as error:
        raise DirectoryUnavailable(
            f"the application cannot be read: {error.message}; the application permission "
            "Application.Read.All gives it"
        ) from None


def _lenient[T](read: Callable[[Mapping[str, Any], str], T], found: Found, one: str, name: str) -> T | None:
    """A detail that decides little: what is malformed is not told."""
    try:
        return read(found.items.get(one, {}), name)
    except DirectoryUnavailable:
        return None


def _order(grant: Grant) -> tuple[str, ...]:
    return grant.role, *grant.principal, grant.group or "", grant.assignment
