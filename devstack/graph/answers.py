"""Answers of Microsoft Graph v1.0 about one made-up directory, from a path and a set of permissions.

Shapes, permissions, page sizes and error codes are those of the documentation:
https://learn.microsoft.com/graph/api/overview. What is not asked by a review of access is not there (404).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from devstack.graph.objects import render_app, render_assignment, render_resource, render_user
from devstack.graph.tenant import Tenant

DEFAULT_PAGE, MAX_PAGE, MAX_IN, MAX_BATCH = 100, 999, 15, 20

type Json = dict[str, Any]
type Query = Mapping[str, str]

_ID = r"([0-9a-fA-F-]{36})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire."""

    status: int
    body: Json


class Refusal(Exception):
    """A status that is not 200, with Graph's own code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.answer = Answer(status, {"error": {"code": code, "message": code, "innerError": {}}})


class GraphAnswers:
    """`address` is the origin that links to next pages begin with; `page` the most items of a page."""

    def __init__(self, tenant: Tenant, address: str, page: int = MAX_PAGE) -> None:
        self.tenant = tenant
        self.address = address
        self.page = page
        self._routes: list[tuple[str, str, Callable[[str, Query], Json]]] = [
            (rf"/servicePrincipals\(appId='{_ID}'\)", "Application.Read.All", self._resource),
            (rf"/servicePrincipals/{_ID}/appRoleAssignedTo", "Application.Read.All", self._assignments),
            (rf"/servicePrincipals/{_ID}/owners", "Application.Read.All", self._owners),
            (rf"/servicePrincipals/{_ID}", "Application.Read.All", self._app),
            (r"/servicePrincipals()", "Application.Read.All", self._apps),
            (rf"/applications\(appId='{_ID}'\)/owners", "Application.Read.All", self._registration_owners),
            (rf"/users/{_ID}", "User.Read.All", self._user),
            (r"/users()", "User.Read.All", self._users),
            (rf"/groups/{_ID}", "GroupMember.Read.All", self._group),
            (rf"/groups/{_ID}/members", "GroupMember.Read.All", self._members),
            (rf"/groups/{_ID}/transitiveMembers", "GroupMember.Read.All", self._transitive_members),
            (rf"/directoryObjects/{_ID}", "Directory.Read.All", self._object),
            (rf"/directory/deletedItems/{_ID}", "User.Read.All|Application.Read.All", self._deleted),
        ]

    def answer(self, path: str, permissions: Collection[str]) -> Answer:
        """The answer to a GET of a path below the version, query included."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            for pattern, permission, make in self._routes:
                if match := re.fullmatch(pattern, unquote(parts.path)):
                    if not set(permission.split("|")) & set(permissions):
                        raise Refusal(403, "Authorization_RequestDenied")
                    self._check_sign_ins(query, permissions)
                    page = make(match[1].lower(), query)
                    return Answer(200, self._with_link(page, parts.path, query))
            raise Refusal(404, "Request_ResourceNotFound")
        except Refusal as refusal:
            return refusal.answer

    def answer_batch(self, body: Any, permissions: Collection[str]) -> Answer:
        """The answer to a POST of $batch. As Graph does, the answers come in another order."""
        requests = body.get("requests") if isinstance(body, dict) else None
        if not isinstance(requests, list) or not 0 < len(requests) <= MAX_BATCH:
            return Refusal(400, "BadRequest").answer
        responses = [self._answer_one(request, permissions) for request in requests]
        return Answer(200, {"responses": responses[::-1]})

    def _answer_one(self, request: Mapping[str, str], permissions: Collection[str]) -> Json:
        done = self.answer(request["url"], permissions)
        headers = {"Content-Type": "application/json"}
        return {"id": request["id"], "status": done.status, "headers": headers, "body": done.body}

    def _check_sign_ins(self, query: Query, permissions: Collection[str]) -> None:
        if "signInActivity" in query.get("$select", ""):
            if "AuditLog.Read.All" not in permissions:
                raise Refusal(403, "Authorization_RequestDenied")
            if not self.tenant.has_licence:
                raise Refusal(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")

    def _with_link(self, page: Json, path: str, query: Query) -> Json:
        """Cut a list to the page that was asked for, with a link to the next one."""
        items = page.get("value")
        if not isinstance(items, list):
            return page
        start = int(query.get("$skiptoken", "0"))
        size = min(int(query.get("$top", DEFAULT_PAGE)), MAX_PAGE, self.page)
        page["value"] = items[start : start + size]
        if start + size < len(items):
            further = {**query, "$skiptoken": str(start + size)}
            text = "&".join(f"{name}={quote(value, safe="(),'")}" for name, value in further.items())
            page["@odata.nextLink"] = f"{self.address}/v1.0{path}?{text}"
        return page

    # --- one method a path; a list is given whole and cut by `_with_link`

    def _resource(self, app_id: str, query: Query) -> Json:
        if app_id != self.tenant.app_id:
            raise Refusal(404, "Request_ResourceNotFound")
        return select(render_resource(self.tenant), query)

    def _assignments(self, resource: str, _: Query) -> Json:
        if resource != self.tenant.resource:
            raise Refusal(404, "Request_ResourceNotFound")
        return {"value": [render_assignment(one, self.tenant) for one in self.tenant.assignments]}

    def _owners(self, app: str, query: Query) -> Json:
        return {"value": self._objects(self._find(self.tenant.apps, app).owners, query)}

    def _registration_owners(self, app_id: str, query: Query) -> Json:
        for app in self.tenant.apps.values():
            if app.app_id == app_id and app.owner_tenant == self.tenant.id:
                return {"value": self._objects(app.registration_owners, query)}
        raise Refusal(404, "Request_ResourceNotFound")

    def _app(self, app: str, query: Query) -> Json:
        return select(render_app(self._find(self.tenant.apps, app)), query)

    def _apps(self, _: str, query: Query) -> Json:
        apps = (self.tenant.apps[one] for one in ids_of(query) if one in self.tenant.apps)
        return {"value": [select(render_app(app), query) for app in apps]}

    def _user(self, user: str, query: Query) -> Json:
        return select(render_user(self._find(self.tenant.users, user)), query)

    def _users(self, _: str, query: Query) -> Json:
        users = (self.tenant.users[one] for one in ids_of(query) if one in self.tenant.users)
        return {"value": [select(render_user(user), query) for user in users]}

    def _group(self, group: str, query: Query) -> Json:
        found = self._find(self.tenant.groups, group)
        return select({"id": found.id, "displayName": found.name, "visibility": found.visibility}, query)

    def _members(self, group: str, query: Query) -> Json:
        return {"value": self._objects(self._find(self.tenant.groups, group).members, query)}

    def _transitive_members(self, group: str, query: Query) -> Json:
        self._find(self.tenant.groups, group)
        return {"value": self._objects(self.tenant.transitive_members(group), query)}

    def _deleted(self, id_: str, query: Query) -> Json:
        if id_ not in self.tenant.deleted:
            raise Refusal(404, "Request_ResourceNotFound")
        return select({"id": id_, "deletedDateTime": "2026-01-01T00:00:00Z"}, query)

    def _object(self, id_: str, query: Query) -> Json:
        if not any(id_ in objects for objects in (self.tenant.users, self.tenant.apps, self.tenant.groups)):
            raise Refusal(404, "Request_ResourceNotFound")
        return {"@odata.type": self.tenant.type_of(id_), **select({"id": id_}, query)}

    def _objects(self, ids: Iterable[str], query: Query) -> list[Json]:
        return [{"@odata.type": self.tenant.type_of(one), **select({"id": one}, query)} for one in ids]

    @staticmethod
    def _find[T](objects: Mapping[str, T], id_: str) -> T:
        if id_ not in objects:
            raise Refusal(404, "Request_ResourceNotFound")
        return objects[id_]


def ids_of(query: Query) -> list[str]:
    """The ids of `$filter=id in ('…','…')`, which is the only filter here."""
    match = re.fullmatch(r"id in \(('[0-9a-f-]{36}'(?:,'[0-9a-f-]{36}')*)\)", query.get("$filter", ""))
    ids = re.findall(r"[0-9a-f-]{36}", match[1]) if match else []
    if not 0 < len(ids) <= MAX_IN:
        raise Refusal(400, "Request_UnsupportedQuery")
    return ids


def select(item: Json, query: Query) -> Json:
    """The members that `$select` names, all without it."""
    chosen = query.get("$select")
    return item if chosen is None else {name: item[name] for name in chosen.split(",") if name in item}
