"""What a made-up directory holds: people, apps, groups, and who is assigned which app role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(slots=True)
class User:
    """A person. `last_sign_in` None: never."""

    id: str
    name: str
    is_enabled: bool | None = True
    created: datetime = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
    last_sign_in: datetime | None = None


@dataclass(slots=True)
class App:
    """A service principal. `owner_tenant` is where its registration is; `registration_owners` own that."""

    id: str
    app_id: str
    name: str
    is_enabled: bool | None = True
    kind: str = "Application"
    owner_tenant: str = ""
    owners: tuple[str, ...] = ()
    registration_owners: tuple[str, ...] = ()


@dataclass(slots=True)
class Group:
    """`members` are ids of people, apps, groups, or of anything else (a device)."""

    id: str
    name: str
    members: tuple[str, ...] = ()
    visibility: str | None = None


@dataclass(slots=True)
class AppRoleAssignment:
    """`kind` is User, Group or ServicePrincipal; `role` an app role's id."""

    id: str
    principal: str
    kind: str
    role: str
    created: datetime | None = datetime(2025, 2, 3, 8, 30, tzinfo=UTC)


@dataclass(slots=True)
class Tenant:
    """`resource` is the id of the service principal that has the roles: role id -> value and enabled."""

    id: str
    app_id: str
    resource: str
    roles: dict[str, tuple[str | None, bool]]
    users: dict[str, User] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    assignments: list[AppRoleAssignment] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    has_licence: bool = True

    def type_of(self, id_: str) -> str:
        """The OData type of an object's id."""
        for kind, objects in (("user", self.users), ("servicePrincipal", self.apps), ("group", self.groups)):
            if id_ in objects:
                return f"#microsoft.graph.{kind}"
        return "#microsoft.graph.device"

    def transitive_members(self, group: str) -> Iterator[str]:
        """Members and members of members, each once; groups in the group are members too."""
        seen: set[str] = {group}
        waiting = list(self.groups[group].members)
        while waiting:
            member = waiting.pop(0)
            if member in seen:
                continue
            seen.add(member)
            yield member
            if member in self.groups:
                waiting.extend(self.groups[member].members)
