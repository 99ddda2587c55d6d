"""Who holds which role, as the directory says it: what a review asks of Microsoft Graph, as values.

Nothing here is assumed: what a directory did not tell is None or stands in `unknown`, and a rule that needs
it gives no finding for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

type PrincipalKey = tuple[str, str]
"""Tenant and object id (`tid` and `oid` of a token): the key of a caller in the records."""

PrincipalKind = Literal["person", "app"]
PrincipalState = Literal["enabled", "disabled", "deleted", "unknown"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or an app. None is "the directory did not say".

    `deleted` covers the recycle bin and ids that the directory does not know any more. `owners` counts an
    app's owners (of the application and of its service principal). `last_sign_in` is there only where the
    tenant's licence and the reader's permission give it; `sign_ins_known` tells "never" from "not told".
    `name` is for readers of a page and decides nothing.
    """

    key: PrincipalKey
    kind: PrincipalKind
    state: PrincipalState
    created: datetime | None = None
    owners: int | None = None
    last_sign_in: datetime | None = None
    sign_ins_known: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One way by which a principal holds a role. `assignment` is the id of the app role assignment, "" where
    there is none to delete: the service's own setting makes a role of membership in the group (`group_map`).

    `group` is the id of the group that was assigned, None where the principal itself was; membership in it
    may be transitive. `since` is when the assignment was made (for a group: the group's), None if not told.

    `is_effective` False: the way leads to no role in a token, so this grant is shown and nothing is concluded
    from it (never "unused", never "holds"). Entra gives an assigned group's role to its direct members that
    are people, and neither to members of groups in the group nor to apps in it:
    https://learn.microsoft.com/graph/api/resources/approleassignment,
    https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps
    """

    principal: PrincipalKey
    role: str
    assignment: str
    since: datetime | None = None
    group: str | None = None
    is_effective: bool = True


@dataclass(frozen=True, slots=True)
class AppRole:
    """A role that the application registration offers. `value` is what tokens carry and the policy names."""

    value: str
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be read. `code` is a stable word, `subject` an id (of a principal, group,
    role, assignment), an issuer's name, or "" for the whole.

    Codes: `assignments`, `group_members`, `principal`, `owners`, `sign_ins`, `deleted_principals`,
    `app_roles`; and of a review's records `records` and `addresses`.
    `message` says what is missing and which permission would give it; never a person's data.
    """

    code: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Directory:
    """One reading of the directory, at `read_at`. `groups`: assigned group -> members that are known."""

    read_at: datetime
    tenant: str
    roles: tuple[AppRole, ...]
    principals: Mapping[PrincipalKey, Principal]
    grants: tuple[Grant, ...]
    groups: Mapping[str, int]
    unknown: tuple[Unknown, ...] = ()

    def is_unknown(self, code: str) -> bool:
        """True where anything of this code could not be read: then absence proves nothing."""
        return any(item.code == code for item in self.unknown)
