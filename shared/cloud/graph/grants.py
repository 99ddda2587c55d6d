"""Who holds which app role: assignments, and the members of assigned groups.

https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto
https://learn.microsoft.com/graph/api/group-list-transitivemembers
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.cloud.graph.gaps import APPLICATIONS, HIDDEN_MEMBERS, MEMBERS, Gaps, reason_of
from shared.cloud.graph.items import NO_ROLE, collect, read_guid, read_instant, read_kind, read_opaque
from shared.cloud.graph.lists import ask_all, each_item, in_parallel
from shared.cloud.graph.requests import GraphRequests
from shared.errors import DirectoryMissing, DirectoryUnavailable
from shared.review.directory import PrincipalKind

PAGE = 999
"""Most items of one page."""

_KINDS: Mapping[str, PrincipalKind] = {"User": "person", "ServicePrincipal": "app"}
_MEMBER_KINDS: Mapping[str, PrincipalKind] = {"user": "person", "servicePrincipal": "app"}


@dataclass(frozen=True, slots=True)
class Assignment:
    """An app role assignment. `holder` is User, Group or ServicePrincipal; `role` the app role's id."""

    id: str
    principal: str
    holder: str
    role: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Members:
    """Of one group, as far as they are known: id -> kind, and who of them is in it without a group between.

    `direct` is None where that is not known of anybody.
    """

    kinds: Mapping[str, PrincipalKind]
    direct: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holding:
    """A principal and one way to a role, `role` being its id (see `Grant` for the other fields)."""

    principal: str
    kind: PrincipalKind
    role: str
    assignment: str
    since: datetime | None
    group: str | None
    is_effective: bool


def read_assignments(asking: GraphRequests, resource: str, gaps: Gaps) -> list[Assignment]:
    """Those of a resource's service principal that carry a role; each once, however often it was listed."""

    def read(item: Mapping[str, Any]) -> Assignment:
        if read_guid(item, "resourceId") != resource:
            raise DirectoryUnavailable("expected assignments of the application, got one of another")
        return Assignment(
            id=read_opaque(item, "id"),
            principal=read_guid(item, "principalId"),
            holder=str(item.get("principalType")),
            role=read_guid(item, "appRoleId"),
            since=read_instant(item, "createdDateTime"),
        )

    path = f"/servicePrincipals/{resource}/appRoleAssignedTo?$top={PAGE}"
    found, error = collect(each_item(asking, path), read)
    if error is not None:
        gaps.add("assignments", [""], f"not all assignments: {reason_of(error, APPLICATIONS)}")
    return [one for one in {one.id: one for one in found}.values() if one.role != NO_ROLE]


def read_groups(asking: GraphRequests, groups: list[str], gaps: Gaps) -> dict[str, Members]:
    """The members of each group that could be asked, people and apps; groups in it are looked through."""
    visible = ask_all(asking, [f"/groups/{group}?$select=id,visibility" for group in groups])
    known: dict[str, bool] = {}
    for group, answer in zip(groups, visible, strict=True):
        if isinstance(answer, DirectoryMissing):
            gaps.add("group_members", [group], "the directory does not know this group (any more)")
        elif isinstance(answer, DirectoryUnavailable):
            gaps.add("group_members", [group], f"members of a group: {reason_of(answer, MEMBERS)}")
        else:
            known[group] = answer.get("visibility") == "HiddenMembership"
    members = in_parallel(asking, lambda group: _read_members(asking, group, gaps), known)
    for group, found in zip(known, members, strict=True):
        if known[group] and not found.kinds:
            gaps.add(
                "group_members",
                [group],
                f"the group hides its members; the application permission {HIDDEN_MEMBERS} gives them",
            )
    return dict(zip(known, members, strict=True))


def _read_members(asking: GraphRequests, group: str, gaps: Gaps) -> Members:
    """Two lists, since only the first tells who gets the role. Without casts, which would read an index that
    lags behind: https://learn.microsoft.com/graph/aad-advanced-queries
    """
    near, near_error = _list_members(asking, f"/groups/{group}/members")
    far, far_error = _list_members(asking, f"/groups/{group}/transitiveMembers")
    for error in (near_error, far_error):
        if error is not None:
            gaps.add("group_members", [group], f"not all members of a group: {reason_of(error, MEMBERS)}")
    # Who is missing in a list that is not whole may still be a direct member: nothing is said of them.
    further = far if near_error is None else {}
    return Members({**further, **near}, frozenset(near))


def _list_members(
    asking: GraphRequests, path: str
) -> tuple[dict[str, PrincipalKind], DirectoryUnavailable | None]:
    found, error = collect(
        each_item(asking, f"{path}?$select=id&$top={PAGE}"),
        lambda item: (read_guid(item, "id"), read_kind(item)),
    )
    return {id_: _MEMBER_KINDS[kind] for id_, kind in found if kind in _MEMBER_KINDS}, error


def each_holding(
    assignments: list[Assignment], groups: Mapping[str, Members], gaps: Gaps
) -> Iterator[Holding]:
    """Assignments, with groups replaced by their members."""
    for one in assignments:
        if one.holder in _KINDS:
            yield Holding(one.principal, _KINDS[one.holder], one.role, one.id, one.since, None, True)
        elif one.holder == "Group":
            members = groups.get(one.principal, Members({}, frozenset()))
            for principal, kind in members.kinds.items():
                is_effective = kind == "person" and principal in members.direct
                yield Holding(principal, kind, one.role, one.id, one.since, one.principal, is_effective)
        else:
            gaps.add("assignments", [one.id], "a role is assigned to a kind of principal that is not known")
