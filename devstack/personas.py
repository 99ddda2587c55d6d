"""The people and apps of the local cloud. All of them are made up."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal

TENANT = "6f1d2a34-5b6c-4d7e-8f90-a1b2c3d4e5f6"
"""The tenant whose tokens the local service trusts."""

OTHER_TENANT = "0e9f8d7c-6b5a-4c3d-9e2f-1a0b9c8d7e6f"
"""A tenant of the same issuer that the service does not trust. As in Entra, both share their signing keys."""

API_CLIENT_ID = "b7c1d9e2-3f4a-4b5c-8d6e-7f8091a2b3c4"
"""The app registration of the service: the audience of v2 tokens; `api://` before it makes that of v1."""

CLIENT_APP_ID = "2c3d4e5f-6071-4283-94a5-b6c7d8e9f012"
"""The client through which people call."""

_NAMES = uuid.UUID("5d2f7a10-9c1e-4b7a-8a55-3c1f0e6d9b42")


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody who can get a token. `oid` and `subject` are the same each time, on every machine.

    For an app, `subject` is its `oid`, as in Entra's app-only tokens, and `app_id` is its own client id.
    """

    name: str
    roles: tuple[str, ...]
    kind: Literal["person", "app"] = "person"
    tenant: str = TENANT
    given_name: str = ""
    family_name: str = ""
    oid: str = field(init=False)
    subject: str = field(init=False)
    app_id: str = field(init=False)

    def __post_init__(self) -> None:
        oid = _guid(f"oid/{self.name}")
        is_app = self.kind == "app"
        object.__setattr__(self, "oid", oid)
        object.__setattr__(
            self, "subject", oid if is_app else _guid(f"sub/{self.name}").replace("-", "") + "_s"
        )
        object.__setattr__(self, "app_id", _guid(f"app/{self.name}") if is_app else CLIENT_APP_ID)

    @property
    def mail(self) -> str:
        """A login name in a domain that cannot exist (RFC 2606)."""
        return f"{self.given_name}.{self.family_name}@contoso.example".lower()


def _guid(name: str) -> str:
    return str(uuid.uuid5(_NAMES, name))


PERSONAS: dict[str, Persona] = {
    persona.name: persona
    for persona in (
        Persona("engineer", ("Pii.Analyst", "Pii.Redactor"), given_name="Enno", family_name="Gerlach"),
        Persona("analyst", ("Pii.Analyst",), given_name="Ana", family_name="Lystad"),
        Persona("redactor", ("Pii.Redactor",), given_name="Reda", family_name="Dorn"),
        Persona("reidentifier", ("Pii.Reidentifier",), given_name="Rei", family_name="Identi"),
        Persona("pipeline", ("Pii.Pipeline",), kind="app"),
        Persona("breakglass", ("Pii.BreakGlass",), given_name="Brea", family_name="Klass"),
        Persona("auditor", ("Audit.Reader",), given_name="Auda", family_name="Torvik"),
        Persona("reviewer", ("Audit.Reviewer",), given_name="Reve", family_name="Uhrig"),
        Persona("approver", ("Pii.Approver",), given_name="Appo", family_name="Rover"),
        Persona("operator", ("Service.Operator",), given_name="Oper", family_name="Attore"),
        Persona("nobody", (), given_name="Noa", family_name="Bodin"),
        Persona("outsider", ("Pii.Analyst",), tenant=OTHER_TENANT, given_name="Outi", family_name="Sider"),
    )
}
"""By name. `nobody` has a valid token without roles; `outsider` is of a tenant that is not trusted."""
