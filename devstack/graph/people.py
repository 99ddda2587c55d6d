"""The local directory: the personas with their roles, and what a review should find beside them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

from devstack.graph.tenant import App, AppRoleAssignment, Group, Tenant, User
from devstack.layout import ROOT
from devstack.personas import API_CLIENT_ID, PERSONAS, TENANT, Persona

GRANTED = datetime(2025, 2, 3, 8, 30, tzinfo=UTC)

_NAMES = uuid.UUID("b0a4b3de-7d0e-4c6b-9a39-0d7cf1e6a9d2")


def named(name: str) -> str:
    """The same id for the same name, on every machine."""
    return str(uuid.uuid5(_NAMES, name))


BY_GROUP = {"analysts": "Pii.Analyst", "auditors": "Audit.Reader"}
"""Groups that hold a role. Personas get theirs by the group, so their tokens and the directory agree."""


def local_tenant(now: datetime) -> Tenant:
    """What the local directory holds. `now` places last sign-ins.

    Beside the personas: a person who is disabled and one who is deleted, each with a role still; an app
    without an owner; and a member of a group in a group, whose tokens do not have the group's role.
    """
    roles = json.loads((ROOT / "infra" / "app-roles.json").read_text("utf-8"))
    tenant = Tenant(
        TENANT, API_CLIENT_ID, named("the service"), {one["id"]: (one["value"], True) for one in roles}
    )
    for persona in PERSONAS.values():
        if persona.tenant == TENANT:
            _add_persona(tenant, persona, now)
    _add_groups(tenant, now)
    _add_orphans(tenant, now)
    return tenant


def _add_persona(tenant: Tenant, persona: Persona, now: datetime) -> None:
    if persona.kind == "app":
        owners = (PERSONAS["engineer"].oid,)
        tenant.apps[persona.oid] = App(
            persona.oid, persona.app_id, persona.name, owner_tenant=TENANT, registration_owners=owners
        )
    else:
        name = f"{persona.given_name} {persona.family_name}"
        tenant.users[persona.oid] = User(persona.oid, name, last_sign_in=now - timedelta(hours=3))
    kind = "ServicePrincipal" if persona.kind == "app" else "User"
    for role in persona.roles:
        if role not in BY_GROUP.values():
            _assign(tenant, persona.oid, kind, role)


def _add_groups(tenant: Tenant, now: datetime) -> None:
    nested = User(named("Nesta Binnen"), "Nesta Binnen", last_sign_in=now - timedelta(days=2))
    tenant.users[nested.id] = nested
    tenant.groups[named("contractors")] = Group(named("contractors"), "contractors", (nested.id,))
    for name, role in BY_GROUP.items():
        members = tuple(one.oid for one in PERSONAS.values() if role in one.roles and one.tenant == TENANT)
        inner = (named("contractors"),) if name == "auditors" else ()
        tenant.groups[named(name)] = Group(named(name), name, (*members, *inner))
        _assign(tenant, named(name), "Group", role)


def _add_orphans(tenant: Tenant, now: datetime) -> None:
    disabled = User(
        named("Disa Bledow"), "Disa Bledow", is_enabled=False, last_sign_in=now - timedelta(days=210)
    )
    tenant.users[disabled.id] = disabled
    _assign(tenant, disabled.id, "User", "Pii.Redactor")
    tenant.deleted.add(named("Dele Tedesco"))
    _assign(tenant, named("Dele Tedesco"), "User", "Pii.Reidentifier")
    app = App(named("nightly-export"), named("nightly-export/client"), "nightly-export", owner_tenant=TENANT)
    tenant.apps[app.id] = app
    _assign(tenant, app.id, "ServicePrincipal", "Pii.Redactor")


def _assign(tenant: Tenant, principal: str, kind: str, role: str) -> None:
    """A role that the registration does not offer cannot be assigned."""
    role_id = next((id_ for id_, (value, _) in tenant.roles.items() if value == role), None)
    if role_id is None:
        return
    id_ = uuid.uuid5(_NAMES, f"{principal}/{role}").hex
    tenant.assignments.append(AppRoleAssignment(id_, principal, kind, role_id, GRANTED))
