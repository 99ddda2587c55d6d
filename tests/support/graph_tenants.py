"""Made-up directories for tests: ids that say what they are, and builders."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from devstack.graph.tenant import App, AppRoleAssignment, Group, Tenant, User
from shared.cloud.graph.app import ReviewedApp

TENANT_ID = "6f1d2a34-5b6c-4d7e-8f90-a1b2c3d4e5f6"
NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
_NAMES = uuid.UUID("a2b8b07e-5a0f-4c58-9a53-3a3f7a3a2f10")


def guid(name: str) -> str:
    """The same id for the same name."""
    return str(uuid.uuid5(_NAMES, name))


APP_ID = guid("the reviewed application")
RESOURCE = guid("its service principal")
ROLES = ("Pii.Analyst", "Pii.Redactor", "Pii.Reidentifier", "Audit.Reviewer")
REVIEWED = ReviewedApp(app_id=APP_ID, tenant=TENANT_ID)


class TenantBuilder:
    """Builds a tenant by names; `tenant` is what came of it."""

    def __init__(self, roles: tuple[str, ...] = ROLES) -> None:
        self.tenant = Tenant(TENANT_ID, APP_ID, RESOURCE, {guid(role): (role, True) for role in roles})

    def user(self, name: str, *, is_enabled: bool | None = True, days_since_sign_in: int | None = 3) -> str:
        """A person; None days: never signed in."""
        last = None if days_since_sign_in is None else NOW - timedelta(days=days_since_sign_in)
        self.tenant.users[guid(name)] = User(guid(name), name, is_enabled, last_sign_in=last)
        return guid(name)

    def app(
        self,
        name: str,
        *,
        is_enabled: bool | None = True,
        kind: str = "Application",
        owner_tenant: str = TENANT_ID,
        owners: tuple[str, ...] = (),
        registration_owners: tuple[str, ...] = (),
    ) -> str:
        """An app with its service principal."""
        id_, client = guid(name), guid(f"client of {name}")
        self.tenant.apps[id_] = App(
            id_, client, name, is_enabled, kind, owner_tenant, owners, registration_owners
        )
        return id_

    def group(self, name: str, *members: str, visibility: str | None = None) -> str:
        """A group of ids."""
        self.tenant.groups[guid(name)] = Group(guid(name), name, members, visibility)
        return guid(name)

    def assign(self, principal: str, role: str, kind: str | None = None) -> str:
        """An assignment; its id."""
        tenant = self.tenant
        known = "User" if principal in tenant.users else "Group" if principal in tenant.groups else None
        holder = kind or known or "ServicePrincipal"
        id_ = f"assignment-of-{guid(role + principal)[:13]}_"
        tenant.assignments.append(AppRoleAssignment(id_, principal, holder, guid(role)))
        return id_


def small_tenant() -> Tenant:
    """One of everything: people in each state, apps with and without owners, nested and hidden groups."""
    build = TenantBuilder()
    ann, bob = build.user("ann"), build.user("bob", is_enabled=False, days_since_sign_in=200)
    cid, dan = build.user("cid", days_since_sign_in=None), build.user("dan")
    owned = build.app("owned", owners=(ann,), registration_owners=(ann, bob))
    build.app("orphan")
    build.app("identity", kind="ManagedIdentity")
    build.app("foreign", owner_tenant=guid("another tenant"), owners=(ann,))
    inner = build.group("inner", dan, guid("a device"))
    outer = build.group("outer", ann, cid, inner, owned)
    for person, role in ((ann, "Pii.Analyst"), (bob, "Pii.Reidentifier"), (cid, "Pii.Analyst")):
        build.assign(person, role)
    for app in ("owned", "orphan", "identity", "foreign"):
        build.assign(guid(app), "Pii.Redactor")
    build.assign(outer, "Audit.Reviewer")
    build.assign(guid("in the bin"), "Pii.Analyst", "User")
    build.assign(guid("gone for good"), "Pii.Analyst", "User")
    build.tenant.deleted.add(guid("in the bin"))
    return build.tenant
