"""What is asked beyond the state: an app's owners, a person's last sign-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.cloud.graph.gaps import APPLICATIONS, SIGN_INS, Gaps, reason_of
from shared.cloud.graph.items import read_guid, read_guid_or_none, read_instant
from shared.cloud.graph.lists import Outcome, ask_all, each_item_of
from shared.cloud.graph.principals import IDS_OF_FILTER, PEOPLE, ask_by_ids
from shared.cloud.graph.requests import GraphRequests
from shared.errors import DirectoryMissing, DirectoryRefused, DirectoryUnavailable

type Item = Mapping[str, Any]


def read_owners(asking: GraphRequests, apps: Mapping[str, Item], tenant: str, gaps: Gaps) -> dict[str, int]:
    """The number of owners of each app where it is known: of its service principal and its registration.

    A managed identity has no owners in Entra (rights on the Azure resource decide), so nothing is said of it.
    A registration in another tenant has its owners there: they are not ours to count.
    """
    paths: dict[str, list[str]] = {}
    for one, item in apps.items():
        if item.get("servicePrincipalType") == "ManagedIdentity":
            continue
        paths[one] = [f"/servicePrincipals/{one}/owners?$select=id"]
        registration = _own_registration(item, tenant)
        if registration is not None:
            paths[one].append(f"/applications(appId='{registration}')/owners?$select=id")
    flat = [path for each in paths.values() for path in each]
    answers = dict(zip(flat, ask_all(asking, flat), strict=True))
    owners: dict[str, int] = {}
    for one, each in paths.items():
        try:
            owners[one] = len({owner for path in each for owner in _owners(asking, path, answers[path])})
        except DirectoryUnavailable as error:
            gaps.add("owners", [one], f"the owners of an app: {reason_of(error, APPLICATIONS)}")
    return owners


def _own_registration(item: Item, tenant: str) -> str | None:
    """The client id, where the registration is in this tenant. What is malformed counts as elsewhere."""
    try:
        if read_guid_or_none(item, "appOwnerOrganizationId") == tenant:
            return read_guid(item, "appId")
    except DirectoryUnavailable:
        return None
    return None


def _owners(asking: GraphRequests, path: str, answer: Outcome) -> set[str]:
    """Of a registration that was deleted meanwhile: none. Raises DirectoryUnavailable."""
    if isinstance(answer, DirectoryMissing) and path.startswith("/applications"):
        return set()
    if isinstance(answer, DirectoryUnavailable):
        raise answer
    return {read_guid(owner, "id") for owner in each_item_of(asking, path, answer)}


def read_sign_ins(asking: GraphRequests, people: Iterable[str], gaps: Gaps) -> dict[str, datetime | None]:
    """The last sign-in of each person of whom it is known, None for "never".

    Needs Entra ID P1 and a permission of its own, and is throttled hard: so it is asked last, and where the
    first answer is a refusal, no more.
    """
    listed = sorted(people)
    fields = ["id", "signInActivity"]
    items, unread = ask_by_ids(asking, PEOPLE.path, listed[:IDS_OF_FILTER], fields)
    if any(isinstance(error, DirectoryRefused) for error in unread.values()):
        unread = {"": next(iter(unread.values()))}
    else:
        more, more_unread = ask_by_ids(asking, PEOPLE.path, listed[IDS_OF_FILTER:], fields)
        items, unread = items | more, unread | more_unread
    known: dict[str, datetime | None] = {}
    for one, item in items.items():
        try:
            known[one] = _last_sign_in(item)
        except DirectoryUnavailable as error:
            unread[one] = error
    for one, why in unread.items():
        gaps.add("sign_ins", [one], f"last sign-ins: {_reason(why)}")
    return known


def _reason(error: DirectoryUnavailable) -> str:
    licence = ", in a tenant with Entra ID P1" if isinstance(error, DirectoryRefused) else ""
    return reason_of(error, SIGN_INS) + licence


def _last_sign_in(item: Item) -> datetime | None:
    """The last that succeeded; where that is not recorded (before December 2023), the last attempt.

    https://learn.microsoft.com/graph/api/resources/signinactivity. Raises DirectoryUnavailable.
    """
    activity = item.get("signInActivity")
    if activity is None:
        return None
    if not isinstance(activity, dict):
        raise DirectoryUnavailable("expected an object or null in `signInActivity`, got something else")
    succeeded = read_instant(activity, "lastSuccessfulSignInDateTime")
    tried = [
        read_instant(activity, name) for name in ("lastSignInDateTime", "lastNonInteractiveSignInDateTime")
    ]
    return succeeded or max((instant for instant in tried if instant), default=None)
