"""What carries a revocation out: deletions at Microsoft Graph, each of which may be repeated without harm.

Deleting an app role assignment: https://learn.microsoft.com/graph/api/serviceprincipal-delete-approleassignedto
Taking a member out of a group: https://learn.microsoft.com/graph/api/group-delete-members
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.review.findings import Finding, Review
from shared.review.ordering import by_urgency
from shared.review.standing import Standing

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@dataclass(frozen=True, slots=True)
class Deletion:
    """One DELETE at Graph; `path` begins behind the version. `words` say what it takes from whom."""

    path: str
    words: str


@dataclass(frozen=True, slots=True)
class Revocation:
    """A finding whose revocation was decided, and what carries it out (nothing for what is no assignment)."""

    finding: Finding
    standing: Standing
    deletions: tuple[Deletion, ...]


def plan_revocations(
    review: Review, standings: Mapping[str, Standing], app_id: str
) -> tuple[Revocation, ...]:
    """Findings that stand as revoked, the most urgent first. `app_id` is the client id of the API."""
    revoked = [each for each in by_urgency(review.findings) if standings[each.id].state == "revoked"]
    return tuple(Revocation(each, standings[each.id], tuple(_deletions(each, app_id))) for each in revoked)


def _deletions(finding: Finding, app_id: str) -> Iterable[Deletion]:
    role = finding.role or "its roles"
    for assignment in finding.assignments:
        path = f"/servicePrincipals(appId='{_part(app_id)}')/appRoleAssignedTo/{_part(assignment)}"
        yield Deletion(path, f"takes {role} from this principal")
    if finding.principal is not None:
        for group in finding.groups:
            path = f"/groups/{_part(group)}/members/{_part(finding.principal[1])}/$ref"
            yield Deletion(path, f"takes this principal out of the group that holds {role}")


def _part(text: str) -> str:
    """A value as one segment of a path (RFC 3986, 2.1); dots are encoded too, so that none is a way up."""
    data = text.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in data)


def render_script(revocations: Iterable[Revocation], review_id: str, graph_url: str) -> str:
    """A shell script of `az rest` commands, every value quoted. Running it twice does no more than once."""
    lines = [
        "#!/bin/sh",
        f"# Revocations that were decided in the access review {comment(review_id)}.",
        "# Needs: az login as somebody who may change app role assignments and group members.",
        "# Each command asks first whether there is something to delete, so the script may be run again.",
        "set -u",
        "failed=0",
        "delete() {",
        '  if ! az rest --only-show-errors --method GET --url "$2" >/dev/null 2>&1; then',
        '    echo "gone already: $1"',
        '  elif az rest --only-show-errors --method DELETE --url "$3"; then',
        '    echo "deleted: $1"',
        "  else",
        '    echo "FAILED: $1" >&2; failed=1',
        "  fi",
        "}",
    ]
    for each in revocations:
        lines += ["", *_comments(each)]
        lines += [_command(each.finding, deletion, graph_url) for deletion in each.deletions]
        if not each.deletions:
            lines.append("# Nothing to delete at Graph: " + comment(each.finding.proposal))
    return "\n".join([*lines, "", 'exit "$failed"', ""])


def _comments(revocation: Revocation) -> list[str]:
    finding, decision = revocation.finding, revocation.standing.decision
    who = finding.principal[1] if finding.principal else "no principal"
    said = [f"# {finding.risk}: {finding.kind} of {who}, role {finding.role or '-'}"]
    if decision is not None:
        said.append(f"# decided by {decision.by[1]} at {decision.at:%Y-%m-%d %H:%M} UTC ({decision.record}):")
        said.append(f"#   {decision.justification}")
    return [comment(line) for line in said]


def _command(finding: Finding, deletion: Deletion, graph_url: str) -> str:
    whole = f"{graph_url.rstrip('/')}/v1.0{deletion.path}"
    # A reference has no GET of its own: the member is asked for in the group's list of direct members.
    seen = whole
    if deletion.path.endswith("/$ref") and finding.principal is not None:
        members = whole.removesuffix("/$ref").rpartition("/")[0]
        seen = f"{members}/{_part(finding.principal[1])}?$select=id"
    words = f"{finding.id}: {deletion.words}"
    return " ".join(["delete", *(shlex.quote(each) for each in (words, seen, whole))])


def comment(text: str) -> str:
    """Text that stays in its line, and in its comment, whatever it holds."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
