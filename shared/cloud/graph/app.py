"""Which application is reviewed, and how what Entra puts into its tokens becomes roles here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.errors import SettingsError
from shared.identity.issuers import GUID, Issuer

SETTING = "REVIEW_APP_ID"


@dataclass(frozen=True, slots=True)
class ReviewedApp:
    """`app_id` is the client id of the API's registration; `tenant` that of its tokens.

    `role_maps` are those of the tenant's issuers (an empty one lets an app role's value be the role's name);
    `group_roles` what their `group_map` makes of a group. `other_issuers` give roles that Graph cannot know.
    """

    app_id: str
    tenant: str
    role_maps: tuple[Mapping[str, str], ...] = ({},)
    group_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    other_issuers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Both stand in paths and keys. Raises SettingsError."""
        for name, value in (("the client id of the application", self.app_id), ("its tenant", self.tenant)):
            if not GUID.fullmatch(value):
                raise SettingsError(SETTING, f"expected {name} as a GUID in lower case")

    def roles_of(self, value: str | None) -> tuple[str, ...]:
        """The roles that an app role's value stands for. None without a value: nothing is in the token."""
        if not value:
            return ()
        names = {mapping.get(value) if mapping else value for mapping in self.role_maps}
        return tuple(sorted(name for name in names if name))


def choose_app(issuers: Iterable[Issuer], app_id: str | None) -> ReviewedApp:
    """The application of the first Entra tenant among the trusted issuers.

    Its client id is the setting's, else an audience of that tenant that is a GUID or `api://` and a GUID.
    Raises SettingsError where there is no Entra tenant or no client id.
    """
    listed = tuple(issuers)
    tenant = next((one.tenant for one in listed if one.kind != "oidc"), None)
    if tenant is None:
        raise SettingsError(SETTING, "no trusted issuer is Microsoft Entra, so there is no directory to read")
    ours = [one for one in listed if one.kind != "oidc" and one.tenant == tenant]
    client_id = app_id or _client_id(audience for one in ours for audience in one.audiences)
    if client_id is None:
        raise SettingsError(
            SETTING, "expected the client id of the application: no audience of the issuer is one"
        )
    groups: dict[str, set[str]] = {}
    for one in ours:
        for group, role in one.group_map.items():
            groups.setdefault(group.lower(), set()).add(role)
    return ReviewedApp(
        app_id=client_id.lower(),
        tenant=tenant,
        role_maps=tuple(one.role_map for one in ours),
        group_roles={group: tuple(sorted(roles)) for group, roles in groups.items() if GUID.fullmatch(group)},
        other_issuers=tuple(one.name for one in listed if one not in ours),
    )


def _client_id(audiences: Iterable[str]) -> str | None:
    found = (re.fullmatch(f"(?:api://)?({GUID.pattern})", audience.lower()) for audience in audiences)
    return next((match[1] for match in found if match), None)
