"""Objects of a directory as Microsoft Graph writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from devstack.graph.tenant import App, AppRoleAssignment, Tenant, User

type Json = dict[str, Any]


def render_time(instant: datetime | None) -> str | None:
    """UTC with Graph's final Z."""
    return None if instant is None else f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def render_user(user: User) -> Json:
    """https://learn.microsoft.com/graph/api/resources/user"""
    activity = {
        "lastSignInDateTime": render_time(user.last_sign_in),
        "lastNonInteractiveSignInDateTime": None,
        "lastSuccessfulSignInDateTime": render_time(user.last_sign_in),
    }
    return {
        "id": user.id,
        "displayName": user.name,
        "accountEnabled": user.is_enabled,
        "createdDateTime": render_time(user.created),
        **({"signInActivity": activity} if user.last_sign_in else {}),
    }


def render_app(app: App) -> Json:
    """https://learn.microsoft.com/graph/api/resources/serviceprincipal"""
    return {
        "id": app.id,
        "appId": app.app_id,
        "displayName": app.name,
        "accountEnabled": app.is_enabled,
        "servicePrincipalType": app.kind,
        "appOwnerOrganizationId": app.owner_tenant or None,
    }


def render_resource(tenant: Tenant) -> Json:
    """The service principal that has the roles."""
    return {
        "id": tenant.resource,
        "appId": tenant.app_id,
        "appRoles": [
            {
                "id": id_,
                "value": value,
                "displayName": value or "without a value",
                "isEnabled": is_enabled,
                "allowedMemberTypes": ["User", "Application"],
            }
            for id_, (value, is_enabled) in tenant.roles.items()
        ],
    }


def render_assignment(one: AppRoleAssignment, tenant: Tenant) -> Json:
    """https://learn.microsoft.com/graph/api/resources/approleassignment"""
    return {
        "id": one.id,
        "deletedDateTime": None,
        "appRoleId": one.role,
        "createdDateTime": render_time(one.created),
        "principalId": one.principal,
        "principalType": one.kind,
        "resourceId": tenant.resource,
    }
