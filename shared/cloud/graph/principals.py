"""What the directory says of people and apps: enabled, disabled or deleted, and since when they exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from shared.cloud.graph.gaps import APPLICATIONS, USERS, Gaps, reason_of
from shared.cloud.graph.items import read_flag, read_guid
from shared.cloud.graph.lists import ask_all, each_item_of
from shared.cloud.graph.requests import GraphRequests
from shared.errors import DirectoryMissing, DirectoryRefused, DirectoryUnavailable
from shared.review.directory import PrincipalState

IDS_OF_FILTER = 15
"""Graph takes no more values in one `in`."""

type Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Collection:
    """Where principals of one kind are, and which permission reads them."""

    path: str
    fields: tuple[str, ...]
    permission: str


PEOPLE = Collection("/users", ("id", "accountEnabled", "createdDateTime"), USERS)
APPS = Collection(
    "/servicePrincipals",
    ("id", "accountEnabled", "appId", "appOwnerOrganizationId", "servicePrincipalType"),
    APPLICATIONS,
)


@dataclass(slots=True)
class Found:
    """The objects that answered, and the state of each id that was asked for."""

    items: dict[str, Item] = field(default_factory=dict)
    states: dict[str, PrincipalState] = field(default_factory=dict)


def read_principals(
    asking: GraphRequests, collection: Collection, ids: Iterable[str], names: bool, gaps: Gaps
) -> Found:
    """Each id's state. `deleted` is said only where the id is neither in the collection nor unreadable, the
    recycle bin was readable too, and no object of another kind has it.
    """
    listed = sorted(ids)
    fields = [*collection.fields, "displayName"] if names else [*collection.fields]
    items, unread = ask_by_ids(asking, collection.path, listed, fields)
    for reason, subjects in _by_reason(unread, collection.permission).items():
        gaps.add("principal", subjects, f"whether a principal is enabled: {reason}")
    found = Found(items=items)
    absent = [one for one in listed if one not in items and one not in unread]
    _look_again(asking, collection, absent, fields, found, gaps)
    for one in listed:
        if one in found.items:
            found.states[one] = _state_of(found.items[one], one, gaps)
        else:
            found.states.setdefault(one, "unknown")
    return found


def ask_by_ids(
    asking: GraphRequests, path: str, ids: Sequence[str], fields: Iterable[str]
) -> tuple[dict[str, Item], dict[str, DirectoryUnavailable]]:
    """The objects of these ids, and the ids whose question failed. An id in neither was not found."""
    parts = [ids[start : start + IDS_OF_FILTER] for start in range(0, len(ids), IDS_OF_FILTER)]
    select = ",".join(fields)
    paths = [f"{path}?$filter={_in_filter(part)}&$select={select}" for part in parts]
    items: dict[str, Item] = {}
    unread: dict[str, DirectoryUnavailable] = {}
    for part, one_path, answer in zip(parts, paths, ask_all(asking, paths), strict=True):
        try:
            if isinstance(answer, DirectoryUnavailable):
                raise answer
            read = {read_guid(item, "id"): item for item in each_item_of(asking, one_path, answer)}
        except DirectoryUnavailable as error:
            unread |= dict.fromkeys(part, error)
        else:
            items |= {one: read[one] for one in part if one in read}
    return items, unread


def _in_filter(ids: Sequence[str]) -> str:
    return quote("id in ({})".format(",".join(f"'{one}'" for one in ids)), safe="(),'")


def _look_again(
    asking: GraphRequests,
    collection: Collection,
    absent: Sequence[str],
    fields: Iterable[str],
    found: Found,
    gaps: Gaps,
) -> None:
    """A list may lag behind. Who is absent from it is asked for by id, then looked for everywhere else."""
    select = ",".join(fields)
    missing: list[str] = []
    paths = [f"{collection.path}/{one}?$select={select}" for one in absent]
    for one, answer in zip(absent, ask_all(asking, paths), strict=True):
        if isinstance(answer, DirectoryMissing):
            missing.append(one)
        elif isinstance(answer, DirectoryUnavailable):
            reason = reason_of(answer, collection.permission)
            gaps.add("principal", [one], f"whether a principal is enabled: {reason}")
        else:
            found.items[one] = answer
    _look_elsewhere(asking, collection, missing, found, gaps)


def _look_elsewhere(
    asking: GraphRequests, collection: Collection, missing: Sequence[str], found: Found, gaps: Gaps
) -> None:
    """In the recycle bin, and among all objects: one of a kind that this reader may not see is not deleted.

    The second question may be refused with the permissions that suffice for all else; then it says nothing.
    """
    bins = ask_all(asking, [f"/directory/deletedItems/{one}?$select=id" for one in missing])
    anywhere = ask_all(asking, [f"/directoryObjects/{one}?$select=id" for one in missing])
    for one, binned, there in zip(missing, bins, anywhere, strict=True):
        if isinstance(binned, DirectoryUnavailable) and not isinstance(binned, DirectoryMissing):
            reason = reason_of(binned, collection.permission)
            gaps.add("deleted_principals", [one], f"whether a principal was deleted: {reason}")
        elif isinstance(there, DirectoryMissing | DirectoryRefused):
            found.states[one] = "deleted"
        elif isinstance(there, DirectoryUnavailable):
            gaps.add("deleted_principals", [one], f"whether a principal was deleted: {there.message}")
        else:
            gaps.add("principal", [one], "the directory has a principal, and does not show it to this reader")


def _state_of(item: Item, subject: str, gaps: Gaps) -> PrincipalState:
    """Null where the reader may not see it ("limited information")."""
    try:
        is_enabled = read_flag(item, "accountEnabled")
    except DirectoryUnavailable as error:
        gaps.add("principal", [subject], f"whether a principal is enabled: {error.message}")
        return "unknown"
    if is_enabled is None:
        gaps.add("principal", [subject], "whether a principal is enabled: the directory does not say")
        return "unknown"
    return "enabled" if is_enabled else "disabled"


def _by_reason(unread: Mapping[str, DirectoryUnavailable], permission: str) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for subject, error in unread.items():
        reasons.setdefault(reason_of(error, permission), []).append(subject)
    return reasons
